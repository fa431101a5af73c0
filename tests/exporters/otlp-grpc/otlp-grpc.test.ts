import { zstdDecompressSync } from 'node:zlib'
import { status as code } from '@grpc/grpc-js'
import { afterEach, describe, expect, it } from '@jest/globals'
import type { Batch } from '../../../component/batch.ts'
import { ITEM_NAMES, SIGNALS, type Signal } from '../../../component/signal.ts'
import { configSchema } from '../../../exporters/otlp-grpc/config.ts'
import { factory } from '../../../exporters/otlp-grpc/otlp-grpc.ts'
import { opaqueBytes, opaqueTraces } from '../../support/batches.ts'
import { HAS_OPENSSL, itWithOpenssl, selfSigned } from '../../support/certificates.ts'
import { LogProbe } from '../../support/log-probe.ts'
import { OtlpGrpcSink, type SinkOptions } from '../../support/otlp-sink.ts'
import { testExporterSettings } from '../../support/test-settings.ts'
import { framed, OK, RawServer, respond } from './raw-server.ts'

const REQUEST = Buffer.from('a request that nobody looks into, long enough to be compressed. '.repeat(50))

const cleanUps: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

async function startSink(options?: SinkOptions): Promise<OtlpGrpcSink> {
  const sink = await OtlpGrpcSink.start(options)
  cleanUps.push(() => sink.stop())
  return sink
}

/** An exporter whose clock stands still until the test moves it; a failed attempt is repeated after one second. */
async function startExporter(endpoint: string, config: object = {}) {
  const logger = new LogProbe()
  const settings = testExporterSettings('otlp_grpc', { logger })
  const retry_on_failure = { initial_interval: '1s', randomization_factor: 0 }
  const parsed = configSchema.parse({ endpoint, tls: { insecure: true }, retry_on_failure, ...config })
  const exporter = factory.create(settings, parsed)
  await exporter.start()
  const { clock, ledgers, budget } = settings
  cleanUps.push(async () => {
    const stopped = exporter.stop(clock.nowMs())
    clock.advanceBy(1)
    await stopped
  })
  return { exporter, clock, ledger: ledgers.traces, ledgers, budget, log: logger.lines }
}

function batchOf(signal: Signal, bytes: Uint8Array = REQUEST): Batch {
  return signal === 'traces' ? opaqueTraces(bytes, 2) : opaqueBytes(signal, bytes, 2)
}

/** Waits for what comes over sockets: the clock of the exporter stands still meanwhile. */
async function until(reached: () => boolean): Promise<void> {
  while (!reached()) await new Promise((resolve) => setImmediate(resolve))
}

