import { attributeKey, hasAttribute, intAttribute, stringAttribute } from '../../otlp/attributes.ts'
import { SpanKind, type SpanTable } from '../../otlp/span-table.ts'

const STATUS_ERROR = 2
/** By the semantic conventions of RPC, older ones and newer ones. */
const GRPC_STATUS = attributeKey('rpc.grpc.status_code')
const RPC_STATUS = attributeKey('rpc.response.status_code')
const GAVE_UP: ReadonlySet<number | string | null> = new Set([1, 4, 'CANCELLED', 'DEADLINE_EXCEEDED'])
const ERROR_TYPE = attributeKey('error.type')

/** What the span of a caller says about how it ended, when its callee was still at work. */
export const CallerEnd = {
  /** It says that it failed: it had been cancelled, or had run out of time. */
  failed: 2,
  /** Nothing, but its SDK never says anything. */
  silent: 1,
  /** It ended well: whatever the callee still does, the caller had its answer. */
  answered: 0,
} as const

const HTTP_STATUS = ['http.response.status_code', 'http.status_code'].map(attributeKey)
/** Of HTTP, what a proxy or a client says for a callee that took too long. */
const HTTP_TIMEOUTS: ReadonlySet<number | null> = new Set([408, 499, 504])
/** By gRPC, what only a callee says: of a wrong argument to one that may not ask. */
const GRPC_ANSWERS: ReadonlySet<number | string | null> = new Set([
  ...[3, 5, 6, 7, 9, 11, 12, 16],
  ...['INVALID_ARGUMENT', 'NOT_FOUND', 'ALREADY_EXISTS', 'PERMISSION_DENIED', 'FAILED_PRECONDITION', 'OUT_OF_RANGE'],
  ...['UNIMPLEMENTED', 'UNAUTHENTICATED'],
])

/**
 * A caller that waits for its answer cannot end before its callee, unless it gave up; an error says so, whichever it is,
 * as status or as attribute. SDKs that set no kinds set no status either, so their silence says nothing. An error that the
 * callee answered with is an answer.
 */
export function callerEnd(table: SpanTable, caller: number): number {
  if (isAnsweredWithError(table, caller)) return CallerEnd.answered
  if (table.statusCode(caller) === STATUS_ERROR || saysFailed(table, caller)) return CallerEnd.failed
  return table.kind(caller) === SpanKind.unspecified && table.statusCode(caller) === 0
    ? CallerEnd.silent
    : CallerEnd.answered
}

function saysFailed(table: SpanTable, caller: number): boolean {
  return (
    hasAttribute(table, caller, ERROR_TYPE) ||
    GAVE_UP.has(intAttribute(table, caller, GRPC_STATUS)) ||
    GAVE_UP.has(stringAttribute(table, caller, RPC_STATUS))
  )
}

function isAnsweredWithError(table: SpanTable, caller: number): boolean {
  return (
    HTTP_STATUS.some((key) => {
      const status = intAttribute(table, caller, key)
      return status !== null && status >= 400 && !HTTP_TIMEOUTS.has(status)
    }) ||
    GRPC_ANSWERS.has(intAttribute(table, caller, GRPC_STATUS)) ||
    GRPC_ANSWERS.has(stringAttribute(table, caller, RPC_STATUS))
  )
}

/**
 * Whether a child of another process is a call that its parent waited for. Not every caller is CLIENT: grpc-go's own
 * instrumentation makes an INTERNAL span of each attempt.
 */
export function isCall(parentKind: number, childKind: number): boolean {
  if (parentKind === SpanKind.client || parentKind === SpanKind.unspecified)
    return childKind === SpanKind.server || childKind === SpanKind.unspecified
  return parentKind === SpanKind.internal && childKind === SpanKind.server
}
