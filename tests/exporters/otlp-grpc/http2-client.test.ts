import { constants } from 'node:http2'
import { deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { status as code } from '@grpc/grpc-js'
import { afterEach, describe, expect, it } from '@jest/globals'
import { VirtualClock } from '../../../component/clock.ts'
import { configSchema } from '../../../exporters/otlp-grpc/config.ts'
import { grpcTimeout } from '../../../exporters/otlp-grpc/http2-client.ts'
import { createClient } from '../../../exporters/otlp-grpc/otlp-grpc.ts'
import type { UnaryClient } from '../../../exporters/otlp-grpc/unary-client.ts'
import { framed, OK, type RawCall, RawServer, respond, StallingProxy } from './raw-server.ts'

const PATH = '/opentelemetry.proto.collector.trace.v1.TraceService/Export'
const MESSAGE = Buffer.from('a request')
const EMPTY = framed(new Uint8Array(0))

const cleanUps: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

async function setUp(answer: (call: RawCall, index: number) => void, config: object = {}, settings: object = {}) {
  const server = await RawServer.start(answer, settings)
  const clock = new VirtualClock(0)
  const endpoint = `http://127.0.0.1:${server.port}`
  const client = await createClient(configSchema.parse({ endpoint, compression: 'none', ...config }), {
    clock,
    random: () => 0.5,
  })
  cleanUps.push(
    () => server.stop(),
    () => client.close(),
  )
  return { server, clock, client }
}

const call = (client: UnaryClient) => client.call(PATH, MESSAGE, 0)

async function until(reached: () => boolean): Promise<void> {
  while (!reached()) await new Promise((resolve) => setImmediate(resolve))
}

describe('a call on the wire', () => {
  it('is what the gRPC protocol asks for', async () => {
    const { client, server } = await setUp(({ stream }) => respond(stream, EMPTY, OK), { compression: 'zstd' })
    // Compressing is the sender's part; the client only says so.
    await client.call(PATH, MESSAGE, 2500)
    expect(server.calls[0]!.headers).toMatchObject({
      ':method': 'POST',
      ':path': PATH,
      ':scheme': 'http',
      ':authority': `127.0.0.1:${server.port}`,
      te: 'trailers',
      'content-type': 'application/grpc',
      'grpc-encoding': 'zstd',
      'grpc-timeout': '2500m',
    })
    expect(server.calls[0]!.body).toEqual(framed(MESSAGE, 1))
  })

  it.each([
    [1, '1m'],
    [0.2, '1m'],
    [99_999_999, '99999999m'],
    [100_000_000, '100000S'],
  ])('has a timeout of %d ms as %s', (ms, text) => expect(grpcTimeout(ms)).toBe(text))

  it('gives back the message of the answer', async () => {
    const { client } = await setUp(({ stream }) => respond(stream, framed(Buffer.from('hello')), OK))
    expect(await call(client)).toEqual({
      code: 0,
      message: '',
      retryAfterMs: null,
      response: Buffer.from('hello'),
    })
  })

  it.each([
    ['gzip', gzipSync],
    ['zstd', zstdCompressSync],
    ['deflate', deflateSync],
  ])('reads an answer that the server compressed with %s, as the request may have been', async (encoding, compress) => {
    const body = framed(compress(Buffer.from('hello')), 1)
    const { client } = await setUp(({ stream }) => respond(stream, body, OK, { 'grpc-encoding': encoding }))
    expect(await call(client)).toMatchObject({ code: 0, response: Buffer.from('hello') })
  })
})

describe('an answer that is no proper one', () => {
  it.each<[string, (call: RawCall) => void, keyof typeof code, RegExp]>([
    [
      'only trailers',
      ({ stream }) =>
        stream.respond({ ':status': 200, 'grpc-status': '3', 'grpc-message': 'b%C3%A4h%2' }, { endStream: true }),
      'INVALID_ARGUMENT',
      /^bäh%2$/,
    ],
    ['a status that is no number', ({ stream }) => respond(stream, EMPTY, { 'grpc-status': 'oops' }), 'UNKNOWN', /^$/],
    [
      'HTTP 401',
      ({ stream }) => stream.respond({ ':status': 401 }, { endStream: true }),
      'UNAUTHENTICATED',
      /HTTP 401/,
    ],
    ['HTTP 404', ({ stream }) => stream.respond({ ':status': 404 }, { endStream: true }), 'UNIMPLEMENTED', /HTTP 404/],
    ['HTTP 503', ({ stream }) => stream.respond({ ':status': 503 }, { endStream: true }), 'UNAVAILABLE', /HTTP 503/],
    [
      'HTTP 200 without a status',
      ({ stream }) => stream.respond({ ':status': 200 }, { endStream: true }),
      'UNKNOWN',
      /HTTP 200/,
    ],
    ['OK without a message', ({ stream }) => respond(stream, new Uint8Array(0), OK), 'INTERNAL', /no message/],
    [
      'a message that is cut off',
      ({ stream }) => respond(stream, framed(Buffer.from('hello')).subarray(0, 8), OK),
      'INTERNAL',
      /cut off/,
    ],
    [
      'a message compressed as nobody here can read',
      ({ stream }) => respond(stream, framed(MESSAGE, 1), OK, { 'grpc-encoding': 'snappy' }),
      'INTERNAL',
      /compressed with snappy/,
    ],
    [
      'a message compressed, by no name',
      ({ stream }) => respond(stream, framed(MESSAGE, 1), OK),
      'INTERNAL',
      /identity/,
    ],
    [
      'a message that is no gzip',
      ({ stream }) => respond(stream, framed(MESSAGE, 1), OK, { 'grpc-encoding': 'gzip' }),
      'INTERNAL',
      /no valid gzip/,
    ],
    [
      'more than 4 MiB when it is decompressed',
      ({ stream }) =>
        respond(stream, framed(gzipSync(Buffer.alloc(4 * 1024 * 1024 + 1)), 1), OK, { 'grpc-encoding': 'gzip' }),
      'RESOURCE_EXHAUSTED',
      /larger than/,
    ],
    [
      'more than 4 MiB',
      ({ stream }) => respond(stream, framed(Buffer.alloc(4 * 1024 * 1024 + 1)), OK),
      'RESOURCE_EXHAUSTED',
      /larger than/,
    ],
    ['a reset: CANCEL', ({ stream }) => stream.close(constants.NGHTTP2_CANCEL), 'CANCELLED', /reset/],
    ['a reset: INTERNAL_ERROR', ({ stream }) => stream.close(constants.NGHTTP2_INTERNAL_ERROR), 'INTERNAL', /reset/],
    [
      'a reset: ENHANCE_YOUR_CALM',
      ({ stream }) => stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM),
      'RESOURCE_EXHAUSTED',
      /reset/,
    ],
    ['a connection that breaks', ({ stream }) => stream.session!.destroy(), 'UNAVAILABLE', /lost/],
  ])('%s', async (_case, answer, status, message) => {
    const { client } = await setUp(answer)
    const result = await call(client)
    expect(code[result.code]).toBe(status)
    expect(result.message).toMatch(message)
  })
})

