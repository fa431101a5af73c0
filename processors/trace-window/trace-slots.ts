import { ROW_WORDS } from '../../otlp/span-table.ts'
import { FreeSlots } from './free-slots.ts'
import { traceHash } from './id-hash.ts'
import { SlotQueue } from './slot-queue.ts'

const NONE = -1
const FIRST_TRACES = 1024

/**
 * The record of a waiting trace: one cache line of 16 words.
 *
 *     0  trace id           4 words       6   places in `fresh`, `waiting` and `byAge`  3 words
 *     4  newest span                      12  first seen, ms, a double                  2 words
 *     5  number of spans                  14  last news, ms, a double                   2 words
 */
const RECORD_WORDS = 16
const NEWEST_SPAN = 4
const SPAN_COUNT = 5
const FRESH_PLACE = 6
const WAITING_PLACE = 7
const AGE_PLACE = 8
const RECORD_DOUBLES = RECORD_WORDS / 2
const FIRST_SEEN = 6
const LAST_NEWS = 7

/** The traces that wait, by slot, found by an open-addressing table on their id. The arrays double when they are full. */
export class TraceSlots {
  words = new Int32Array(FIRST_TRACES * RECORD_WORDS)
  #times = new Float64Array(this.words.buffer)
  count = 0
  readonly #free = new FreeSlots()
  /** Slot + 1 by hash; at most a quarter full. */
  #index = new Int32Array(FIRST_TRACES * 4)
  /** Traces with news that have not been looked at yet, oldest news first. */
  readonly fresh = new SlotQueue(this, RECORD_WORDS, FRESH_PLACE)
  /** Traces found incomplete, oldest news first. */
  readonly waiting = new SlotQueue(this, RECORD_WORDS, WAITING_PLACE)
  /** All traces, oldest first. */
  readonly byAge = new SlotQueue(this, RECORD_WORDS, AGE_PLACE)

  get byteLength(): number {
    const queues = this.fresh.byteLength + this.waiting.byteLength + this.byAge.byteLength
    return this.words.byteLength + this.#index.byteLength + this.#free.byteLength + queues
  }

  /** The span that came last; the others follow from the newest to the oldest. */
  newestSpan(slot: number): number {
    return this.words[slot * RECORD_WORDS + NEWEST_SPAN]!
  }

  spanCount(slot: number): number {
    return this.words[slot * RECORD_WORDS + SPAN_COUNT]!
  }

  firstSeenMs(slot: number): number {
    return this.#times[slot * RECORD_DOUBLES + FIRST_SEEN]!
  }

  lastNewsMs(slot: number): number {
    return this.#times[slot * RECORD_DOUBLES + LAST_NEWS]!
  }

  hash(slot: number): number {
    return traceHash(this.words, slot * RECORD_WORDS)
  }

  /** The lowest 32 bits of the id. */
  idLow(slot: number): number {
    return this.words[slot * RECORD_WORDS + 3]!
  }

  /** Adds a span to the chain of a trace; returns the span that came before it, or −1. */
  addSpan(slot: number, span: number): number {
    const at = slot * RECORD_WORDS
    const before = this.words[at + NEWEST_SPAN]!
    this.words[at + NEWEST_SPAN] = span
    this.words[at + SPAN_COUNT]!++
    return before
  }

