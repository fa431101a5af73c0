import type { GatewayError } from './errors.ts'

/** The gRPC status codes that the gateway speaks of (https://grpc.github.io/grpc/core/md_doc_statuscodes.html). */
export const GrpcCode = {
  ok: 0,
  cancelled: 1,
  invalidArgument: 3,
  deadlineExceeded: 4,
  resourceExhausted: 8,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
} as const
export type GrpcCode = (typeof GrpcCode)[keyof typeof GrpcCode]

/** What a sender is told of a refused request, over either protocol. */
export interface WireStatus {
  readonly grpcCode: GrpcCode
  readonly httpStatus: number
  readonly message: string
  /** Sent as RetryInfo or Retry-After; null where the sender should not wait for anything, or decides itself how long. */
  readonly retryAfterMs: number | null
}

/** How long a sender waits when memory or a queue is full and nobody knows better: the time in which a batch drains. */
const DEFAULT_RETRY_AFTER_MS = 1000

/**
 * The one place where an error becomes a status. OTLP's rules decide: a client retries RESOURCE_EXHAUSTED only when it
 * carries RetryInfo, and of HTTP's statuses only 429, 502, 503 and 504.
 * https://opentelemetry.io/docs/specs/otlp/#failures and #failures-1
 */
export function wireStatus(error: GatewayError): WireStatus {
  const { code, message } = error
  switch (code) {
    case 'malformed_request':
      return { grpcCode: GrpcCode.invalidArgument, httpStatus: 400, message, retryAfterMs: null }
    case 'message_too_large':
      return { grpcCode: GrpcCode.resourceExhausted, httpStatus: 413, message, retryAfterMs: null }
    case 'unsupported_encoding':
      return { grpcCode: GrpcCode.unimplemented, httpStatus: 415, message, retryAfterMs: null }
    case 'memory_exhausted':
    case 'queue_full': {
      const retryAfterMs = error.retryAfterMs ?? DEFAULT_RETRY_AFTER_MS
      return { grpcCode: GrpcCode.resourceExhausted, httpStatus: 429, message, retryAfterMs }
    }
    case 'shutting_down':
    case 'backend_unavailable':
      return { grpcCode: GrpcCode.unavailable, httpStatus: 503, message, retryAfterMs: error.retryAfterMs }
    case 'deadline_exceeded':
      return { grpcCode: GrpcCode.deadlineExceeded, httpStatus: 503, message, retryAfterMs: null }
    case 'unauthenticated':
      return { grpcCode: GrpcCode.unauthenticated, httpStatus: 401, message, retryAfterMs: null }
    case 'backend_rejected':
    case 'config_invalid':
    case 'start_failed':
    case 'internal':
      return { grpcCode: GrpcCode.internal, httpStatus: 500, message, retryAfterMs: null }
  }
}
