import { once } from 'node:events'
import http2 from 'node:http2'
import net from 'node:net'
import { beforeEach, describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { SERVICES } from '../../../receivers/otlp/services.ts'
import { afterThisTest } from '../../support/after-this-test.ts'
import { exportByGrpcJs, grpcClient, startReceiver } from './receiver-harness.ts'
import { spans } from './sample-requests.ts'

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
const EXPORT = `/${SERVICES.traces.grpcName}/Export`

/**
 * An HTTP/2 frame: length 24 bits, type 8, flags 8, stream 31.
 * Types: 0 DATA, 1 HEADERS, 3 RST_STREAM, 4 SETTINGS, 7 GOAWAY, 9 CONTINUATION.
 */
function frame(type: number, flags: number, stream: number, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head[3] = type
  head[4] = flags
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

const SETTINGS = frame(4, 0, 0)

let receiver: Awaited<ReturnType<typeof startReceiver>>

beforeEach(async () => {
  receiver = await startReceiver({ grpc: { endpoint: '127.0.0.1:0' }, http: { endpoint: '127.0.0.1:0' } })
})

/** Sends bytes and waits until the other side closes, or has answered with a GOAWAY. */
async function sendRaw(address: string, bytes: Uint8Array): Promise<void> {
  const [host, port] = address.split(':')
  const socket = net.connect(Number(port), host)
  socket.on('error', () => {})
  const closed = once(socket, 'close')
  socket.resume()
  socket.end(bytes)
  await closed
}

async function stillServes(): Promise<void> {
  await exportByGrpcJs(grpcClient(receiver.grpcAddress), 'traces', spans(1))
  const answer = await fetch(`http://${receiver.httpAddress}/v1/traces`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-protobuf' },
    body: spans(1) as NonNullable<RequestInit['body']>,
  })
  expect(answer.status).toBe(200)
}

describe('a connection that breaks HTTP/2 ends alone', () => {
  it.each([
    ['no preface', Buffer.from('GET / HTTP/1.1\r\nhost: x\r\n\r\n')],
    ['half a preface', PREFACE.subarray(0, 10)],
    ['noise after the preface', Buffer.concat([PREFACE, Buffer.alloc(100, 0xff)])],
    ['a frame larger than allowed', Buffer.concat([PREFACE, SETTINGS, frame(0, 0, 1).fill(0xff, 0, 3)])],
    ['DATA on a stream that was never opened', Buffer.concat([PREFACE, SETTINGS, frame(0, 0, 1, Buffer.from('x'))])],
    ['HEADERS that are no HPACK', Buffer.concat([PREFACE, SETTINGS, frame(1, 5, 1, Buffer.alloc(20, 0xff))])],
    ['HEADERS on an even stream', Buffer.concat([PREFACE, SETTINGS, frame(1, 5, 2, Buffer.from([0x83]))])],
    ['CONTINUATION out of turn', Buffer.concat([PREFACE, SETTINGS, frame(9, 4, 1, Buffer.from([0x83]))])],
    ['SETTINGS of a wrong length', Buffer.concat([PREFACE, frame(4, 0, 0, Buffer.alloc(5))])],
    ['a RST_STREAM for nothing', Buffer.concat([PREFACE, SETTINGS, frame(3, 0, 1, Buffer.alloc(4))])],
    ['an early end', Buffer.concat([PREFACE, SETTINGS, frame(1, 4, 1, Buffer.from([0x83]))])],
  ])('%s', async (_name, bytes) => {
    await Promise.all([sendRaw(receiver.grpcAddress, bytes), sendRaw(receiver.httpAddress, bytes)])
    await stillServes()
  })

  it('random frames', async () => {
    const anyFrame = fc
      .tuple(
        fc.integer({ min: 0, max: 12 }),
        fc.integer({ min: 0, max: 255 }),
        fc.integer({ min: 0, max: 5 }),
        fc.uint8Array({ maxLength: 40 }),
      )
      .map(([type, flags, stream, payload]) => frame(type, flags, stream, payload))
    await fc.assert(
      fc.asyncProperty(fc.array(anyFrame, { maxLength: 10 }), async (frames) => {
        const bytes = Buffer.concat([PREFACE, SETTINGS, ...frames])
        await Promise.all([sendRaw(receiver.grpcAddress, bytes), sendRaw(receiver.httpAddress, bytes)])
      }),
      { numRuns: 50 },
    )
    await stillServes()
  })
})

describe('a call over plain HTTP/2', () => {
  interface Answer {
    readonly headers: http2.IncomingHttpHeaders
    readonly trailers: http2.IncomingHttpHeaders
    readonly body: Buffer
  }

  function call(headers: http2.OutgoingHttpHeaders, body: Uint8Array = framed(spans(1))): Promise<Answer> {
    const session = http2.connect(`http://${receiver.grpcAddress}`)
    afterThisTest(() => session.close())
    const stream = session.request({
      ':method': 'POST',
      ':path': EXPORT,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...headers,
    })
    const answer = { headers: {}, trailers: {}, body: Buffer.alloc(0) }
    stream.on('response', (received) => {
      answer.headers = received
    })
    stream.on('trailers', (received) => {
      answer.trailers = received
    })
    stream.on('data', (chunk: Buffer) => {
      answer.body = Buffer.concat([answer.body, chunk])
    })
    stream.end(body)
    return new Promise((resolve, reject) => {
      stream.on('close', () => resolve(answer))
      stream.on('error', reject)
    })
  }

  function framed(message: Uint8Array): Buffer {
    const prefix = Buffer.alloc(5)
    prefix.writeUInt32BE(message.length, 1)
    return Buffer.concat([prefix, message])
  }

  it('is answered with a message and trailers', async () => {
    const { headers, trailers, body } = await call({})
    expect(headers).toMatchObject({ ':status': 200, 'content-type': 'application/grpc' })
    expect(trailers).toMatchObject({ 'grpc-status': '0' })
    expect(body).toEqual(Buffer.alloc(5))
  })

  it.each([
    ['another content type', { 'content-type': 'application/json' }, 415],
    ['no content type', { 'content-type': '' }, 415],
    ['another method', { ':method': 'PUT' }, 405],
  ])('with %s is no gRPC and is answered by HTTP', async (_name, headers, status) => {
    expect((await call(headers)).headers[':status']).toBe(status)
  })

  it.each([
    ['an unknown compression', { 'grpc-encoding': 'snappy' }, '12', /grpc-encoding snappy/],
    ['a timeout that is none', { 'grpc-timeout': 'soon' }, '13', /grpc-timeout soon/],
    ['an unknown service', { ':path': '/shop.Shop/Export' }, '12', /unknown service shop\.Shop/],
    ['a strange path', { ':path': '/' }, '12', /unknown method/],
  ])('with %s gets trailers only', async (_name, headers, status, message) => {
    const answer = await call(headers)
    expect(answer.headers).toMatchObject({ ':status': 200, 'grpc-status': status })
    expect(decodeURIComponent(String(answer.headers['grpc-message']))).toMatch(message)
    expect(answer.headers['grpc-accept-encoding']).toContain('gzip')
    expect(answer.trailers).toEqual({})
    expect(answer.body).toHaveLength(0)
  })

  it.each([
    ['a flag that is none', Buffer.from([9, 0, 0, 0, 0]), '13'],
    ['nothing', Buffer.alloc(0), '12'],
    ['half a message', framed(spans(1)).subarray(0, 20), '13'],
    ['two messages', Buffer.concat([framed(spans(1)), framed(spans(1))]), '12'],
    ['a length over the limit', Buffer.from([0, 0xff, 0xff, 0xff, 0xff]), '8'],
  ])('that brings %s fails', async (_name, body, status) => {
    expect((await call({}, body)).headers['grpc-status']).toBe(status)
    expect(receiver.settings.ledgers.traces.requests).toMatchObject({ success: 0, failure: 1 })
    await stillServes()
  })

  it('that its sender resets gives its memory back', async () => {
    const session = http2.connect(`http://${receiver.grpcAddress}`)
    afterThisTest(() => session.close())
    const stream = session.request({ ':method': 'POST', ':path': EXPORT, 'content-type': 'application/grpc' })
    stream.on('error', () => {})
    stream.write(Buffer.concat([Buffer.from([0, 0, 1, 0, 0]), Buffer.alloc(1000)]))
    stream.on('ready', () => stream.close(http2.constants.NGHTTP2_CANCEL))
    await once(stream, 'close')
    await stillServes()
    expect(receiver.settings.budget.usedBytes).toBe(0)
  })
})
