import { GatewayError } from '../../component/errors.ts'

/**
 * OTLP's rule for a client (https://opentelemetry.io/docs/specs/otlp/#failures-1): 429, 502, 503 and 504 are retried, all
 * else is for good. Retry-After counts with 429 and 503.
 */
export function errorOf(status: number, said: string, retryAfter: string | undefined, nowMs: number): GatewayError {
  const message = said === '' ? `HTTP ${status}` : `HTTP ${status}: ${said}`
  switch (status) {
    case 429:
    case 503: {
      const retryAfterMs = retryAfter === undefined ? null : parseRetryAfterMs(retryAfter, nowMs)
      return new GatewayError('backend_unavailable', message, {
        retryable: true,
        ...(retryAfterMs !== null && { retryAfterMs }),
      })
    }
    case 502:
    case 504:
      return new GatewayError('backend_unavailable', message, { retryable: true })
    case 413:
      return new GatewayError('backend_rejected', `${message}; write a smaller max_request_bytes`, { retryable: false })
    case 401:
      return new GatewayError('unauthenticated', message, { retryable: false })
    default:
      return new GatewayError('backend_rejected', message, { retryable: false })
  }
}

/** Seconds, or a date (https://www.rfc-editor.org/rfc/rfc9110#field.retry-after); null where it is neither. */
export function parseRetryAfterMs(text: string, nowMs: number): number | null {
  const trimmed = text.trim()
  if (/^\d{1,9}$/.test(trimmed)) return Number(trimmed) * 1000
  // Date.parse alone takes almost anything; an HTTP date begins with the name of a day.
  const date = /^[A-Za-z]/.test(trimmed) ? Date.parse(trimmed) : Number.NaN
  return Number.isNaN(date) ? null : Math.max(0, date - nowMs)
}