describe('a connection', () => {
  it('carries no more calls at once than the peer allows', async () => {
    let open = 0
    let most = 0
    const answer = ({ stream }: RawCall) => {
      most = Math.max(most, ++open)
      setImmediate(() => {
        open--
        respond(stream, EMPTY, OK)
      })
    }
    const { client, server } = await setUp(answer, {}, { maxConcurrentStreams: 2 })
    const results = await Promise.all(Array.from({ length: 20 }, () => call(client)))
    expect(results.map((result) => result.code)).toEqual(Array(20).fill(0))
    expect([most, server.sessions.length]).toEqual([2, 1])
  })

  it('is left after GOAWAY: open calls end on it, later ones go over a new one', async () => {
    const { client, server } = await setUp(({ stream }, index) => {
      if (index === 0) stream.session!.goaway()
      setImmediate(() => respond(stream, EMPTY, OK))
    })
    expect((await call(client)).code).toBe(0)
    expect((await call(client)).code).toBe(0)
    expect(server.sessions).toHaveLength(2)
  })

  it('repeats a call once, unnoticed, that the peer refused without looking at it', async () => {
    const { client, server } = await setUp(({ stream }, index) => {
      if (index === 0) stream.close(constants.NGHTTP2_REFUSED_STREAM)
      else respond(stream, EMPTY, OK)
    })
    expect((await call(client)).code).toBe(0)
    expect(server.calls.map(({ body }) => body)).toEqual([framed(MESSAGE), framed(MESSAGE)])
  })

  it('does not repeat it twice', async () => {
    const { client, server } = await setUp(({ stream }) => stream.close(constants.NGHTTP2_REFUSED_STREAM))
    expect((await call(client)).code).toBe(code.UNAVAILABLE)
    expect(server.calls).toHaveLength(2)
  })

  it('is given up when it does not answer a ping', async () => {
    const server = await RawServer.start(() => {})
    const proxy = await StallingProxy.start(server.port)
    const clock = new VirtualClock(0)
    const keepalive = { time: '10s', timeout: '3s' }
    const config = configSchema.parse({ endpoint: `http://127.0.0.1:${proxy.port}`, keepalive })
    const client = await createClient(config, { clock, random: () => 0.5 })
    cleanUps.push(
      () => server.stop(),
      () => proxy.stop(),
      () => client.close(),
    )
    const result = call(client)
    await until(() => server.calls.length === 1)
    proxy.stall()
    // The first time finds that something came since the start, the second that nothing did: a ping, and 3 s for it.
    clock.advanceBy(23_000)
    expect(await result).toMatchObject({ code: code.UNAVAILABLE })
  })

  it('fails calls at once while it is in backoff, and is tried again after it', async () => {
    const { client, server, clock } = await setUp(({ stream }) => respond(stream, EMPTY, OK))
    const { port } = server
    await server.stop()
    expect((await call(client)).code).toBe(code.UNAVAILABLE)
    expect((await call(client)).message).toContain(`127.0.0.1: connect ECONNREFUSED 127.0.0.1:${port}`)
    const again = await RawServer.start(({ stream }) => respond(stream, EMPTY, OK), {}, '127.0.0.1', port)
    cleanUps.push(() => again.stop())
    clock.advanceBy(999)
    expect((await call(client)).code).toBe(code.UNAVAILABLE)
    clock.advanceBy(1)
    expect((await call(client)).code).toBe(code.OK)
  })

  it('to what does not speak HTTP/2 is given up after 20 s', async () => {
    const silent = await StallingProxy.start(null)
    const clock = new VirtualClock(0)
    const config = configSchema.parse({ endpoint: `http://127.0.0.1:${silent.port}` })
    const client = await createClient(config, { clock, random: () => 0.5 })
    cleanUps.push(
      () => silent.stop(),
      () => client.close(),
    )
    const result = call(client)
    await until(() => silent.connections === 1)
    clock.advanceBy(20_000)
    expect(await result).toMatchObject({ code: code.UNAVAILABLE, message: expect.stringContaining('20000 ms') })
  })
})

