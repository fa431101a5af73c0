import { hashIds } from '../awaited-parents.ts'

/** Entries in all, a power of two: 24 bytes each. */
const ENTRIES = 65_536
/** Entries with the same part of their hash; when they are full the oldest of them goes. */
const BUCKET = 8
/** What the high word of a time in ns counts. */
const HIGH_WORD_MS = 4294.967296

/**
 * Parents that did not come within the grace for late spans, so that their orphans are confirmed: a stream of minutes, or
 * what an exporter kept while its backend was away, comes nevertheless. Remembered by half of their ids, and by operation of
 * the orphans.
 */
export class GivenUpParents {
  readonly #keepMs: number
  /** Made with the first entry: most gateways never have one. */
  #spanLow = new Uint32Array(0)
  #traceLow = new Uint32Array(0)
  #operation = new Uint32Array(0)
  /** Orphans of that operation below that parent; 0 where the entry is free. */
  #orphans = new Uint32Array(0)
  #sinceMs = new Float64Array(0)
  #newestMs = Number.NEGATIVE_INFINITY
  /** Parents forgotten before their time since there were too many. */
  evictions = 0
  /** Orphans of the operation that `takeArrived` returned last. */
  takenOrphans = 0

  constructor(keepMs: number) {
    this.#keepMs = keepMs
  }

  add(words: Uint32Array, traceAt: number, spanAt: number, operation: number, nowMs: number): void {
    if (this.#orphans.length === 0) this.#allocate()
    this.#newestMs = nowMs
    const first = bucketOf(words, traceAt, spanAt)
    let place = first
    for (let i = first; i < first + BUCKET; i++) {
      if (this.#isKept(i, nowMs) && this.#operation[i] === operation && this.#isParent(i, words, traceAt, spanAt)) {
        this.#orphans[i]!++
        return
      }
      if (this.#sinceMs[i]! < this.#sinceMs[place]!) place = i
    }
    if (this.#isKept(place, nowMs)) this.evictions++
    this.#spanLow[place] = words[spanAt + 1]!
    this.#traceLow[place] = words[traceAt + 3]!
    this.#operation[place] = operation
    this.#orphans[place] = 1
    this.#sinceMs[place] = nowMs
  }

  /**
   * A span is here after all: returns the operation of orphans of it, of which there are `takenOrphans`, or −1. Call again
   * until −1, since orphans of several operations may have one parent.
   */
  takeArrived(words: Uint32Array, at: number, spanAt: number, nowMs: number): number {
    const first = bucketOf(words, at, spanAt)
    for (let i = first; i < first + BUCKET; i++) {
      if (!this.#isKept(i, nowMs) || !this.#isParent(i, words, at, spanAt)) continue
      this.takenOrphans = this.#orphans[i]!
      this.#orphans[i] = 0
      this.#sinceMs[i] = Number.NEGATIVE_INFINITY
      return this.#operation[i]!
    }
    return -1
  }

  /** The high word of the latest start that such a parent may have: it began a grace ago; −1 where none is remembered. */
  latestStart(nowMs: number, graceMs: number): number {
    return this.#newestMs + this.#keepMs < nowMs ? -1 : Math.ceil((nowMs - graceMs) / HIGH_WORD_MS)
  }

  #isKept(place: number, nowMs: number): boolean {
    return this.#orphans[place]! > 0 && this.#sinceMs[place]! + this.#keepMs >= nowMs
  }

  #isParent(place: number, words: Uint32Array, traceAt: number, spanAt: number): boolean {
    return this.#spanLow[place] === words[spanAt + 1] && this.#traceLow[place] === words[traceAt + 3]
  }

  #allocate(): void {
    this.#spanLow = new Uint32Array(ENTRIES)
    this.#traceLow = new Uint32Array(ENTRIES)
    this.#operation = new Uint32Array(ENTRIES)
    this.#orphans = new Uint32Array(ENTRIES)
    this.#sinceMs = new Float64Array(ENTRIES).fill(Number.NEGATIVE_INFINITY)
  }
}

function bucketOf(words: Uint32Array, traceAt: number, spanAt: number): number {
  return hashIds(words, traceAt, spanAt) & (ENTRIES - BUCKET)
}
