/** Every way in which the gateway can fail, closed: a code decides the status that a sender sees and whether to retry. */
export const ERROR_CODES = [
  'malformed_request', // the bytes are not the OTLP message they claim to be
  'message_too_large', // above the receiver's limit, after decompression
  'unsupported_encoding', // content type or compression that the receiver does not speak
  'memory_exhausted', // the byte budget is spent; come back later
  'queue_full', // an exporter's sending queue is full; come back later
  'shutting_down', // the component no longer takes data
  'deadline_exceeded', // the sender's or the exporter's time ran out
  'backend_unavailable', // the destination could not be reached or asked to retry
  'backend_rejected', // the destination refused for good
  'unauthenticated', // the destination or a receiver wants credentials
  'config_invalid', // the configuration cannot be run
  'start_failed', // a component could not start (port taken, file not writable)
  'internal', // a defect of the gateway
] as const
export type ErrorCode = (typeof ERROR_CODES)[number]

export interface GatewayErrorOptions {
  /** Whether sending the same data again, later, may succeed. */
  readonly retryable: boolean
  /** How long the sender should wait at least, where known. */
  readonly retryAfterMs?: number
  readonly cause?: unknown
}

/** The one error class of the gateway. The message is written for an operator: what, where, what to do instead. */
export class GatewayError extends Error {
  readonly code: ErrorCode
  readonly retryable: boolean
  readonly retryAfterMs: number | null

  constructor(code: ErrorCode, message: string, options: GatewayErrorOptions) {
    super(message, { cause: options.cause })
    this.name = 'GatewayError'
    this.code = code
    this.retryable = options.retryable
    this.retryAfterMs = options.retryAfterMs ?? null
  }
}
