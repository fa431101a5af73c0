import type { Outcome } from '../../component/consumer.ts'
import { GatewayError } from '../../component/errors.ts'
import type { Signal } from '../../component/signal.ts'
import { wireStatus } from '../../component/status.ts'
import { Body } from './body.ts'
import type { HttpConfig } from './config.ts'
import { type Coding, codingOf } from './decompress.ts'
import { answerText, type Request, type Response } from './http-message.ts'
import type { BodyFormat, Intake } from './intake.ts'
import { encodeResponse, encodeStatus, responseToJson, statusToJson } from './messages.ts'

const LIMIT_NAME = 'max_request_body_size'

const FORMATS: Readonly<Record<string, BodyFormat>> = {
  'application/x-protobuf': 'protobuf',
  'application/json': 'json',
}

/** One POST of an Export request over HTTP, from its headers to its answer. */
export class HttpExchange {
  readonly #request: Request
  readonly #response: Response
  readonly #intake: Intake
  readonly #signal: Signal
  readonly #limitBytes: number
  readonly #body: Body
  #contentType = ''
  #coding: Coding = 'identity'
  #state: 'collecting' | 'waiting' | 'done' = 'collecting'

  constructor(
    request: Request,
    response: Response,
    intake: Intake,
    signal: Signal,
    limitBytes: number,
    config: HttpConfig,
  ) {
    this.#request = request
    this.#response = response
    this.#intake = intake
    this.#signal = signal
    this.#limitBytes = limitBytes
    this.#body = new Body(intake.settings.budget, limitBytes, LIMIT_NAME)
    // A lost connection: `close` follows.
    request.on('error', ignore)
    response.on('error', ignore)
    const error = this.#readHeaders(config)
    if (error === null) this.#collect()
    else this.#turnAway(error)
  }

  /** Reads what the body is; an error where it cannot be taken. */
  #readHeaders(config: HttpConfig): GatewayError | null {
    const { headers } = this.#request
    const contentType = (headers['content-type'] ?? '').split(';', 1)[0]!.trim().toLowerCase()
    if (!(contentType in FORMATS))
      return unsupported('415 unsupported media type, supported: [application/json, application/x-protobuf]')
    this.#contentType = contentType
    const encoding = headers['content-encoding']
    const coding = codingOf(encoding)
    const accepted = config.compression_algorithms
    if (coding === null || !accepted.includes(coding === 'identity' ? '' : coding))
      return unsupported(`Content-Encoding ${encoding ?? 'identity'} is not accepted here, only: ${accepted.join(' ')}`)
    this.#coding = coding
    const length = Number(headers['content-length'])
    return Number.isSafeInteger(length) ? this.#body.expect(length) : null
  }

  #collect(): void {
    this.#request.on('data', (chunk: Buffer) => {
      if (this.#state !== 'collecting') return
      const error = this.#body.append(chunk, 0, chunk.length)
      if (error !== null) this.#turnAway(error)
    })
    this.#request.on('end', () => this.#finish())
    this.#response.on('close', () => this.#gone())
  }

  #finish(): void {
    if (this.#state !== 'collecting') return
    this.#state = 'waiting'
    const outcome = this.#intake.take(
      this.#signal,
      this.#body.take(),
      this.#coding,
      FORMATS[this.#contentType]!,
      this.#limitBytes,
      LIMIT_NAME,
    )
    if (outcome instanceof Promise) outcome.then((settled) => this.#answer(settled))
    else this.#answer(outcome)
  }

  /** A request that fails before its body is whole. What still comes of it is read and dropped. */
  #turnAway(error: GatewayError): void {
    this.#body.discard()
    this.#answer(this.#intake.turnAway(this.#signal, error))
  }

  #answer(outcome: Outcome): void {
    if (this.#state === 'done') return
    this.#state = 'done'
    this.#request.resume()
    if (outcome.kind === 'refused') {
      this.#answerError(outcome.error)
      return
    }
    const partial =
      outcome.kind === 'partial' ? { rejectedItems: outcome.droppedItems, message: outcome.message } : null
    this.#send(200, this.#isJson ? responseToJson(this.#signal, partial) : encodeResponse(partial))
  }

  #answerError(error: GatewayError): void {
    const status = wireStatus(error)
    if (this.#contentType === '') {
      answerText(this.#response, status.httpStatus, status.message)
      return
    }
    if (status.httpStatus === 415) this.#response.setHeader('accept-encoding', 'gzip, zstd, deflate')
    if (status.retryAfterMs !== null)
      this.#response.setHeader('retry-after', String(Math.ceil(status.retryAfterMs / 1000)))
    this.#send(status.httpStatus, this.#isJson ? statusToJson(status) : encodeStatus(status))
  }

  get #isJson(): boolean {
    return FORMATS[this.#contentType] === 'json'
  }

  #send(status: number, body: string | Uint8Array): void {
    const response = this.#response
    response.statusCode = status
    response.setHeader('content-type', this.#contentType)
    response.setHeader('content-length', Buffer.byteLength(body))
    response.end(body)
  }

  /** The connection is gone, or the answer has left. */
  #gone(): void {
    if (this.#state === 'collecting') {
      this.#body.discard()
      this.#intake.turnAway(
        this.#signal,
        new GatewayError('deadline_exceeded', 'the sender gave up', { retryable: true }),
      )
    }
    this.#state = 'done'
  }
}

function unsupported(message: string): GatewayError {
  return new GatewayError('unsupported_encoding', message, { retryable: false })
}

function ignore(): void {}
