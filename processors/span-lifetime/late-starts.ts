import { Column } from '../../otlp/span-table.ts'
import { HANDOVER_NANO } from './effective-ends.ts'
import type { LifetimeFacts } from './lifetime-facts.ts'
import { Kind } from './lifetime-kinds.ts'
import type { OccurrenceTallies } from './occurrence-tally.ts'

/** As many spans of an operation start later and later after one parent, over a second at least: a context was kept. */
const REUSED = 3
const REUSED_OVER_NANO = 1e9
/** More than the operations that there can be. */
const OPERATION_STRIDE = 1 << 24

/** LIFE-002: spans of a batch that start after their parent has ended, told from those whose parent is a wrong one. */
export class LateStarts {
  readonly #tallies: OccurrenceTallies
  /** Rows by parent and operation, in order of their start. */
  readonly #starters = new Map<number, number[]>()

  constructor(tallies: OccurrenceTallies) {
    this.#tallies = tallies
  }

  add(facts: LifetimeFacts, row: number, parent: number, gapNano: number): void {
    if (followsParent(facts, row, parent, gapNano)) return
    const key = parent * OPERATION_STRIDE + facts.operations[row]!
    const rows = this.#starters.get(key)
    if (rows) rows.push(row)
    else this.#starters.set(key, [row])
  }

  /**
   * Counts them once all of the batch are known: where many of one operation start after one parent, again and again, a
   * loop keeps a context that it should not (CTX-005), and none of them was handed over.
   */
  settle(facts: LifetimeFacts, isOutranked: (parent: number) => boolean): void {
    const { table, traces } = facts.batch
    for (const rows of this.#starters.values()) {
      const spreadNano = table.differenceNano(rows.at(-1)!, Column.start, rows[0]!, Column.start)
      if (rows.length >= REUSED && spreadNano >= REUSED_OVER_NANO) continue
      for (const row of rows) {
        const parent = traces!.parentRow[row]!
        const gapNano =
          table.differenceNano(row, Column.start, parent, Column.end) - facts.clockDifferenceNano(row, parent)
        this.#tallies.record(facts, Kind.startsAfterParent, row, parent, parent, gapNano, !isOutranked(parent))
      }
    }
    this.#starters.clear()
  }
}

/**
 * Whether a span looks like the next step after the one that it names as its parent: it starts at once, and their common
 * grandparent waits for it. Then the parent is wrong (CTX-005), and nothing ended too early.
 */
function followsParent(facts: LifetimeFacts, row: number, parent: number, gapNano: number): boolean {
  const { table, traces } = facts.batch
  const grandparent = traces!.parentRow[parent]!
  return (
    gapNano < HANDOVER_NANO &&
    grandparent >= 0 &&
    facts.sameProcess(row, grandparent) &&
    table.differenceNano(row, Column.end, grandparent, Column.end) <= 0
  )
}
