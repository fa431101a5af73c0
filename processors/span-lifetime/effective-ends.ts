import { Column, ROW_WORDS, SpanKind } from '../../otlp/span-table.ts'
import type { SpanLifetimeConfig } from './config.ts'
import type { LifetimeFacts } from './lifetime-facts.ts'
import { RepeatedIds } from './repeated-ids.ts'

/** Work that starts this soon after other work of its parent has ended is taken as the next step, not as a job of its own. */
export const HANDOVER_NANO = 5e6
/** Work that goes on for longer than this was not what anybody stood by for. */
const MAX_ASYNC_NANO = 60e9

/**
 * How much later than its span each piece of work ended, by the model of docs/effective-latency.md: children of the same
 * process that outlive a span belong to it if they began before its work was over. Costs a subtraction for each span
 * whose children end in time.
 */
export class EffectiveEnds {
  /** By row: nanoseconds from the reported to the effective end, never negative. */
  extra = new Float64Array(1024)
  /** By row: the work that ended last, where `extra` is not zero. */
  last = new Int32Array(1024)
  /** Rows that end after their parent by its clock, and how many. */
  overruns = new Int32Array(1024)
  overrunCount = 0
  /** By row, in traces with overruns: spans of which it is unclear whose children are theirs. */
  ambiguous = new Uint8Array(1024)
  readonly #repeatedIds = new RepeatedIds()
  readonly #isDetached: (name: string) => boolean

  constructor({ detached_operations }: Pick<SpanLifetimeConfig, 'detached_operations'>) {
    const names = new Set(detached_operations)
    this.#isDetached = (name) => names.has(name)
  }

  compute(facts: LifetimeFacts): void {
    const { table, traces } = facts.batch
    this.#reserve(table.count)
    const { words } = table
    const { traceCount, firstRow, parentRow } = traces!
    const { overruns, extra } = this
    extra.fill(0, 0, table.count)
    this.overrunCount = 0
    for (let trace = 0; trace < traceCount; trace++) {
      const first = this.overrunCount
      const end = firstRow[trace + 1]!
      for (let row = firstRow[trace]!; row < end; row++) {
        const parent = parentRow[row]!
        if (parent < 0) continue
        const at = row * ROW_WORDS
        const up = parent * ROW_WORDS
        const overrunNano =
          (words[at + Column.end]! - words[up + Column.end]!) * 4294967296 +
          (words[at + Column.end + 1]! - words[up + Column.end + 1]!)
        const isSameClock = words[at + Column.resource] === words[up + Column.resource]
        if (isSameClock ? overrunNano > 0 : overrunNano > facts.clockDifferenceNano(row, parent))
          overruns[this.overrunCount++] = row
      }
      if (this.overrunCount === first) continue
      this.#repeatedIds.mark(table, firstRow[trace]!, end, this.ambiguous)
      this.#extend(facts, first)
    }
  }

  /** How far a row's end, or its effective end, is beyond the reported end of its parent, both by the parent's clock. */
  overrunNano(facts: LifetimeFacts, row: number, parent: number): number {
    return (
      facts.batch.table.differenceNano(row, Column.end, parent, Column.end) - facts.clockDifferenceNano(row, parent)
    )
  }

  /** Makes a span last until its caller had its answer. */
  extendTo(row: number, extraNano: number, lastRow: number): void {
    if (extraNano <= this.extra[row]!) return
    this.extra[row] = extraNano
    this.last[row] = lastRow
  }

  /** Hands the ends of one trace up, earliest start first, so that work that follows on other work counts too. */
  #extend(facts: LifetimeFacts, first: number): void {
    const { table, traces } = facts.batch
    const rows = this.overruns.subarray(first, this.overrunCount)
    if (rows.length > 1) rows.sort((a, b) => table.differenceNano(a, Column.start, b, Column.start) || a - b)
    const parentRow = traces!.parentRow
    for (const row of rows) {
      let child = row
      const last = row
      for (let parent = parentRow[child]!; parent >= 0; parent = parentRow[child]!) {
        const extraNano = this.overrunNano(facts, child, parent) + this.extra[child]!
        if (extraNano <= this.extra[parent]! || !this.#belongs(facts, child, parent, extraNano)) break
        this.extra[parent] = extraNano
        this.last[parent] = this.extra[child] === 0 ? last : this.last[child]!
        child = parent
      }
    }
  }

  #belongs(facts: LifetimeFacts, child: number, parent: number, extraNano: number): boolean {
    const { table } = facts.batch
    if (this.ambiguous[parent] !== 0) return false
    if (extraNano > MAX_ASYNC_NANO || table.kind(child) === SpanKind.consumer || !facts.sameProcess(child, parent))
      return false
    const gapNano = table.differenceNano(child, Column.start, parent, Column.end)
    const extra = this.extra[parent]!
    return gapNano <= (extra > 0 ? extra + HANDOVER_NANO : 0) && !this.isDetached(facts, child)
  }

  /** Whether an operation is known to go on after its parent by design. */
  isDetached(facts: LifetimeFacts, row: number): boolean {
    return this.#isDetached(facts.registry.all[facts.operations[row]!]!.name)
  }

  #reserve(rows: number): void {
    if (rows <= this.extra.length) return
    const capacity = Math.max(rows, this.extra.length * 2)
    this.extra = new Float64Array(capacity)
    this.last = new Int32Array(capacity)
    this.overruns = new Int32Array(capacity)
    this.ambiguous = new Uint8Array(capacity)
  }
}
