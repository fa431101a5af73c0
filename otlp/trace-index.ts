/** Values of `TraceIndex.parentRow` that are no row. */
export const Parent = {
  /** The span has no parent id. */
  none: -1,
  /** The parent was not seen, neither here nor within the grace for late spans. */
  missing: -2,
  /** The parent left with an earlier piece of this trace. */
  passed: -3,
} as const

/** What is known of a trace when it leaves the window. */
export const TraceState = {
  /** Root there, no parent missing, nothing left open. */
  complete: 1,
  /** It had its time and something is missing. */
  incomplete: 2,
  /** It left early (memory, shutdown) or began before the gateway could see all of it: it must not be judged broken. */
  unknown: 3,
  /** Spans of a trace that had left before. */
  late: 4,
} as const

/** Whole traces in a table: rows of a trace stand together, `firstRow[i]` to `firstRow[i + 1]`. */
export interface TraceIndex {
  readonly traceCount: number
  /** traceCount + 1 entries; the last is the table's count. */
  readonly firstRow: Uint32Array
  /** For each row the row of its parent, or a value of `Parent`. */
  readonly parentRow: Int32Array
  /** For each trace a value of `TraceState`. */
  readonly state: Uint8Array
}
