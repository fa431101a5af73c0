import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2'
import { answerParent } from '../harness/child-process.ts'
import { LoadSequence, RequestSlot } from './fresh-request.ts'
import { SPANS_PER_REQUEST } from './request-template.ts'

// A process of its own: sends requests to the OTLP gRPC port given, 8 in flight, until it is told to stop.

const IN_FLIGHT = 8
/** A refused request comes again after this. */
const RETRY_MS = 20
const WINDOW_BYTES = 8 * 1024 * 1024

export interface Sent {
  /** Spans and bytes that the receiver has acknowledged. */
  readonly spans: number
  readonly bytes: number
  readonly refusals: number
}

const sent = { spans: 0, bytes: 0, refusals: 0 }
let stopping = false

async function sendUntilStopped(session: ClientHttp2Session, slot: RequestSlot): Promise<void> {
  while (!stopping) {
    const message = slot.next()
    while ((await exportOnce(session, message)) !== 0) {
      sent.refusals++
      if (stopping) return
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
    }
    sent.spans += SPANS_PER_REQUEST
    sent.bytes += message.length - 5
  }
}

/** Resolves with the gRPC status. */
function exportOnce(session: ClientHttp2Session, message: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    const stream: ClientHttp2Stream = session.request({
      ':method': 'POST',
      ':path': '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
      'content-type': 'application/grpc',
      te: 'trailers',
    })
    let status = -1
    const onHeaders = (headers: Record<string, unknown>) => {
      if (headers['grpc-status'] !== undefined) status = Number(headers['grpc-status'])
    }
    stream.on('response', onHeaders)
    stream.on('trailers', onHeaders)
    stream.on('error', reject)
    stream.on('close', () => resolve(status))
    stream.resume()
    stream.end(message)
  })
}

const session = connect(`http://${process.argv[2]}`, { settings: { initialWindowSize: WINDOW_BYTES } })
const sequence = new LoadSequence()
const slots = Array.from({ length: IN_FLIGHT }, (_, slot) => new RequestSlot(sequence, slot))
let running: Promise<unknown> = Promise.resolve()

answerParent({
  start: () => {
    running = Promise.all(slots.map((slot) => sendUntilStopped(session, slot)))
    running.catch((error) => {
      console.error(`the load generator failed: ${error}`)
      process.exit(1)
    })
  },
  sent: (): Sent => ({ ...sent }),
  stop: async (): Promise<Sent> => {
    stopping = true
    await running
    session.close()
    return sent
  },
})