describe('otlp_grpc delivers', () => {
  it.each(SIGNALS)('%s, byte for byte', async (signal) => {
    const sink = await startSink()
    const { exporter, ledgers } = await startExporter(sink.endpoint)
    expect(exporter.consume(batchOf(signal))).toEqual({ kind: 'accepted' })
    await sink.taken(1)
    expect(sink.requests[0]).toMatchObject({ signal, bytes: REQUEST })
    await until(() => ledgers[signal].held === 0)
    expect(ledgers[signal]).toMatchObject({ accepted: 2, sent: 2, failed: 0, queueSize: 0 })
  })

  it.each(['none', 'gzip'])('20 MB in one request (compression %s)', async (compression) => {
    const sink = await startSink()
    const { exporter } = await startExporter(sink.endpoint, { compression, max_request_bytes: 0 })
    const large = Buffer.alloc(20 * 1024 * 1024, 'otlp')
    exporter.consume(batchOf('traces', large))
    await sink.taken(1)
    expect(large.equals(sink.requests[0]!.bytes)).toBe(true)
  })

  it('an empty request', async () => {
    const sink = await startSink()
    const { exporter, ledger } = await startExporter(sink.endpoint)
    exporter.consume(opaqueTraces(new Uint8Array(0), 0))
    await sink.taken(1)
    await until(() => ledger.queueSize === 0)
    expect(ledger.failed).toBe(0)
  })

  it('with the configured headers, user agent and authority', async () => {
    const sink = await startSink()
    const { exporter } = await startExporter(sink.endpoint, {
      headers: { Authorization: 'Bearer secret', 'trace-bin': 'bytes' },
      user_agent: 'gateway/7',
    })
    exporter.consume(batchOf('traces'))
    await sink.taken(1)
    expect(sink.requests[0]!.headers).toMatchObject({
      authorization: 'Bearer secret',
      'trace-bin': 'bytes',
      'user-agent': 'gateway/7',
    })
  })

  it('compressed by zstd, which the other server does not take', async () => {
    const server = await RawServer.start(({ stream }) => respond(stream, framed(new Uint8Array(0)), OK))
    cleanUps.push(() => server.stop())
    const { exporter, ledger } = await startExporter(`127.0.0.1:${server.port}`, { compression: 'zstd' })
    exporter.consume(batchOf('traces'))
    await until(() => ledger.sent === 2)
    const { headers, body } = server.calls[0]!
    expect([headers['grpc-encoding'], body[0]]).toEqual(['zstd', 1])
    expect(zstdDecompressSync(body.subarray(5))).toEqual(REQUEST)
  })

  it('many requests at once over one connection', async () => {
    const sink = await startSink()
    const { exporter, ledger } = await startExporter(sink.endpoint, { sending_queue: { num_consumers: 50 } })
    for (let i = 0; i < 500; i++) exporter.consume(batchOf('traces'))
    await sink.taken(500)
    await until(() => ledger.held === 0)
    expect(ledger.sent).toBe(1000)
  })
})

describe('otlp_grpc reads the answer', () => {
  it('counts a partial success as sent, and says so once', async () => {
    const sink = await startSink()
    sink.answer({ kind: 'partial', rejected: 1, message: 'span too old' })
    const { exporter, ledger, log } = await startExporter(sink.endpoint)
    for (let i = 0; i < 3; i++) exporter.consume(batchOf('traces'))
    await until(() => ledger.sent === 6)
    expect(log).toEqual([
      {
        level: 'warn',
        message: 'Partial success response',
        fields: { message: 'span too old', [`dropped_${ITEM_NAMES.traces}`]: 1, requests: 1 },
      },
    ])
  })

  it.each([
    ['CANCELLED', {}, 'retried'],
    ['UNKNOWN', {}, 'given up'],
    ['INVALID_ARGUMENT', {}, 'given up'],
    ['DEADLINE_EXCEEDED', {}, 'retried'],
    ['NOT_FOUND', {}, 'given up'],
    ['ALREADY_EXISTS', {}, 'given up'],
    ['PERMISSION_DENIED', {}, 'given up'],
    ['RESOURCE_EXHAUSTED', {}, 'given up'],
    ['RESOURCE_EXHAUSTED', { retryAfterMs: 1000 }, 'retried'],
    ['FAILED_PRECONDITION', {}, 'given up'],
    ['ABORTED', {}, 'retried'],
    ['OUT_OF_RANGE', {}, 'retried'],
    ['UNIMPLEMENTED', {}, 'given up'],
    ['INTERNAL', {}, 'given up'],
    ['UNAVAILABLE', {}, 'retried'],
    ['DATA_LOSS', {}, 'retried'],
    ['UNAUTHENTICATED', {}, 'given up'],
  ] as const)('%s %j is %s', async (name, details, fate) => {
    const sink = await startSink()
    sink.answerOnce({ kind: 'fail', code: code[name], message: 'no', ...details })
    const { exporter, ledger, clock, log } = await startExporter(sink.endpoint)
    exporter.consume(batchOf('traces'))
    await until(() => log.length === 1)
    expect(log[0]!.fields).toMatchObject({ error: `${name}: no` })
    clock.advanceBy(1000)
    await until(() => ledger.held === 0)
    expect({ sent: ledger.sent, failed: ledger.failed }).toEqual(
      fate === 'retried' ? { sent: 2, failed: 0 } : { sent: 0, failed: 2 },
    )
  })

  it('says what to write where the destination takes no request of that size', async () => {
    const sink = await startSink({ messageLimitBytes: 50 })
    const { exporter, ledger, log } = await startExporter(sink.endpoint)
    exporter.consume(batchOf('traces'))
    await until(() => ledger.failed === 2)
    expect(log[0]!.fields!.error).toMatch(/^RESOURCE_EXHAUSTED: .*; write a smaller max_request_bytes$/)
  })

  it('waits as long as RetryInfo says', async () => {
    const sink = await startSink()
    sink.answerOnce({ kind: 'fail', code: code.UNAVAILABLE, message: 'later', retryAfterMs: 7250 })
    const { exporter, log } = await startExporter(sink.endpoint)
    exporter.consume(batchOf('traces'))
    await until(() => log.length === 1)
    expect(log[0]!.fields).toEqual({ error: 'UNAVAILABLE: later', retryInMs: 7250 })
  })

  it('reads a message that is not ASCII', async () => {
    const sink = await startSink()
    sink.answerOnce({ kind: 'fail', code: code.INVALID_ARGUMENT, message: '100 % daneben: ungültig ✗' })
    const { exporter, log } = await startExporter(sink.endpoint)
    exporter.consume(batchOf('traces'))
    await until(() => log.length === 1)
    expect(log[0]!.fields).toMatchObject({ error: 'INVALID_ARGUMENT: 100 % daneben: ungültig ✗' })
  })

  it('ends an attempt that is not answered within timeout', async () => {
    const sink = await startSink()
    sink.answerOnce({ kind: 'hang' })
    const { exporter, clock, ledger, log } = await startExporter(sink.endpoint, { timeout: '2s' })
    exporter.consume(batchOf('traces'))
    await sink.attempted(1)
    clock.advanceBy(2000)
    await until(() => log.length === 1)
    expect(log[0]!.fields).toMatchObject({ error: 'DEADLINE_EXCEEDED: no answer within 2000 ms' })
    clock.advanceBy(1000)
    await until(() => ledger.sent === 2)
  })
})

