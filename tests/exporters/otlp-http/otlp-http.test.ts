import { afterEach, describe, expect, it } from '@jest/globals'
import type { Batch } from '../../../component/batch.ts'
import { SIGNALS, type Signal } from '../../../component/signal.ts'
import { configSchema } from '../../../exporters/otlp-http/config.ts'
import { parseRetryAfterMs } from '../../../exporters/otlp-http/http-status.ts'
import { factory, urlOf } from '../../../exporters/otlp-http/otlp-http.ts'
import { logsBatch, opaqueBytes, opaqueTraces } from '../../support/batches.ts'
import { HAS_OPENSSL, itWithOpenssl, selfSigned } from '../../support/certificates.ts'
import { LogProbe } from '../../support/log-probe.ts'
import { decodeRequest } from '../../support/otlp-oracle.ts'
import { OtlpHttpSink, type SinkOptions } from '../../support/otlp-sink.ts'
import { TEST_START_MS, testExporterSettings } from '../../support/test-settings.ts'

const REQUEST = Buffer.from('a request that nobody looks into, long enough to be compressed. '.repeat(50))

const cleanUps: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

async function startSink(options?: SinkOptions): Promise<OtlpHttpSink> {
  const sink = await OtlpHttpSink.start(options)
  cleanUps.push(() => sink.stop())
  return sink
}

async function startExporter(endpoint: string, config: object = {}) {
  const logger = new LogProbe()
  const settings = testExporterSettings('otlp_http', { logger })
  const retry_on_failure = { initial_interval: '1s', randomization_factor: 0 }
  const exporter = factory.create(settings, configSchema.parse({ endpoint, retry_on_failure, ...config }))
  await exporter.start()
  const { clock, ledgers } = settings
  cleanUps.push(async () => {
    const stopped = exporter.stop(clock.nowMs())
    clock.advanceBy(1)
    await stopped
  })
  return { exporter, clock, ledger: ledgers.traces, ledgers, log: logger.lines }
}

function batchOf(signal: Signal): Batch {
  return signal === 'traces' ? opaqueTraces(REQUEST, 2) : opaqueBytes(signal, REQUEST, 2)
}

async function until(reached: () => boolean): Promise<void> {
  while (!reached()) await new Promise((resolve) => setImmediate(resolve))
}

describe('otlp_http delivers', () => {
  it.each(SIGNALS)('%s, byte for byte', async (signal) => {
    const sink = await startSink()
    const { exporter, ledgers } = await startExporter(sink.endpoint)
    expect(exporter.consume(batchOf(signal))).toEqual({ kind: 'accepted' })
    await until(() => ledgers[signal].sent === 2)
    expect(sink.requests).toMatchObject([
      { signal, bytes: REQUEST, headers: { 'content-type': 'application/x-protobuf' } },
    ])
  })

  it.each(['none', 'gzip', 'zstd'])('with compression %s, and the configured headers', async (compression) => {
    const sink = await startSink()
    const { exporter } = await startExporter(sink.endpoint, { compression, headers: { 'X-Scope-OrgID': 'team' } })
    exporter.consume(batchOf('traces'))
    await sink.taken(1)
    const encoding = compression === 'none' ? {} : { 'content-encoding': compression }
    expect(sink.requests[0]).toMatchObject({ bytes: REQUEST, headers: { 'x-scope-orgid': 'team', ...encoding } })
  })

  it('OTLP/JSON', async () => {
    const sink = await startSink()
    const { exporter, ledgers } = await startExporter(sink.endpoint, { encoding: 'json' })
    const batch = logsBatch('hello', 'world')
    exporter.consume(batch)
    await until(() => ledgers.logs.sent === 2)
    expect(sink.requests[0]!.headers['content-type']).toBe('application/json')
    expect(JSON.parse(Buffer.from(sink.requests[0]!.bytes).toString())).toEqual(
      decodeRequest('logs', batch.source.bytes),
    )
  })

  it('gives up at once what cannot be written as JSON', async () => {
    const sink = await startSink()
    const { exporter, ledgers } = await startExporter(sink.endpoint, { encoding: 'json' })
    exporter.consume(opaqueBytes('logs', Buffer.from([0x0a, 0x7f]), 3))
    await until(() => ledgers.logs.failed === 3)
    expect(sink.attempts).toEqual([])
  })

  it('keeps its connections, and no more of them than max_conns_per_host', async () => {
    const sink = await startSink()
    const { exporter, ledger } = await startExporter(sink.endpoint, { max_conns_per_host: 2 })
    for (let i = 0; i < 30; i++) exporter.consume(batchOf('traces'))
    await until(() => ledger.held === 0)
    expect(sink.connections).toBe(2)
  })
})

