/** Words of a slot: both numbers of a pair and its count, a double; 0 where the slot is free. */
const SLOT_WORDS = 4
const SLOT_DOUBLES = SLOT_WORDS / 2
const COUNT = 1
const FIRST_SLOTS = 256
/** So few that the slots of all are still in the nearest cache when the last one is counted. */
const PENDING = 128

/**
 * Counts pairs of small numbers without an object each, or keeps a number for each: an open-addressing table that
 * doubles, at most half full. What is looked up of a pair stands in one cache line.
 */
export class PairTally {
  #words = new Uint32Array(FIRST_SLOTS * SLOT_WORDS)
  #counts = new Float64Array(this.#words.buffer)
  #mask = FIRST_SLOTS - 1
  /** The slots that are taken, in the order in which they were. */
  #taken = new Int32Array(FIRST_SLOTS / 2 + 1)
  #size = 0
  /** Pairs that are still to be counted. */
  readonly #pending = new Uint32Array(PENDING * 2)
  #pendingWords = 0
  /** Of no use to anybody; but what is kept nowhere is not read either. */
  fetched = 0

  get size(): number {
    this.#countPending()
    return this.#size
  }

  /**
   * Adds one, in time for whoever asks: of 100 000 pairs hardly one is in a cache, and the slots of many come in the time of
   * one when they are asked for together.
   */
  count(first: number, second: number): void {
    this.#pending[this.#pendingWords++] = first
    this.#pending[this.#pendingWords++] = second
    if (this.#pendingWords === this.#pending.length) this.#countPending()
  }

  add(first: number, second: number, amount = 1): void {
    if (this.#pendingWords > 0) this.#countPending()
    this.#add(first, second, amount)
  }

  #countPending(): void {
    const pending = this.#pending
    const end = this.#pendingWords
    const mask = this.#mask
    let read = 0
    for (let i = 0; i < end; i += 2) read ^= this.#words[(hash(pending[i]!, pending[i + 1]!) & mask) * SLOT_WORDS]!
    this.fetched = read
    this.#pendingWords = 0
    for (let i = 0; i < end; i += 2) this.#add(pending[i]!, pending[i + 1]!, 1)
  }

  #add(first: number, second: number, amount: number): void {
    const slot = this.#slotOf(first, second)
    const count = slot * SLOT_DOUBLES + COUNT
    if (this.#counts[count] !== 0) {
      this.#counts[count]! += amount
      return
    }
    this.#words[slot * SLOT_WORDS] = first
    this.#words[slot * SLOT_WORDS + 1] = second
    this.#counts[count] = amount
    this.#taken[this.#size] = slot
    if (++this.#size * 2 > this.#mask) this.#grow()
  }

  /** 0 where the pair has not been counted. */
  of(first: number, second: number): number {
    if (this.#pendingWords > 0) this.#countPending()
    return this.#counts[this.#slotOf(first, second) * SLOT_DOUBLES + COUNT]!
  }

  forEach(visit: (first: number, second: number, count: number) => void): void {
    this.#countPending()
    for (let n = 0; n < this.#size; n++) {
      const slot = this.#taken[n]!
      const at = slot * SLOT_WORDS
      visit(this.#words[at]!, this.#words[at + 1]!, this.#counts[slot * SLOT_DOUBLES + COUNT]!)
    }
  }

  /** First, second and count of each, in the order in which they came; begins anew. */
  take(): Uint32Array {
    this.#countPending()
    const triples = new Uint32Array(this.#size * 3)
    for (let n = 0; n < this.#size; n++) {
      const slot = this.#taken[n]!
      triples[n * 3] = this.#words[slot * SLOT_WORDS]!
      triples[n * 3 + 1] = this.#words[slot * SLOT_WORDS + 1]!
      triples[n * 3 + 2] = this.#counts[slot * SLOT_DOUBLES + COUNT]!
    }
    this.clear()
    return triples
  }

  clear(): void {
    this.#pendingWords = 0
    for (let n = 0; n < this.#size; n++) this.#counts[this.#taken[n]! * SLOT_DOUBLES + COUNT] = 0
    this.#size = 0
  }

  /** Where a pair stands, or would. */
  #slotOf(first: number, second: number): number {
    const words = this.#words
    const counts = this.#counts
    const mask = this.#mask
    let slot = hash(first, second) & mask
    while (
      counts[slot * SLOT_DOUBLES + COUNT] !== 0 &&
      (words[slot * SLOT_WORDS] !== first || words[slot * SLOT_WORDS + 1] !== second)
    )
      slot = (slot + 1) & mask
    return slot
  }

  #grow(): void {
    const words = this.#words
    const counts = this.#counts
    const taken = this.#taken
    const size = this.#size
    this.#words = new Uint32Array(words.length * 2)
    this.#counts = new Float64Array(this.#words.buffer)
    this.#mask = this.#mask * 2 + 1
    this.#taken = new Int32Array((this.#mask + 1) / 2 + 1)
    this.#size = 0
    for (let n = 0; n < size; n++) {
      const at = taken[n]! * SLOT_WORDS
      this.#add(words[at]!, words[at + 1]!, counts[taken[n]! * SLOT_DOUBLES + COUNT]!)
    }
  }
}

function hash(first: number, second: number): number {
  const h = Math.imul(first ^ Math.imul(second, 0x85ebca6b), 0x9e3779b1)
  return h ^ (h >>> 15)
}
