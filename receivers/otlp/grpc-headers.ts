import type { OutgoingHttpHeaders } from 'node:http2'
import type { GrpcStatus } from './grpc-message.ts'
import { encodeStatus } from './messages.ts'

const UNIT_MS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 }

/** `grpc-timeout` (at most 8 digits and a unit) in milliseconds; null where there is none, NaN where it is not valid. */
export function parseGrpcTimeoutMs(header: string | undefined): number | null {
  if (header === undefined) return null
  const digits = header.length - 1
  if (digits < 1 || digits > 8 || !/^\d+$/.test(header.slice(0, digits))) return Number.NaN
  return Number(header.slice(0, digits)) * (UNIT_MS[header[digits]!] ?? Number.NaN)
}

/** `application/grpc` alone or with `+proto`; other codecs (`+json`) are not spoken here. */
export function isGrpcContentType(header: string | undefined): boolean {
  if (header === undefined) return false
  const type = header.split(';', 1)[0]!.trim().toLowerCase()
  return type === 'application/grpc' || type === 'application/grpc+proto'
}

/** `grpc-message`: UTF-8, with everything but printable ASCII, and the percent sign, as %XX. */
export function percentEncode(message: string): string {
  let encoded = ''
  for (const byte of Buffer.from(message, 'utf8')) {
    encoded +=
      byte < 0x20 || byte > 0x7e || byte === 0x25
        ? `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
        : String.fromCharCode(byte)
  }
  return encoded
}

/** grpc-go refuses header lists over 16 KiB; a message beyond this says nothing more to anyone. */
const LONGEST_MESSAGE = 1024

/** The trailers of a failed call. grpc-status-details-bin only where it says more than the other two. */
export function statusTrailers(status: GrpcStatus): OutgoingHttpHeaders {
  const message = status.message.slice(0, LONGEST_MESSAGE)
  const trailers: OutgoingHttpHeaders = { 'grpc-status': status.grpcCode, 'grpc-message': percentEncode(message) }
  if (status.retryAfterMs !== null) {
    const details = Buffer.from(encodeStatus({ ...status, message }))
    trailers['grpc-status-details-bin'] = details.toString('base64').replace(/=+$/, '')
  }
  return trailers
}
