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

/**
 * A caller that waits for its answer cannot end before its callee, unless it gave up; an error says so, whichever it is,
 * as status or as attribute. SDKs that set no kinds set no status either, so their silence says nothing.
 */
export function callerEnd(table: SpanTable, caller: number): number {
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

/**
 * Whether a child of another process is a call that its parent waited for. Not every caller is CLIENT: grpc-go's own
 * instrumentation makes an INTERNAL span of each attempt.
 */
export function isCall(parentKind: number, childKind: number): boolean {
  if (parentKind === SpanKind.client || parentKind === SpanKind.unspecified)
    return childKind === SpanKind.server || childKind === SpanKind.unspecified
  return parentKind === SpanKind.internal && childKind === SpanKind.server
}
