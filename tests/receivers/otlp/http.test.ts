import http2 from 'node:http2'
import zlib from 'node:zlib'
import { beforeEach, describe, expect, it } from '@jest/globals'
import { ByteBudget } from '../../../component/budget.ts'
import { refused } from '../../../component/consumer.ts'
import { GatewayError } from '../../../component/errors.ts'
import { SIGNALS } from '../../../component/signal.ts'
import { afterThisTest } from '../../support/after-this-test.ts'
import { decodeMessage, decodeRequest, decodeResponse } from '../../support/otlp-oracle.ts'
import { startReceiver } from './receiver-harness.ts'
import { GARBAGE, SAMPLES, spans } from './sample-requests.ts'

const PATHS = {
  traces: '/v1/traces',
  metrics: '/v1/metrics',
  logs: '/v1/logs',
  profiles: '/v1development/profiles',
} as const
const PROTOBUF = { 'content-type': 'application/x-protobuf' }
const JSON_TYPE = { 'content-type': 'application/json' }
const MIB = 1024 * 1024

let receiver: Awaited<ReturnType<typeof startReceiver>>

beforeEach(async () => {
  receiver = await startReceiver({ http: { endpoint: '127.0.0.1:0', max_request_body_size: MIB } })
})

function post(path: string, body: Uint8Array | string, headers: Record<string, string>) {
  return fetch(`http://${receiver.httpAddress}${path}`, {
    method: 'POST',
    headers,
    body: body as NonNullable<RequestInit['body']>,
  })
}

const bytesOf = async (response: Response) => Buffer.from(await response.arrayBuffer())

describe('a request over HTTP/1.1', () => {
  it.each(SIGNALS)('brings %s as protobuf', async (signal) => {
    const { bytes, items } = SAMPLES[signal]
    const response = await post(PATHS[signal], bytes, PROTOBUF)
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/x-protobuf'])
    expect(await bytesOf(response)).toHaveLength(0)
    expect(receiver.recorder.batches).toEqual([{ signal, items, bytes: Buffer.from(bytes) }])
    expect(receiver.settings.ledgers[signal]).toMatchObject({ received: items, accepted: items })
  })

  it.each(['traces', 'metrics', 'logs'] as const)('brings %s as JSON', async (signal) => {
    const { bytes, items } = SAMPLES[signal]
    const json = decodeRequest(signal, bytes)
    const response = await post(PATHS[signal], JSON.stringify(json), {
      'content-type': 'application/json; charset=utf-8',
    })
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/json'])
    expect(await response.json()).toEqual({})
    const [batch] = receiver.recorder.batches
    expect(batch).toMatchObject({ signal, items })
    expect(decodeRequest(signal, batch!.bytes)).toEqual(json)
  })

  it.each([
    ['gzip', zlib.gzipSync],
    ['zstd', zlib.zstdCompressSync],
    ['deflate', zlib.deflateSync],
    ['zlib', zlib.deflateSync],
  ] as const)('may be compressed with %s', async (coding, compress) => {
    for (const count of [1, 3000]) {
      const response = await post('/v1/traces', compress(spans(count)), { ...PROTOBUF, 'content-encoding': coding })
      expect(response.status).toBe(200)
    }
    expect(receiver.recorder.batches.map((batch) => batch.items)).toEqual([1, 3000])
  })

  it('may come in pieces of unknown number', async () => {
    const request = spans(3000)
    const stream = new ReadableStream({
      start(controller) {
        for (let at = 0; at < request.length; at += 10_000) controller.enqueue(request.subarray(at, at + 10_000))
        controller.close()
      },
    })
    const init = { method: 'POST', headers: PROTOBUF, body: stream, duplex: 'half' } as RequestInit
    expect((await fetch(`http://${receiver.httpAddress}/v1/traces`, init)).status).toBe(200)
    expect(receiver.recorder.batches[0]?.bytes.equals(Buffer.from(request))).toBe(true)
  })

  it.each([
    ['protobuf', PROTOBUF],
    ['JSON', JSON_TYPE],
  ] as const)('is told in %s what was dropped by policy', async (_name, headers) => {
    receiver.recorder.answer = () => ({ kind: 'partial', droppedItems: 2, reason: 'filtered', message: 'filtered out' })
    const isJson = headers === JSON_TYPE
    const body = isJson ? JSON.stringify(decodeRequest('traces', spans(3))) : spans(3)
    const response = await post('/v1/traces', body, headers)
    const answer = isJson ? await response.json() : decodeResponse('traces', await bytesOf(response))
    expect(answer).toEqual({ partialSuccess: { rejectedSpans: '2', errorMessage: 'filtered out' } })
  })
})

