/** Words of an entry: trace id (4), span id (2), operation. */
const ENTRY_WORDS = 7
const FIRST_CAPACITY = 1024

type Settle = (operation: number, words: Uint32Array, traceAt: number) => void

/**
 * The exact ids of parents that orphans miss, until the grace for late spans has passed: a span that arrives with one of
 * them disproves the orphan. A ring in order of arrival with an open-addressing index over it; when `limit` is reached
 * the oldest entry is settled early. A loop that keeps its context makes thousands of orphans of one parent, so the index
 * has each parent once, with its newest entry, which leads to the older ones.
 *
 *     ring:  [ settled … | oldest … newest | free … ]      index: hash of ids → place in the ring + 1
 */
export class AwaitedParents {
  readonly #limit: number
  #capacity = FIRST_CAPACITY
  #words = new Uint32Array(FIRST_CAPACITY * ENTRY_WORDS)
  #sinceMs = new Float64Array(FIRST_CAPACITY)
  /** When the entry was added; before `#sinceMs` where it waits on for the sake of younger ones. */
  #addedMs = new Float64Array(FIRST_CAPACITY)
  #alive = new Uint8Array(FIRST_CAPACITY)
  #index = new Int32Array(FIRST_CAPACITY * 4)
  /** Number of the entry before it that awaits the same parent; −1 for none. Numbers count all entries that ever were. */
  #before = new Float64Array(FIRST_CAPACITY)
  #oldest = 0
  #oldestNumber = 0
  #count = 0
  /** Entries settled before their time because of the limit. */
  evictions = 0
  /** When the entry was added that `takeArrived` took last. */
  takenSinceMs = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  get count(): number {
    return this.#count
  }

  get full(): boolean {
    return this.#count >= this.#limit
  }