describe('otlp_http knows where to send', () => {
  it.each([
    [{ endpoint: 'http://tempo:4318' }, 'http://tempo:4318/v1/traces'],
    [{ endpoint: 'http://tempo:4318/' }, 'http://tempo:4318/v1/traces'],
    [{ endpoint: 'https://gateway.example.com/otlp' }, 'https://gateway.example.com/otlp/v1/traces'],
    [{ endpoint: 'http://a:1', traces_endpoint: 'http://b:2/in?x=1' }, 'http://b:2/in?x=1'],
    [{ metrics_endpoint: 'http://b:2' }, undefined],
  ])('%j is %s for traces', (config, url) => {
    expect(urlOf(configSchema.parse(config), 'traces')?.href).toBe(url)
  })
})

describe('otlp_http reads the answer', () => {
  it.each(['proto', 'json'])('counts a partial success as sent, and says so (%s)', async (encoding) => {
    const sink = await startSink()
    sink.answer({ kind: 'partial', rejected: 1, message: 'record too old' })
    const { exporter, ledgers, log } = await startExporter(sink.endpoint, { encoding })
    exporter.consume(logsBatch('a', 'b'))
    await until(() => ledgers.logs.sent === 2)
    expect(log).toEqual([
      {
        level: 'warn',
        message: 'Partial success response',
        fields: { message: 'record too old', dropped_log_records: 1, requests: 1 },
      },
    ])
  })

  it.each([
    [400, 'given up'],
    [401, 'given up'],
    [403, 'given up'],
    [404, 'given up'],
    [413, 'given up'],
    [429, 'retried'],
    [500, 'given up'],
    [501, 'given up'],
    [502, 'retried'],
    [503, 'retried'],
    [504, 'retried'],
  ])('HTTP %d is %s', async (status, fate) => {
    const sink = await startSink()
    sink.answerOnce({ kind: 'fail', code: status, message: 'no, thanks' })
    const { exporter, clock, ledger, log } = await startExporter(sink.endpoint)
    exporter.consume(batchOf('traces'))
    await until(() => log.length === 1)
    expect(log[0]!.fields!.error).toMatch(`HTTP ${status}: no, thanks`)
    clock.advanceBy(1000)
    await until(() => ledger.held === 0)
    expect({ sent: ledger.sent, failed: ledger.failed }).toEqual(
      fate === 'retried' ? { sent: 2, failed: 0 } : { sent: 0, failed: 2 },
    )
  })

  it('says what to write where the destination takes no request of that size', async () => {
    const sink = await startSink()
    sink.answerOnce({ kind: 'fail', code: 413, message: 'request body too large' })
    const { exporter, log } = await startExporter(sink.endpoint)
    exporter.consume(batchOf('traces'))
    await until(() => log.length === 1)
    expect(log[0]!.fields!.error).toBe('HTTP 413: request body too large; write a smaller max_request_bytes')
  })

  it.each([429, 503])('waits as long as Retry-After says (HTTP %d)', async (status) => {
    const sink = await startSink()
    sink.answerOnce({ kind: 'fail', code: status, message: '', retryAfterMs: 7000 })
    const { exporter, log } = await startExporter(sink.endpoint)
    exporter.consume(batchOf('traces'))
    await until(() => log.length === 1)
    expect(log[0]!.fields).toEqual({ error: `HTTP ${status}`, retryInMs: 7000 })
  })

  it.each([
    ['12', 12_000],
    ['Thu, 01 Jan 2026 00:00:30 GMT', 30_000],
    ['Wed, 31 Dec 2025 23:59:00 GMT', 0],
    ['soon', null],
    ['-1', null],
  ])('reads Retry-After: %s', (text, ms) => {
    expect(parseRetryAfterMs(text, TEST_START_MS)).toBe(ms)
  })

  it('ends an attempt that is not answered within timeout', async () => {
    const sink = await startSink()
    sink.answerOnce({ kind: 'hang' })
    const { exporter, clock, ledger, log } = await startExporter(sink.endpoint, { timeout: '2s' })
    exporter.consume(batchOf('traces'))
    await sink.attempted(1)
    clock.advanceBy(2000)
    await until(() => log.length === 1)
    expect(log[0]!.fields).toMatchObject({ error: 'no answer within 2000 ms' })
    clock.advanceBy(1000)
    await until(() => ledger.sent === 2)
  })
})