describe('a client', () => {
  it('ends its calls when it is closed', async () => {
    const { client, server } = await setUp(() => {})
    const result = call(client)
    await until(() => server.calls.length === 1)
    client.close()
    expect((await result).code).toBe(code.CANCELLED)
  })

  const itOnLinux = process.platform === 'linux' ? it : it.skip // all of 127.0.0.0/8 is there without asking

  itOnLinux('spreads calls over all addresses that the name has, and does without those that are away', async () => {
    const { server } = await setUp(({ stream }) => respond(stream, EMPTY, OK))
    const resolve = async () => ['127.0.0.1', '127.0.0.2', '127.0.0.3']
    const config = configSchema.parse({ endpoint: `backend.test:${server.port}`, tls: { insecure: true } })
    const client = await createClient(config, { clock: new VirtualClock(0), random: () => 0.5, resolve })
    cleanUps.push(() => client.close())
    const second = await RawServer.start(({ stream }) => respond(stream, EMPTY, OK), {}, '127.0.0.2', server.port)
    cleanUps.push(() => second.stop())
    await call(client)
    await until(() => server.sessions.length + second.sessions.length === 2)
    const before = [server.calls.length, second.calls.length]
    for (let i = 0; i < 12; i++) expect((await call(client)).code).toBe(0)
    expect(Math.min(server.calls.length - before[0]!, second.calls.length - before[1]!)).toBeGreaterThanOrEqual(4)
  })
})
