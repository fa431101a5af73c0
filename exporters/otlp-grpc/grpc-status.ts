import { constants } from 'node:http2'
import { GatewayError } from '../../component/errors.ts'
import { readStatus } from '../sending/otlp-answer.ts'
import type { GrpcResult } from './unary-client.ts'

/** https://grpc.github.io/grpc/core/md_doc_statuscodes.html, by number. */
const STATUS_NAMES = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
] as const

type StatusName = (typeof STATUS_NAMES)[number]

export const Status = Object.fromEntries(STATUS_NAMES.map((name, code) => [name, code])) as Record<StatusName, number>

const EMPTY = new Uint8Array(0)

export function failure(code: number, message: string, retryAfterMs: number | null = null): GrpcResult {
  return { code, message, retryAfterMs, response: EMPTY }
}

/**
 * OTLP's rule for a client (https://opentelemetry.io/docs/specs/otlp/#failures): RESOURCE_EXHAUSTED is worth a retry
 * only when the destination says, by RetryInfo, that it will recover.
 */
export function errorOf(result: GrpcResult): GatewayError {
  const name = STATUS_NAMES[result.code] ?? `code ${result.code}`
  const message = result.message === '' ? name : `${name}: ${result.message}`
  const retryAfter = result.retryAfterMs === null ? {} : { retryAfterMs: result.retryAfterMs }
  switch (name) {
    case 'CANCELLED':
    case 'ABORTED':
    case 'OUT_OF_RANGE':
    case 'UNAVAILABLE':
    case 'DATA_LOSS':
      return new GatewayError('backend_unavailable', message, { retryable: true, ...retryAfter })
    case 'DEADLINE_EXCEEDED':
      return new GatewayError('deadline_exceeded', message, { retryable: true, ...retryAfter })
    case 'RESOURCE_EXHAUSTED':
      return result.retryAfterMs === null
        ? new GatewayError('backend_rejected', message + whatToDo(result.message), { retryable: false })
        : new GatewayError('backend_unavailable', message, { retryable: true, ...retryAfter })
    case 'UNAUTHENTICATED':
      return new GatewayError('unauthenticated', message, { retryable: false })
    default:
      return new GatewayError('backend_rejected', message, { retryable: false })
  }
}

/** gRPC itself refuses a message that is larger than the destination's limit: grpc-go, grpc-js and grpc-java say so. */
function whatToDo(message: string): string {
  return /larger than max|exceeds maximum/i.test(message) ? '; write a smaller max_request_bytes' : ''
}

/** The header block that carries the status: the trailers, or the only headers of a trailers-only answer. */
export type StatusHeaders = Readonly<Record<string, string | readonly string[] | number | undefined>>

/** Null where there is no grpc-status: then httpStatus decides. */
export function statusOf(headers: StatusHeaders): GrpcResult | null {
  const status = headers['grpc-status']
  if (status === undefined) return null
  const code = /^\d{1,3}$/.test(String(status)) ? Number(status) : Status.UNKNOWN
  const details = headers['grpc-status-details-bin']
  const retryAfterMs = details === undefined ? null : readStatus(Buffer.from(String(details), 'base64')).retryAfterMs
  return failure(code, percentDecode(String(headers['grpc-message'] ?? '')), retryAfterMs)
}

/** https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md: what a proxy answered instead of gRPC. */
export function statusOfHttp(httpStatus: number): GrpcResult {
  const message = `the answer is HTTP ${httpStatus} without a gRPC status; is that an OTLP/gRPC endpoint?`
  switch (httpStatus) {
    case 400:
      return failure(Status.INTERNAL, message)
    case 401:
      return failure(Status.UNAUTHENTICATED, message)
    case 403:
      return failure(Status.PERMISSION_DENIED, message)
    case 404:
      return failure(Status.UNIMPLEMENTED, message)
    case 429:
    case 502:
    case 503:
    case 504:
      return failure(Status.UNAVAILABLE, message)
    default:
      return failure(Status.UNKNOWN, message)
  }
}

/** https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#errors: the stream was reset instead of answered. */
export function statusOfReset(rstCode: number): GrpcResult {
  const message = `the call was reset by the other side (HTTP/2 error ${rstCode})`
  switch (rstCode) {
    case constants.NGHTTP2_REFUSED_STREAM:
      return failure(Status.UNAVAILABLE, message)
    case constants.NGHTTP2_CANCEL:
      return failure(Status.CANCELLED, message)
    case constants.NGHTTP2_ENHANCE_YOUR_CALM:
      return failure(Status.RESOURCE_EXHAUSTED, message)
    case constants.NGHTTP2_INADEQUATE_SECURITY:
      return failure(Status.PERMISSION_DENIED, message)
    default:
      return failure(Status.INTERNAL, message)
  }
}

/** grpc-message: UTF-8 with `%XX` for what a header cannot carry; what is no escape stays as it is. */
export function percentDecode(text: string): string {
  if (!text.includes('%')) return text
  const bytes: number[] = []
  const raw = Buffer.from(text, 'utf8')
  for (let i = 0; i < raw.length; i++) {
    const hex = raw[i] === 0x25 ? raw.toString('latin1', i + 1, i + 3) : ''
    if (/^[0-9a-fA-F]{2}$/.test(hex)) {
      bytes.push(Number.parseInt(hex, 16))
      i += 2
    } else bytes.push(raw[i]!)
  }
  return Buffer.from(bytes).toString('utf8')
}