describe('otlp_http lives through outages', () => {
  it('repeats what failed while the server was away', async () => {
    const first = await OtlpHttpSink.start()
    await first.stop()
    const { exporter, clock, ledger, log } = await startExporter(first.endpoint)
    exporter.consume(batchOf('traces'))
    await until(() => log.length === 1)
    expect(log[0]!.fields).toMatchObject({ error: expect.stringContaining('ECONNREFUSED') })
    await startSink({ port: first.port })
    clock.advanceBy(1000)
    await until(() => ledger.sent === 2)
  })

  it('does not notice that the server closed an idle connection', async () => {
    const sink = await startSink()
    const { exporter, ledger, log } = await startExporter(sink.endpoint)
    for (let i = 1; i <= 5; i++) {
      exporter.consume(batchOf('traces'))
      await until(() => ledger.sent === 2 * i)
      sink.closeIdle()
    }
    expect(log).toEqual([])
  })

  it('ends what is on its way when it is stopped and the deadline has passed', async () => {
    const sink = await startSink()
    sink.answer({ kind: 'hang' })
    const { exporter, clock, ledger } = await startExporter(sink.endpoint)
    exporter.consume(batchOf('traces'))
    await sink.attempted(1)
    const stopped = exporter.stop(clock.nowMs() + 5000)
    clock.advanceBy(5000)
    await stopped
    expect(ledger.dropped).toEqual(new Map([['shutdown', 2]]))
    await until(() => ledger.inFlightRequests === 0)
  })
})

describe('otlp_http over TLS', () => {
  const certificate = HAS_OPENSSL ? selfSigned('backend.test') : null

  itWithOpenssl('trusts the authority in ca_file', async () => {
    const sink = await startSink({ tls: certificate! })
    const { exporter } = await startExporter(sink.endpoint, { tls: { ca_file: certificate!.certFile } })
    exporter.consume(batchOf('traces'))
    await sink.taken(1)
  })

  itWithOpenssl('refuses an unknown authority', async () => {
    const sink = await startSink({ tls: certificate! })
    const { exporter, log } = await startExporter(sink.endpoint)
    exporter.consume(batchOf('traces'))
    await until(() => log.length === 1)
    expect(log[0]!.fields.error).toMatch(/self-signed certificate/)
  })

  itWithOpenssl('shows its own certificate where the server asks for one', async () => {
    const client = selfSigned('gateway.test')
    const sink = await startSink({ tls: { ...certificate!, clientCa: client.cert } })
    const { exporter } = await startExporter(sink.endpoint, {
      tls: { ca_file: certificate!.certFile, cert_file: client.certFile, key_file: client.keyFile },
    })
    exporter.consume(batchOf('traces'))
    await sink.taken(1)
  })
})