  /** The ids stand in a span table's row: trace id at `at`, the parent's id at `parentAt`. */
  add(words: Uint32Array, at: number, parentAt: number, operation: number, nowMs: number): void {
    if (this.#count === this.#capacity) this.#grow()
    const place = (this.#oldest + this.#count) % this.#capacity
    const w = place * ENTRY_WORDS
    for (let i = 0; i < 4; i++) this.#words[w + i] = words[at + i]!
    this.#words[w + 4] = words[parentAt]!
    this.#words[w + 5] = words[parentAt + 1]!
    this.#words[w + 6] = operation
    this.#sinceMs[place] = nowMs
    this.#addedMs[place] = nowMs
    this.#alive[place] = 1
    this.#count++
    this.#enter(place)
  }

  /**
   * Takes out one entry that awaits the span of a row (trace id at `at`, span id at `spanAt`) and returns its operation,
   * or −1: call again until −1, since several orphans may await one parent.
   */
  takeArrived(words: Uint32Array, at: number, spanAt: number): number {
    const mask = this.#index.length - 1
    let i = hashIds(words, at, spanAt) & mask
    while (this.#index[i] !== 0 && !this.#matches(this.#index[i]! - 1, words, at, spanAt)) i = (i + 1) & mask
    if (this.#index[i] === 0) return -1
    const newest = this.#index[i]! - 1
    let place = newest
    while (place >= 0 && this.#alive[place] === 0) place = this.#placeBefore(place)
    if (place < 0) return -1
    this.#alive[place] = 0
    // All from the newest to this one are taken: the next call begins behind it.
    this.#before[newest] = this.#before[place]!
    this.takenSinceMs = this.#addedMs[place]!
    return this.#words[place * ENTRY_WORDS + 6]!
  }

  /**
   * Calls `settle` with the operation of each entry that has waited since before `beforeMs`, or is too many, and where its
   * ids stand: the trace's, and the parent's behind it. A parent that
   * others have begun to await since goes on: its entries wait as long as the youngest (longer where those of others
   * stand before them now), unless they were added before `addedBeforeMs`.
   */
  expire(beforeMs: number, settle: Settle, addedBeforeMs = beforeMs): void {
    while (this.#count > 0) {
      const place = this.#oldest
      const tooMany = this.#count > this.#limit
      if (this.#sinceMs[place]! > beforeMs && !tooMany) break
      const newest = this.#index[this.#slotOf(place)]! - 1
      const waitsOn = !tooMany && this.#addedMs[place]! > addedBeforeMs && this.#sinceMs[newest]! > beforeMs
      if (this.#alive[place] === 1 && !waitsOn) {
        if (this.#sinceMs[place]! > beforeMs) this.evictions++
        settle(this.#words[place * ENTRY_WORDS + 6]!, this.#words, place * ENTRY_WORDS)
      }
      const moves = this.#alive[place] === 1 && waitsOn
      this.#unindex(place)
      this.#oldest = (place + 1) % this.#capacity
      this.#oldestNumber++
      this.#count--
      if (moves) this.#moveBehind(place, newest)
    }
  }

  /** Adds what stood at a place that has just been left anew, to wait as long as another one does. */
  #moveBehind(place: number, other: number): void {
    const sinceMs = this.#sinceMs[other]!
    const addedMs = this.#addedMs[place]!
    const at = place * ENTRY_WORDS
    this.add(this.#words, at, at + 4, this.#words[at + 6]!, sinceMs)
    this.#addedMs[(this.#oldest + this.#count - 1) % this.#capacity] = addedMs
  }

  /** Where the index has the youngest entry that awaits the same parent. */
  #slotOf(place: number): number {
    const mask = this.#index.length - 1
    const w = place * ENTRY_WORDS
    let slot = this.#home(place)
    while (!this.#matches(this.#index[slot]! - 1, this.#words, w, w + 4)) slot = (slot + 1) & mask
    return slot
  }

  #matches(place: number, words: Uint32Array, at: number, spanAt: number): boolean {
    const w = place * ENTRY_WORDS
    for (let i = 0; i < 4; i++) if (this.#words[w + i] !== words[at + i]) return false
    return this.#words[w + 4] === words[spanAt] && this.#words[w + 5] === words[spanAt + 1]
  }

  #home(place: number): number {
    return hashIds(this.#words, place * ENTRY_WORDS, place * ENTRY_WORDS + 4) & (this.#index.length - 1)
  }

  #enter(place: number): void {
    const mask = this.#index.length - 1
    const w = place * ENTRY_WORDS
    let i = this.#home(place)
    while (this.#index[i] !== 0 && !this.#matches(this.#index[i]! - 1, this.#words, w, w + 4)) i = (i + 1) & mask
    const newest = this.#index[i]! - 1
    this.#before[place] = newest < 0 ? -1 : this.#numberOf(newest)
    this.#index[i] = place + 1
  }

  /** Takes the oldest place out of the index, if no newer one stands there for its parent, and closes the gap. */
  #unindex(place: number): void {
    const mask = this.#index.length - 1
    let gap = this.#slotOf(place)
    if (this.#index[gap] !== place + 1) return
    for (let i = (gap + 1) & mask; this.#index[i] !== 0; i = (i + 1) & mask) {
      const home = this.#home(this.#index[i]! - 1)
      if (((i - home) & mask) >= ((i - gap) & mask)) {
        this.#index[gap] = this.#index[i]!
        gap = i
      }
    }
    this.#index[gap] = 0
  }

  #numberOf(place: number): number {
    return this.#oldestNumber + ((place - this.#oldest + this.#capacity) % this.#capacity)
  }

  /** −1 where there is none, or it has been settled. */
  #placeBefore(place: number): number {
    const number = this.#before[place]!
    return number < this.#oldestNumber ? -1 : (this.#oldest + (number - this.#oldestNumber)) % this.#capacity
  }

  #grow(): void {
    const capacity = this.#capacity * 2
    const words = new Uint32Array(capacity * ENTRY_WORDS)
    const sinceMs = new Float64Array(capacity)
    const addedMs = new Float64Array(capacity)
    const alive = new Uint8Array(capacity)
    for (let i = 0; i < this.#count; i++) {
      const place = (this.#oldest + i) % this.#capacity
      words.set(this.#words.subarray(place * ENTRY_WORDS, (place + 1) * ENTRY_WORDS), i * ENTRY_WORDS)
      sinceMs[i] = this.#sinceMs[place]!
      addedMs[i] = this.#addedMs[place]!
      alive[i] = this.#alive[place]!
    }
    this.#words = words
    this.#sinceMs = sinceMs
    this.#addedMs = addedMs
    this.#alive = alive
    this.#before = new Float64Array(capacity)
    this.#capacity = capacity
    this.#oldest = 0
    this.#index = new Int32Array(capacity * 4)
    for (let i = 0; i < this.#count; i++) this.#enter(i)
  }
}

export function hashIds(words: Uint32Array, traceAt: number, spanAt: number): number {
  let h = Math.imul(words[spanAt + 1]!, 0x9e3779b1) ^ Math.imul(words[spanAt]!, 0x85ebca6b)
  h ^= Math.imul(words[traceAt + 3]! ^ words[traceAt + 1]!, 0xc2b2ae35)
  h ^= h >>> 15
  h = Math.imul(h, 0x2c1b3c6d)
  return h ^ (h >>> 13)
}