describe('a request that cannot be taken', () => {
  it.each([
    ['to an unknown path', '/v1/spans', 'POST', PROTOBUF, 404, /404 page not found/],
    ['by GET', '/v1/traces', 'GET', PROTOBUF, 405, /405 method not allowed, supported: \[POST\]/],
    [
      'of another content type',
      '/v1/traces',
      'POST',
      { 'content-type': 'text/plain' },
      415,
      /supported: \[application\/json, application\/x-protobuf\]/,
    ],
  ] as const)('%s is refused in plain text', async (_name, path, method, headers, status, text) => {
    const response = await fetch(`http://${receiver.httpAddress}${path}`, { method, headers })
    expect(response.status).toBe(status)
    expect(await response.text()).toMatch(text)
    expect(response.headers.get('allow')).toBe(status === 405 ? 'POST' : null)
  })

  it.each([
    ['malformed protobuf', GARBAGE, PROTOBUF, 400, 3, /malformed ExportTraceServiceRequest.* at byte \d+/],
    ['malformed JSON', '{"resourceSpans":[{"scopeSpans":7}]}', JSON_TYPE, 400, 3, /resourceSpans\[0\]\.scopeSpans/],
    ['no JSON at all', '{', JSON_TYPE, 400, 3, /not valid JSON/],
    ['an unknown compression', spans(1), { ...PROTOBUF, 'content-encoding': 'br' }, 415, 12, /Content-Encoding br/],
    ['broken gzip', spans(1), { ...PROTOBUF, 'content-encoding': 'gzip' }, 400, 3, /not valid gzip/],
    ['too many bytes', new Uint8Array(MIB + 1), PROTOBUF, 413, 8, /max_request_body_size/],
    [
      'too many bytes once inflated',
      zlib.gzipSync(new Uint8Array(8 * MIB)),
      { ...PROTOBUF, 'content-encoding': 'gzip' },
      413,
      8,
      /after decompression/,
    ],
  ] as const)(
    '%s is refused as rpc.Status in its own content type',
    async (_name, body, headers, status, code, text) => {
      const response = await post('/v1/traces', body, headers)
      expect([response.status, response.headers.get('content-type')]).toEqual([status, headers['content-type']])
      const isJson = headers === JSON_TYPE
      const answer = isJson ? await response.json() : decodeMessage('google.rpc.Status', await bytesOf(response))
      expect(answer).toEqual({ code, message: expect.stringMatching(text) })
      expect(receiver.settings.ledgers.traces.requests).toEqual({ success: 0, refused: 0, failure: 1 })
      expect((await post('/v1/traces', spans(1), PROTOBUF)).status).toBe(200)
    },
  )

  it.each([
    ['memory_exhausted', 429, '1'],
    ['queue_full', 429, '1'],
    ['shutting_down', 503, null],
    ['backend_unavailable', 503, null],
    ['backend_rejected', 500, null],
  ] as const)('is answered for %s with %d and Retry-After %s', async (code, status, retryAfter) => {
    receiver.recorder.answer = () => refused(new GatewayError(code, 'not now', { retryable: true }))
    const response = await post('/v1/traces', spans(3), PROTOBUF)
    expect([response.status, response.headers.get('retry-after')]).toEqual([status, retryAfter])
    expect(receiver.settings.ledgers.traces).toMatchObject({ received: 3, refused: 3 })
  })

  it('rounds the time to wait up to whole seconds, and keeps it exact in the body', async () => {
    const error = new GatewayError('queue_full', 'not now', { retryable: true, retryAfterMs: 2500 })
    receiver.recorder.answer = () => refused(error)
    const response = await post('/v1/traces', JSON.stringify(decodeRequest('traces', spans(1))), JSON_TYPE)
    expect(response.headers.get('retry-after')).toBe('3')
    expect(await response.json()).toEqual({
      code: 8,
      message: 'not now',
      details: [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '2.500s' }],
    })
  })
})