describe('otlp_grpc lives through outages', () => {
  it('connects when the server comes late, and again after it restarts', async () => {
    const first = await OtlpGrpcSink.start()
    const { port } = first
    await first.stop()
    const { exporter, clock, ledger, log } = await startExporter(`127.0.0.1:${port}`)
    exporter.consume(batchOf('traces'))
    await until(() => log.length === 1)
    expect(log[0]).toMatchObject({ level: 'warn', fields: { error: expect.stringContaining('ECONNREFUSED') } })
    for (const sent of [2, 4]) {
      const sink = await OtlpGrpcSink.start({ port })
      if (sent === 4) exporter.consume(batchOf('traces'))
      while (ledger.sent < sent) {
        clock.advanceBy(100)
        await new Promise((resolve) => setImmediate(resolve))
      }
      expect(log.at(-1)!.message).toBe('Sending works again')
      await sink.stop()
    }
    expect(ledger).toMatchObject({ accepted: 4, sent: 4, held: 0, failed: 0 })
  })

  it('repeats what was on its way when the connection broke', async () => {
    const sink = await OtlpGrpcSink.start()
    sink.answer({ kind: 'hang' })
    const { exporter, clock, ledger, log } = await startExporter(sink.endpoint)
    exporter.consume(batchOf('traces'))
    await sink.attempted(1)
    await sink.stop()
    await until(() => log.length === 1)
    expect(log[0]!.fields.error).toMatch(/^UNAVAILABLE|^CANCELLED/)
    await startSink({ port: sink.port })
    while (ledger.sent === 0) {
      clock.advanceBy(100)
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(ledger).toMatchObject({ sent: 2, held: 0, failed: 0 })
  })

  it('waits for the connection itself with wait_for_ready', async () => {
    const first = await OtlpGrpcSink.start()
    await first.stop()
    const { exporter, clock, ledger, log } = await startExporter(first.endpoint, { wait_for_ready: true, timeout: '0' })
    exporter.consume(batchOf('traces'))
    for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve))
    await startSink({ port: first.port })
    while (ledger.sent === 0) {
      clock.advanceBy(100)
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(log).toEqual([])
  })

  it('sends what it holds when it is stopped while the server is away, within the deadline', async () => {
    const first = await OtlpGrpcSink.start()
    await first.stop()
    // No timeout: the clock of the test runs ahead of the sockets, and a call that it cuts short is sent twice.
    const { exporter, clock, ledger, log } = await startExporter(first.endpoint, { timeout: '0' })
    for (let i = 0; i < 20; i++) exporter.consume(batchOf('traces'))
    await until(() => log.length === 1)
    let stopped = false
    const stop = exporter.stop(clock.nowMs() + 60_000).then(() => {
      stopped = true
    })
    const sink = await startSink({ port: first.port })
    while (!stopped) {
      clock.advanceBy(100)
      await new Promise((resolve) => setImmediate(resolve))
    }
    await stop
    expect(sink.requests).toHaveLength(20)
    expect(ledger).toMatchObject({ accepted: 40, sent: 40, held: 0, failed: 0 })
  })

  it('drops what it could not send by the deadline, counted and said once', async () => {
    const first = await OtlpGrpcSink.start()
    await first.stop()
    const { exporter, clock, ledger, log } = await startExporter(first.endpoint)
    for (let i = 0; i < 20; i++) exporter.consume(batchOf('traces'))
    await until(() => log.length === 1)
    const stop = exporter.stop(clock.nowMs() + 5000)
    clock.advanceBy(5000)
    await stop
    expect(ledger).toMatchObject({ accepted: 40, sent: 0, held: 0, failed: 0 })
    expect(ledger.dropped).toEqual(new Map([['shutdown', 40]]))
    expect(log.at(-1)).toMatchObject({ level: 'error', fields: { requests: 20, items: 40 } })
  })
})

