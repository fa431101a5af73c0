import { traceHash } from './id-hash.ts'
import { SlotList } from './slot-list.ts'

const NONE = -1
const FIRST_TRACES = 1024

/**
 * The record of a waiting trace: one cache line of 16 words.
 *
 *     0   trace id       4 words          8   links of `fresh` or `waiting`  2 words
 *     4   first span                      10  links of `byAge`               2 words
 *     5   last span                       12  first seen, ms, a double       2 words
 *     6   number of spans                 14  last news, ms, a double        2 words
 *     7   1 while in `waiting`
 */
const RECORD_WORDS = 16
const FIRST_SPAN = 4
const LAST_SPAN = 5
const SPAN_COUNT = 6
const WAITS = 7
const STAGE_LINKS = 8
const AGE_LINKS = 10
const RECORD_DOUBLES = RECORD_WORDS / 2
const FIRST_SEEN = 6
const LAST_NEWS = 7

/** The traces that wait, by slot, found by an open-addressing table on their id. The arrays double when they are full. */
export class TraceSlots {
  words = new Int32Array(FIRST_TRACES * RECORD_WORDS)
  #times = new Float64Array(this.words.buffer)
  count = 0
  #used = 0
  #free = NONE
  /** Slot + 1 by hash; at most a quarter full. */
  #index = new Int32Array(FIRST_TRACES * 4)
  /** Traces with news that have not been looked at yet, oldest news first. */
  readonly fresh = new SlotList(this, RECORD_WORDS, STAGE_LINKS)
  /** Traces found incomplete, oldest news first. */
  readonly waiting = new SlotList(this, RECORD_WORDS, STAGE_LINKS)
  /** All traces, oldest first. */
  readonly byAge = new SlotList(this, RECORD_WORDS, AGE_LINKS)

  get byteLength(): number {
    return this.words.byteLength + this.#index.byteLength
  }

  firstSpan(slot: number): number {
    return this.words[slot * RECORD_WORDS + FIRST_SPAN]!
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

  /** Adds a span to the chain of a trace; returns the span before it, or −1 where it is the first. */
  addSpan(slot: number, span: number): number {
    const at = slot * RECORD_WORDS
    const last = this.words[at + LAST_SPAN]!
    if (last === NONE) this.words[at + FIRST_SPAN] = span
    this.words[at + LAST_SPAN] = span
    this.words[at + SPAN_COUNT]!++
    return last
  }

  /** The slot of the trace whose id stands at `ids[at]`, a new one if need be; news for it either way. */
  slotOf(ids: Uint32Array, at: number, nowMs: number): number {
    const mask = this.#index.length - 1
    let i = traceHash(ids, at) & mask
    const words = this.words
    for (let entry = this.#index[i]!; entry !== 0; i = (i + 1) & mask, entry = this.#index[i]!) {
      const t = (entry - 1) * RECORD_WORDS
      if (
        words[t + 3] === (ids[at + 3]! | 0) &&
        words[t + 2] === (ids[at + 2]! | 0) &&
        words[t + 1] === (ids[at + 1]! | 0) &&
        words[t] === (ids[at]! | 0)
      ) {
        this.#news(entry - 1, nowMs)
        return entry - 1
      }
    }
    return this.#add(ids, at, nowMs, i)
  }

  remove(slot: number): void {
    this.#stageOf(slot).remove(slot)
    this.byAge.remove(slot)
    this.#unindex(slot)
    this.words[slot * RECORD_WORDS + FIRST_SPAN] = this.#free
    this.#free = slot
    this.count--
  }

  /** Moves a trace that was found incomplete to those that wait for `quiet`. */
  waitLonger(slot: number): void {
    this.fresh.remove(slot)
    this.words[slot * RECORD_WORDS + WAITS] = 1
    this.waiting.append(slot)
  }

  #stageOf(slot: number): SlotList {
    return this.words[slot * RECORD_WORDS + WAITS] === 1 ? this.waiting : this.fresh
  }

  #news(slot: number, nowMs: number): void {
    const time = slot * RECORD_DOUBLES + LAST_NEWS
    const waits = slot * RECORD_WORDS + WAITS
    if (this.#times[time] === nowMs && this.words[waits] === 0) return
    this.#stageOf(slot).remove(slot)
    this.words[waits] = 0
    this.#times[time] = nowMs
    this.fresh.append(slot)
  }

  #add(ids: Uint32Array, at: number, nowMs: number, place: number): number {
    let slot = this.#free
    if (slot !== NONE) this.#free = this.words[slot * RECORD_WORDS + FIRST_SPAN]!
    else {
      if (this.#used * RECORD_WORDS === this.words.length) {
        this.#grow()
        place = this.#freePlace(traceHash(ids, at))
      }
      slot = this.#used++
    }
    this.count++
    const words = this.words
    const t = slot * RECORD_WORDS
    for (let i = 0; i < 4; i++) words[t + i] = ids[at + i]!
    words[t + FIRST_SPAN] = NONE
    words[t + LAST_SPAN] = NONE
    words[t + SPAN_COUNT] = 0
    words[t + WAITS] = 0
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

  #grow(): void {
    const words = new Int32Array(this.words.length * 2)
    words.set(this.words)
    this.words = words
    this.#times = new Float64Array(words.buffer)
    this.#index = new Int32Array((words.length / RECORD_WORDS) * 4)
    for (let slot = this.byAge.first; slot !== NONE; slot = this.byAge.after(slot))
      this.#index[this.#freePlace(this.hash(slot))] = slot + 1
  }
}
