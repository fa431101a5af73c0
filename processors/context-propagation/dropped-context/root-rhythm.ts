/** How far two intervals in a row may differ, as a share, to be those of a timer; of irregular traffic one in twenty are. */
const EVEN = 0.1
/** Even intervals from which it is judged whether roots and requests move together. */
const MIN_EVEN = 10
/** How much of what a request is late its root must be late, too: with it all of it, for itself nothing. */
const TOGETHER = 0.5
/** Standard errors below the whole of it that are no chance. */
const DEVIATIONS = 2
/** Instances of an operation whose last root is remembered; the one that was heard of least recently goes. */
const MAX_INSTANCES = 256

/** When a root and the request around it began, and how long after the ones before. */
interface Beat {
  readonly rootMs: number
  readonly requestMs: number
  readonly rootGapMs: number
  readonly requestGapMs: number
}

/**
 * Tells a timer whose rounds fall into the requests of another one from roots that these requests began. Timers of one
 * period keep their distance, so that all rounds of one lie in those of the other or none: each is no new trial. But a
 * request that comes a little late has its root late by as much, and a timer knows nothing of that.
 */
export class RootRhythm {
  readonly #last = new Map<string, Beat>()
  #intervals = 0
  #even = 0
  #rootSquares = 0
  #requestSquares = 0
  #products = 0

  add(instance: string, rootMs: number, requestMs: number): void {
    const last = this.#last.get(instance)
    const rootGapMs = last ? rootMs - last.rootMs : 0
    const requestGapMs = last ? requestMs - last.requestMs : 0
    this.#last.delete(instance)
    this.#last.set(instance, { rootMs, requestMs, rootGapMs, requestGapMs })
    if (this.#last.size > MAX_INSTANCES) this.#last.delete(this.#last.keys().next().value!)
    if (!last || last.rootGapMs === 0) return
    this.#intervals++
    const rootLateMs = rootGapMs - last.rootGapMs
    if (Math.abs(rootLateMs) > last.rootGapMs * EVEN) return
    const requestLateMs = requestGapMs - last.requestGapMs
    this.#even++
    this.#rootSquares += rootLateMs * rootLateMs
    this.#requestSquares += requestLateMs * requestLateMs
    this.#products += rootLateMs * requestLateMs
  }

  /** Whether the roots come by a timer, as a rule, and not yet or not at all with the requests that they lie in. */
  get isOwn(): boolean {
    if (this.#even * 2 <= this.#intervals || this.#requestSquares === 0) return false
    if (this.#even < MIN_EVEN) return true
    const slope = this.#products / this.#requestSquares
    if (slope >= TOGETHER) return false
    const unexplained = Math.max(0, this.#rootSquares - slope * this.#products)
    const error = Math.sqrt(unexplained / this.#requestSquares / this.#even)
    return slope + DEVIATIONS * error < 1
  }

  forget(): void {
    this.#last.clear()
    this.#intervals = 0
    this.#even = 0
    this.#rootSquares = 0
    this.#requestSquares = 0
    this.#products = 0
  }
}
