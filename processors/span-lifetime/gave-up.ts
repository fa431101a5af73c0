import { SpanKind, type SpanTable } from '../../otlp/span-table.ts'

const STATUS_ERROR = 2

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
 * A caller that waits for its answer cannot end before its callee, unless it gave up; an error says so, whichever it is.
 * SDKs that set no kinds set no status either, so their silence says nothing.
 */
export function callerEnd(table: SpanTable, caller: number): number {
  if (table.statusCode(caller) === STATUS_ERROR) return CallerEnd.failed
  return table.kind(caller) === SpanKind.unspecified && table.statusCode(caller) === 0
    ? CallerEnd.silent
    : CallerEnd.answered
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
