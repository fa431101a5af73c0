import { expect, it } from '@jest/globals'
import { ERROR_CODES, type ErrorCode, GatewayError } from '../../component/errors.ts'
import { wireStatus } from '../../component/status.ts'

/** gRPC code, HTTP status, seconds after which to come back. */
const STATUSES: Readonly<Record<ErrorCode, readonly [number, number, number | null]>> = {
  malformed_request: [3, 400, null],
  message_too_large: [8, 413, null],
  unsupported_encoding: [12, 415, null],
  memory_exhausted: [8, 429, 1],
  queue_full: [8, 429, 1],
  shutting_down: [14, 503, null],
  deadline_exceeded: [4, 503, null],
  backend_unavailable: [14, 503, null],
  backend_rejected: [13, 500, null],
  unauthenticated: [16, 401, null],
  config_invalid: [13, 500, null],
  start_failed: [13, 500, null],
  internal: [13, 500, null],
}

it.each(ERROR_CODES)('says %s in both protocols', (code) => {
  const { grpcCode, httpStatus, message, retryAfterMs } = wireStatus(
    new GatewayError(code, 'why', { retryable: false }),
  )
  const [expectedGrpc, expectedHttp, seconds] = STATUSES[code]
  expect([grpcCode, httpStatus, message, retryAfterMs]).toEqual([
    expectedGrpc,
    expectedHttp,
    'why',
    seconds === null ? null : seconds * 1000,
  ])
})

it.each(['memory_exhausted', 'queue_full', 'shutting_down', 'backend_unavailable'] as const)(
  'passes on how long to wait after %s',
  (code) => {
    const error = new GatewayError(code, 'why', { retryable: true, retryAfterMs: 7000 })
    expect(wireStatus(error).retryAfterMs).toBe(7000)
  },
)
