import type { PartialSuccess } from './sender.ts'
import { bytesOf, numberOf, readSmallMessage, textOf } from './small-message.ts'

/**
 * Export…ServiceResponse, the same for all signals:
 *
 *     1 partial_success   Export…PartialSuccess
 *         1 rejected_…      int64
 *         2 error_message   string
 *
 * Null on full success. Some backends always set partial_success, empty; that is full success too. What cannot be read
 * is taken for full success, as the status has already said that the request was accepted.
 */
export function readPartialSuccess(response: Uint8Array): PartialSuccess | null {
  const bytes = bytesOf(readSmallMessage(response), 1)
  if (bytes === null) return null
  const fields = readSmallMessage(bytes)
  return partialSuccess(numberOf(fields, 1), textOf(fields, 2))
}

/** The same in OTLP/JSON; the name of the count differs by signal. */
export function readPartialSuccessJson(text: string): PartialSuccess | null {
  const partial = parseObject(parseObject(text)?.partialSuccess)
  if (partial === null) return null
  const rejected = Object.entries(partial).find(([key]) => key.startsWith('rejected'))?.[1]
  const message = partial.errorMessage
  return partialSuccess(Number(rejected ?? 0) || 0, typeof message === 'string' ? message : '')
}

function partialSuccess(rejectedItems: number, message: string): PartialSuccess | null {
  return rejectedItems === 0 && message === '' ? null : { rejectedItems: Math.max(0, rejectedItems), message }
}

export interface RpcStatus {
  readonly message: string
  /** From RetryInfo; null where there is none. */
  readonly retryAfterMs: number | null
}

/**
 * google.rpc.Status, as grpc-status-details-bin and as the body of an HTTP error:
 *
 *     1 code      int32
 *     2 message   string
 *     3 details   repeated Any { 1 type_url, 2 value }; RetryInfo { 1 retry_delay Duration { 1 seconds, 2 nanos } }
 */
export function readStatus(bytes: Uint8Array): RpcStatus {
  const status = readSmallMessage(bytes)
  let retryAfterMs: number | null = null
  for (const { number, value } of status ?? []) {
    if (number !== 3 || typeof value === 'number') continue
    const detail = readSmallMessage(value)
    if (!textOf(detail, 1).endsWith('/google.rpc.RetryInfo')) continue
    const delay = readSmallMessage(bytesOf(readSmallMessage(bytesOf(detail, 2) ?? EMPTY), 1) ?? EMPTY)
    retryAfterMs = Math.max(0, numberOf(delay, 1) * 1000 + numberOf(delay, 2) / 1e6)
  }
  return { message: textOf(status, 2), retryAfterMs }
}

export function readStatusJson(text: string): RpcStatus {
  const message = parseObject(text)?.message
  return { message: typeof message === 'string' ? message : '', retryAfterMs: null }
}

const EMPTY = new Uint8Array(0)

/** A JSON object, from text or as part of one; null for anything else. */
function parseObject(value: unknown): Readonly<Record<string, unknown>> | null {
  if (typeof value === 'string') {
    try {
      return parseObject(JSON.parse(value))
    } catch {
      return null
    }
  }
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : null
}
