import { createServer, type ServerHttp2Stream } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { answerParent } from '../harness/child-process.ts'
import { countSpans } from './count-spans.ts'

// A process of its own: a bare OTLP gRPC backend that counts the spans it gets and throws them away.

const WINDOW_BYTES = 8 * 1024 * 1024
const GRPC_PREFIX_BYTES = 5
const EMPTY_MESSAGE = Buffer.alloc(GRPC_PREFIX_BYTES)

export interface Received {
  readonly requests: number
  readonly spans: number
  readonly bytes: number
}

const received = { requests: 0, spans: 0, bytes: 0 }

const server = createServer({ settings: { initialWindowSize: WINDOW_BYTES } })
server.on('session', (session) => session.once('connect', () => session.setLocalWindowSize(2 * WINDOW_BYTES)))
server.on('stream', (stream: ServerHttp2Stream) => {
  const chunks: Buffer[] = []
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  stream.on('error', () => {})
  stream.on('end', () => {
    const message = Buffer.concat(chunks)
    // The sender gave the call up, as at a timeout: it comes again.
    if (message.length < GRPC_PREFIX_BYTES || message.length < GRPC_PREFIX_BYTES + message.readUInt32BE(1)) return
    if (message[0] !== 0) throw new Error('the sink takes messages without compression only')
    received.requests++
    received.spans += countSpans(message, GRPC_PREFIX_BYTES)
    received.bytes += message.length - GRPC_PREFIX_BYTES
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
    stream.end(EMPTY_MESSAGE)
  })
})
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))

answerParent({
  port: () => (server.address() as AddressInfo).port,
  received: (): Received => ({ ...received }),
})