  /**
   * The slots of the traces of `count` rows from `first` on, −1 for those that have none or are not where their id leads.
   * What waits is in no cache: many come in the time of one when they are asked for together.
   */
  find(ids: Uint32Array, first: number, count: number, slots: Int32Array): void {
    const mask = this.#index.length - 1
    for (let i = 0; i < count; i++) slots[i] = this.#index[traceHash(ids, (first + i) * ROW_WORDS) & mask]! - 1
    for (let i = 0; i < count; i++)
      if (slots[i] !== NONE && !this.#isOf(slots[i]!, ids, (first + i) * ROW_WORDS)) slots[i] = NONE
  }

  /** What stands where the id of a trace leads. */
  indexEntry(slot: number): number {
    return this.#index[this.hash(slot) & (this.#index.length - 1)]!
  }

  /** The slot of the trace whose id stands at `ids[at]`, a new one if need be. */
  slotOf(ids: Uint32Array, at: number, nowMs: number): number {
    const mask = this.#index.length - 1
    let i = traceHash(ids, at) & mask
    for (let entry = this.#index[i]!; entry !== 0; i = (i + 1) & mask, entry = this.#index[i]!)
      if (this.#isOf(entry - 1, ids, at)) return entry - 1
    return this.#add(ids, at, nowMs, i)
  }

  remove(slot: number): void {
    this.fresh.remove(slot)
    this.waiting.remove(slot)
    this.byAge.remove(slot)
    this.#unindex(slot)
    this.#free.give(slot)
    this.count--
  }

  /** The next slot that is taken, or −1 after the last one; begins after −1. */
  after(slot: number): number {
    for (let next = slot + 1; next < this.#free.used; next++) if (this.byAge.has(next)) return next
    return NONE
  }

  /** Moves a trace that was found incomplete to those that wait for `quiet`. */
  waitLonger(slot: number): void {
    this.fresh.remove(slot)
    this.waiting.append(slot)
  }

  /** A trace has more spans than before. */
  news(slot: number, nowMs: number): void {
    const time = slot * RECORD_DOUBLES + LAST_NEWS
    if (this.#times[time] === nowMs && this.fresh.has(slot)) return
    this.fresh.remove(slot)
    this.waiting.remove(slot)
    this.#times[time] = nowMs
    this.fresh.append(slot)
  }

  #isOf(slot: number, ids: Uint32Array, at: number): boolean {
    const { words } = this
    const t = slot * RECORD_WORDS
    return (
      words[t + 3] === (ids[at + 3]! | 0) &&
      words[t + 2] === (ids[at + 2]! | 0) &&
      words[t + 1] === (ids[at + 1]! | 0) &&
      words[t] === (ids[at]! | 0)
    )
  }

  #add(ids: Uint32Array, at: number, nowMs: number, place: number): number {
    const slot = this.#free.take()
    if (slot * RECORD_WORDS === this.words.length) {
      this.#grow(slot)
      place = this.#freePlace(traceHash(ids, at))
    }
    this.count++
    const words = this.words
    const t = slot * RECORD_WORDS
    for (let i = 0; i < 4; i++) words[t + i] = ids[at + i]!
    words[t + NEWEST_SPAN] = NONE
    words[t + SPAN_COUNT] = 0
    words[t + WAITING_PLACE] = NONE
    this.#times[slot * RECORD_DOUBLES + FIRST_SEEN] = nowMs
    this.#times[slot * RECORD_DOUBLES + LAST_NEWS] = nowMs
    this.#index[place] = slot + 1
    this.fresh.append(slot)
    this.byAge.append(slot)
    return slot
  }

  #freePlace(hash: number): number {
    const mask = this.#index.length - 1
    let i = hash & mask
    while (this.#index[i] !== 0) i = (i + 1) & mask
    return i
  }

  /** Takes a trace out of the table and closes the gap, so that probing never meets a tombstone. */
  #unindex(slot: number): void {
    const mask = this.#index.length - 1
    let gap = this.hash(slot) & mask
    while (this.#index[gap] !== slot + 1) gap = (gap + 1) & mask
    for (let i = (gap + 1) & mask; this.#index[i] !== 0; i = (i + 1) & mask) {
      const home = this.hash(this.#index[i]! - 1) & mask
      // The entry at i may move to the gap unless its home lies cyclically after the gap.
      if (((i - home) & mask) >= ((i - gap) & mask)) {
        this.#index[gap] = this.#index[i]!
        gap = i
      }
    }
    this.#index[gap] = 0
  }

  /** All of these slots are taken. */
  #grow(taken: number): void {
    const words = new Int32Array(this.words.length * 2)
    words.set(this.words)
    this.words = words
    this.#times = new Float64Array(words.buffer)
    this.#index = new Int32Array((words.length / RECORD_WORDS) * 4)
    for (let slot = 0; slot < taken; slot++) this.#index[this.#freePlace(this.hash(slot))] = slot + 1
  }
}