it('refuses what the budget has no room for before it is inflated', async () => {
  const budget = new ByteBudget(20_000)
  receiver = await startReceiver({ http: { endpoint: '127.0.0.1:0' } }, { budget })
  const response = await post('/v1/traces', zlib.gzipSync(new Uint8Array(MIB)), {
    ...PROTOBUF,
    'content-encoding': 'gzip',
  })
  expect([response.status, response.headers.get('retry-after')]).toEqual([429, '1'])
  expect(budget.peakBytes).toBeLessThan(20_000)
})

it('has no path for a signal that no pipeline takes, and listens on the paths of the configuration', async () => {
  const http = { endpoint: '127.0.0.1:0', traces_url_path: '/otlp/spans' }
  receiver = await startReceiver({ http }, { signals: ['traces'] })
  expect((await post('/v1/logs', SAMPLES.logs.bytes, PROTOBUF)).status).toBe(404)
  expect((await post('/v1/traces', spans(1), PROTOBUF)).status).toBe(404)
  expect((await post('/otlp/spans', spans(1), PROTOBUF)).status).toBe(200)
})

it('sends the headers of the configuration with every answer', async () => {
  const http = { endpoint: '127.0.0.1:0', response_headers: { 'x-gateway': 'blindspot' } }
  receiver = await startReceiver({ http })
  for (const path of ['/v1/traces', '/elsewhere'])
    expect((await post(path, spans(1), PROTOBUF)).headers.get('x-gateway')).toBe('blindspot')
})

it('accepts only the compressions of the configuration', async () => {
  receiver = await startReceiver({ http: { endpoint: '127.0.0.1:0', compression_algorithms: ['gzip'] } })
  expect((await post('/v1/traces', spans(1), PROTOBUF)).status).toBe(415)
  const compressed = zlib.gzipSync(spans(1))
  expect((await post('/v1/traces', compressed, { ...PROTOBUF, 'content-encoding': 'gzip' })).status).toBe(200)
})

describe('HTTP/2 with prior knowledge, on the same port', () => {
  function postHttp2(session: http2.ClientHttp2Session, path: string, body: Uint8Array) {
    return new Promise<{ status: number; body: Buffer }>((resolve, reject) => {
      const stream = session.request({ ':method': 'POST', ':path': path, ...PROTOBUF })
      const chunks: Buffer[] = []
      let status = 0
      stream.on('response', (headers) => {
        status = headers[':status'] ?? 0
      })
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => resolve({ status, body: Buffer.concat(chunks) }))
      stream.on('error', reject)
      stream.end(body)
    })
  }

  it('brings requests side by side on one connection', async () => {
    const session = http2.connect(`http://${receiver.httpAddress}`)
    afterThisTest(() => session.close())
    const answers = await Promise.all([
      postHttp2(session, '/v1/traces', spans(3000)),
      postHttp2(session, '/v1/traces', GARBAGE),
      postHttp2(session, '/v1/metrics', SAMPLES.metrics.bytes),
      postHttp2(session, '/nowhere', spans(1)),
    ])
    expect(answers.map((answer) => answer.status)).toEqual([200, 400, 200, 404])
    expect(decodeMessage('google.rpc.Status', answers[1]!.body)).toMatchObject({ code: 3 })
    expect(receiver.recorder.batches.map((batch) => batch.items).sort()).toEqual([2, 3000])
  })
})
