import { Column, ROW_WORDS, type SpanTable } from '../../otlp/span-table.ts'
import { AwaitedParents } from './awaited-parents.ts'

/** How far apart the two sides of a call may leave the window: its longest wait, and an export interval. */
const REACH_MS = 30_000

/**
 * The two sides of calls that leave the window in different pieces of their trace: each side is remembered by the ids of
 * the call until the other comes. A call is its operation (60 bytes), an entry what the rule needs to know of it; at most
 * `limit` of each, the oldest calls go first, and entries beyond it are not remembered.
 */
export class CallsApart<Entry> {
  /** By trace and span id; values are operations. */
  readonly #calls: AwaitedParents
  /** By trace and parent id; values are places in `#waiting`. */
  readonly #entries: AwaitedParents
  readonly #waiting = new Map<number, Entry>()
  #nextPlace = 0

  constructor(limit: number) {
    this.#calls = new AwaitedParents(limit)
    this.#entries = new AwaitedParents(limit)
  }

  /** A call whose callee is not in its piece of the trace: the entries that wait for it, else it is remembered. */
  call({ words }: SpanTable, row: number, operation: number, nowMs: number): readonly Entry[] {
    const at = row * ROW_WORDS
    const entries: Entry[] = []
    for (;;) {
      const place = this.#entries.takeArrived(words, at, at + Column.spanId)
      if (place < 0) break
      entries.push(this.#waiting.get(place)!)
      this.#waiting.delete(place)
    }
    if (entries.length > 0) return entries
    this.#calls.add(words, at, at + Column.spanId, operation, nowMs)
    if (this.#calls.full) this.#calls.expire(nowMs - REACH_MS, () => {})
    return entries
  }

  /** The operation of the call that an entry names as its parent, where that went before; −1 else. */
  callerOf({ words }: SpanTable, row: number): number {
    const at = row * ROW_WORDS
    return this.#calls.takeArrived(words, at, at + Column.parentId)
  }

  get isFull(): boolean {
    return this.#entries.full
  }

  /** An entry whose call has not come. */
  wait({ words }: SpanTable, row: number, entry: Entry, nowMs: number): void {
    if (this.isFull) return
    const place = this.#nextPlace++ % 0x1_0000_0000
    const at = row * ROW_WORDS
    this.#entries.add(words, at, at + Column.parentId, place, nowMs)
    this.#waiting.set(place, entry)
  }

  expire(nowMs: number): void {
    this.#calls.expire(nowMs - REACH_MS, () => {})
    this.#entries.expire(nowMs - REACH_MS, (place) => this.#waiting.delete(place))
  }
}
