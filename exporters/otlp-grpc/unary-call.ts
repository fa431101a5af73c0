import { type ClientHttp2Stream, constants, type Http2Session, type IncomingHttpHeaders } from 'node:http2'
import type { Clock, Timer } from '../../component/clock.ts'
import { ANSWER_LIMIT_BYTES, answerTooLarge, PREFIX_BYTES, readAnswer } from './answer-message.ts'
import { failure, Status, statusOf, statusOfHttp, statusOfReset } from './grpc-status.ts'
import type { GrpcResult } from './unary-client.ts'

/**
 * One unary call: its deadline, which runs from the start and not from when a connection is there, and its HTTP/2
 * stream once it has one. It settles exactly once.
 */
export class UnaryCall {
  readonly result: Promise<GrpcResult>
  settled = false
  #resolve!: (result: GrpcResult) => void
  readonly #timer: Timer | null
  #stream: ClientHttp2Stream | null = null
  #onRefused: (() => void) | null = null
  #headers: IncomingHttpHeaders = {}
  #trailers: IncomingHttpHeaders | null = null
  #chunks: Buffer[] = []
  #receivedBytes = 0

  constructor(clock: Clock, timeoutMs: number) {
    this.result = new Promise((resolve) => {
      this.#resolve = resolve
    })
    const outOfTime = () => this.settle(failure(Status.DEADLINE_EXCEEDED, `no answer within ${timeoutMs} ms`))
    this.#timer = timeoutMs > 0 ? clock.after(timeoutMs, outOfTime) : null
  }

  settle(result: GrpcResult): void {
    if (this.settled) return
    this.settled = true
    this.#timer?.cancel()
    if (this.#stream !== null && !this.#stream.closed) this.#stream.close(constants.NGHTTP2_CANCEL)
    this.#resolve(result)
  }

  /**
   * Sends the message on `stream` and reads the answer. Where the peer says that it has not looked at the call
   * (REFUSED_STREAM, also after GOAWAY), `onRefused` is called instead of settling, if there is one.
   */
  run(stream: ClientHttp2Stream, message: Uint8Array, compressed: boolean, onRefused: (() => void) | null): void {
    const session = stream.session!
    this.#stream = stream
    this.#onRefused = onRefused
    this.#headers = {}
    this.#trailers = null
    this.#chunks = []
    this.#receivedBytes = 0
    stream.on('response', (headers) => {
      this.#headers = headers
    })
    stream.on('trailers', (trailers) => {
      this.#trailers = trailers
    })
    stream.on('data', (chunk: Buffer) => this.#receive(chunk))
    stream.on('error', () => {
      // 'close' follows and knows the reset code; without a listener the error would end the process.
    })
    stream.on('close', () => this.#closed(stream, session))
    // Two writes: to join prefix and message would copy the message, which more than doubles the CPU of a call.
    stream.write(prefixOf(message, compressed))
    stream.end(message)
  }

  #receive(chunk: Buffer): void {
    this.#receivedBytes += chunk.byteLength
    if (this.#receivedBytes <= ANSWER_LIMIT_BYTES + PREFIX_BYTES) this.#chunks.push(chunk)
    else this.settle(answerTooLarge())
  }

  #closed(stream: ClientHttp2Stream, session: Http2Session): void {
    if (this.settled) return
    const status = statusOf(this.#trailers ?? this.#headers)
    const httpStatus = Number(this.#headers[':status'] ?? 0)
    if (status !== null) this.settle(status.code === Status.OK ? this.#answer() : status)
    else if (stream.rstCode === constants.NGHTTP2_REFUSED_STREAM && this.#onRefused !== null) this.#onRefused()
    else if (session.destroyed) this.settle(connectionLost())
    else if (stream.rstCode !== constants.NGHTTP2_NO_ERROR) this.settle(statusOfReset(stream.rstCode))
    else if (httpStatus === 0) this.settle(connectionLost())
    else this.settle(statusOfHttp(httpStatus))
  }

  #answer(): GrpcResult {
    const body = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks)
    return readAnswer(body, String(this.#headers['grpc-encoding'] ?? 'identity'))
  }
}

function prefixOf(message: Uint8Array, compressed: boolean): Buffer {
  const prefix = Buffer.allocUnsafe(PREFIX_BYTES)
  prefix[0] = compressed ? 1 : 0
  prefix.writeUInt32BE(message.byteLength, 1)
  return prefix
}

function connectionLost(): GrpcResult {
  return failure(Status.UNAVAILABLE, 'the connection was lost before the answer came')
}
