import { constants, type OutgoingHttpHeaders, type ServerHttp2Stream } from 'node:http2'
import type { Timer } from '../../component/clock.ts'
import type { Outcome } from '../../component/consumer.ts'
import { GatewayError } from '../../component/errors.ts'
import type { Signal } from '../../component/signal.ts'
import { GrpcCode } from '../../component/status.ts'
import { Body } from './body.ts'
import type { Coding } from './decompress.ts'
import { statusTrailers } from './grpc-headers.ts'
import { GrpcMessage, type GrpcStatus, grpcStatus, toGrpcStatus } from './grpc-message.ts'
import type { Intake } from './intake.ts'
import { encodeResponse } from './messages.ts'

const LIMIT_NAME = 'max_recv_msg_size_mib'

const RESPONSE_HEADERS: OutgoingHttpHeaders = {
  ':status': 200,
  'content-type': 'application/grpc',
  'grpc-accept-encoding': 'gzip,zstd,deflate',
}
const TRAILERS_FOLLOW = { waitForTrailers: true }
const ENDS_HERE = { endStream: true }
const OK_TRAILERS: OutgoingHttpHeaders = { 'grpc-status': '0' }
/** A response without a field: prefix only, five zeros. */
const EMPTY_RESPONSE = Buffer.alloc(5)

/** One Export call, from its headers to its trailers. */
export class GrpcCall {
  readonly #stream: ServerHttp2Stream
  readonly #intake: Intake
  readonly #signal: Signal
  readonly #limitBytes: number
  readonly #body: Body
  readonly #message: GrpcMessage
  #deadline: Timer | null = null
  /** Collecting, then waiting for the outcome, then answered (or gone). */
  #state: 'collecting' | 'waiting' | 'done' = 'collecting'

  constructor(
    stream: ServerHttp2Stream,
    intake: Intake,
    signal: Signal,
    encoding: Coding,
    timeoutMs: number | null,
    limitBytes: number,
  ) {
    this.#stream = stream
    this.#intake = intake
    this.#signal = signal
    this.#limitBytes = limitBytes
    this.#body = new Body(intake.settings.budget, limitBytes, LIMIT_NAME)
    this.#message = new GrpcMessage(this.#body, encoding)
    if (timeoutMs !== null) this.#deadline = intake.settings.clock.after(timeoutMs, () => this.#expire(timeoutMs))
    stream.on('data', (chunk: Buffer) => this.#read(chunk))
    stream.on('end', () => this.#finish())
    stream.on('close', () => this.#gone())
  }

  #read(chunk: Buffer): void {
    if (this.#state !== 'collecting') return
    const error = this.#message.push(chunk)
    if (error !== null) this.#turnAway(error)
  }

  #finish(): void {
    if (this.#state !== 'collecting') return
    const message = this.#message.finish()
    if ('grpcCode' in message) {
      this.#turnAway(message)
      return
    }
    this.#state = 'waiting'
    const { coding } = this.#message
    const outcome = this.#intake.take(this.#signal, message, coding, 'protobuf', this.#limitBytes, LIMIT_NAME)
    if (outcome instanceof Promise) outcome.then((settled) => this.#answer(settled))
    else this.#answer(outcome)
  }

  #answer(outcome: Outcome): void {
    if (outcome.kind === 'accepted') this.#succeed(EMPTY_RESPONSE)
    else if (outcome.kind === 'partial')
      this.#succeed(framed(encodeResponse({ rejectedItems: outcome.droppedItems, message: outcome.message })))
    else this.#fail(toGrpcStatus(outcome.error))
  }

  #succeed(response: Buffer): void {
    if (!this.#close()) return
    const stream = this.#stream
    stream.respond(RESPONSE_HEADERS, TRAILERS_FOLLOW)
    stream.on('wantTrailers', sendOkTrailers)
    stream.end(response)
  }

  /** A call that fails before its message is whole. */
  #turnAway(error: GatewayError | GrpcStatus): void {
    this.#body.discard()
    const status = toGrpcStatus(error)
    const asError =
      error instanceof GatewayError
        ? error
        : new GatewayError('malformed_request', status.message, { retryable: false })
    this.#intake.turnAway(this.#signal, asError)
    this.#fail(status)
  }

  #expire(timeoutMs: number): void {
    if (this.#state === 'done') return
    const message = `the sender's grpc-timeout of ${timeoutMs} ms ran out`
    if (this.#state === 'collecting')
      this.#turnAway(new GatewayError('deadline_exceeded', message, { retryable: true }))
    else this.#fail(grpcStatus(GrpcCode.deadlineExceeded, message))
  }

  #fail(status: GrpcStatus): void {
    if (!this.#close()) return
    failStream(this.#stream, status)
  }

  /** The stream is closed: answered, or reset by the sender, or its connection is lost. */
  #gone(): void {
    if (this.#state === 'collecting') {
      this.#body.discard()
      this.#intake.turnAway(
        this.#signal,
        new GatewayError('deadline_exceeded', 'the sender gave the call up', { retryable: true }),
      )
    }
    this.#state = 'done'
    this.#deadline?.cancel()
  }

  /** True once: whoever answers the call asks first. */
  #close(): boolean {
    if (this.#state === 'done') return false
    this.#state = 'done'
    this.#deadline?.cancel()
    return !this.#stream.destroyed && !this.#stream.closed
  }
}

function framed(response: Uint8Array): Buffer {
  const prefix = Buffer.alloc(5)
  prefix.writeUInt32BE(response.length, 1)
  return Buffer.concat([prefix, response])
}

function sendOkTrailers(this: ServerHttp2Stream): void {
  this.sendTrailers(OK_TRAILERS)
}

/**
 * Answers with trailers only. What the sender still has to send is not wanted: a reset without error tells it so, after
 * the answer has left.
 */
export function failStream(stream: ServerHttp2Stream, status: GrpcStatus): void {
  stream.respond({ ...RESPONSE_HEADERS, ...statusTrailers(status) }, ENDS_HERE)
  if (!stream.readableEnded) stream.close(constants.NGHTTP2_NO_ERROR)
}