describe('otlp_grpc over TLS', () => {
  const certificate = HAS_OPENSSL ? selfSigned('backend.test') : null

  itWithOpenssl('trusts the authority in ca_file, under the name of server_name_override', async () => {
    const sink = await startSink({ tls: certificate! })
    const { exporter } = await startExporter(sink.endpoint, {
      tls: { ca_file: certificate!.certFile, server_name_override: 'backend.test' },
    })
    exporter.consume(batchOf('traces'))
    await sink.taken(1)
  })

  itWithOpenssl('trusts anything with insecure_skip_verify', async () => {
    const sink = await startSink({ tls: certificate! })
    const { exporter } = await startExporter(`https://${sink.endpoint}`, { tls: { insecure_skip_verify: true } })
    exporter.consume(batchOf('traces'))
    await sink.taken(1)
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

  itWithOpenssl.each([
    ['an unknown authority', {}, /self-signed certificate/],
    ['another name', { server_name_override: 'other.test' }, /other\.test/],
  ])('refuses %s', async (_case, tls, reason) => {
    const sink = await startSink({ tls: certificate! })
    const ca = 'server_name_override' in tls ? { ca_file: certificate!.certFile } : {}
    const { exporter, log } = await startExporter(sink.endpoint, { tls: { ...tls, ...ca } })
    exporter.consume(batchOf('traces'))
    await until(() => log.length === 1)
    expect(log[0]!.fields.error).toMatch(reason)
    expect(sink.attempts).toEqual([])
  })

  it('does not start without the files that it needs', async () => {
    const settings = testExporterSettings('otlp_grpc')
    const config = configSchema.parse({ endpoint: 'tempo:4317', tls: { ca_file: '/nowhere/ca.pem' } })
    await expect(factory.create(settings, config).start()).rejects.toMatchObject({
      code: 'start_failed',
      message: expect.stringContaining('tls.ca_file'),
    })
  })
})
