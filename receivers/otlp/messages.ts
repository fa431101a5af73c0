import type { Signal } from '../../component/signal.ts'
import type { WireStatus } from '../../component/status.ts'
import { SERVICES } from './services.ts'

/** What an answer says beyond its code: the items that were dropped by policy, and why. */
export interface PartialSuccess {
  readonly rejectedItems: number
  readonly message: string
}

const EMPTY = new Uint8Array(0)

/**
 * Export…ServiceResponse, the same for all signals:
 *
 *     1 partial_success   Export…PartialSuccess   absent on full success
 *         1 rejected_…      int64
 *         2 error_message   string
 */
export function encodeResponse(partial: PartialSuccess | null): Uint8Array {
  if (partial === null) return EMPTY
  return bytesField(1, Buffer.concat([intField(1, partial.rejectedItems), stringField(2, partial.message)]))
}

export function responseToJson(signal: Signal, partial: PartialSuccess | null): string {
  if (partial === null) return '{}'
  return JSON.stringify({
    partialSuccess: {
      [SERVICES[signal].rejectedField]: String(partial.rejectedItems),
      errorMessage: partial.message,
    },
  })
}

const RETRY_INFO = 'type.googleapis.com/google.rpc.RetryInfo'

/**
 * google.rpc.Status, as grpc-status-details-bin and as the body of an HTTP error:
 *
 *     1 code      int32
 *     2 message   string
 *     3 details   Any { 1 type_url, 2 value }; here RetryInfo { 1 retry_delay Duration { 1 seconds, 2 nanos } }
 */
export function encodeStatus(status: Pick<WireStatus, 'grpcCode' | 'message' | 'retryAfterMs'>): Uint8Array {
  const parts = [intField(1, status.grpcCode), stringField(2, status.message)]
  if (status.retryAfterMs !== null) {
    const seconds = Math.floor(status.retryAfterMs / 1000)
    const nanos = Math.round((status.retryAfterMs - seconds * 1000) * 1e6)
    const retryInfo = bytesField(1, Buffer.concat([intField(1, seconds), intField(2, nanos)]))
    parts.push(bytesField(3, Buffer.concat([stringField(1, RETRY_INFO), bytesField(2, retryInfo)])))
  }
  return Buffer.concat(parts)
}

export function statusToJson(status: Pick<WireStatus, 'grpcCode' | 'message' | 'retryAfterMs'>): string {
  const details =
    status.retryAfterMs === null
      ? {}
      : { details: [{ '@type': RETRY_INFO, retryDelay: `${(status.retryAfterMs / 1000).toFixed(3)}s` }] }
  return JSON.stringify({ code: status.grpcCode, message: status.message, ...details })
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...bytes, rest])
    bytes.push((rest % 128) + 128)
  }
}

function intField(field: number, value: number): Buffer {
  return value === 0 ? Buffer.alloc(0) : Buffer.concat([varint(field * 8), varint(value)])
}

function bytesField(field: number, bytes: Uint8Array): Buffer {
  return Buffer.concat([varint(field * 8 + 2), varint(bytes.length), bytes])
}

function stringField(field: number, text: string): Buffer {
  return bytesField(field, Buffer.from(text, 'utf8'))
}
