import { nanoToMs, type TimeSummary } from './request-times.ts'

/** A time this far ahead of what its neighbours say does not move the clock. */
const AHEAD_LIMIT_MS = 60_000
/** How many requests before, and how many behind, are its neighbours. */
const NEIGHBOURS = 64

export interface Arrival<T> {
  readonly item: T
  /** When the request would have come in: the latest plausible time up to and with it. NaN before the first. */
  readonly arrivalMs: number
  /** How far its own latest plausible time lies before that; what is out of order lies far. */
  readonly behindMs: number
  /** The latest plausible time of the request itself; null where it has none. */
  readonly lastNano: bigint | null
  /** The earliest that lies not more than 60 s before its median; NaN where it has none. */
  readonly firstMs: number
}

interface Waiting<T> {
  readonly item: T
  readonly times: TimeSummary
}

/**
 * Gives the requests of a recording the times at which they would have come in. A recording says only when things
 * happened; a request is sent soon after the last of them, so it arrives at the running maximum of the times so far. Some
 * clocks lie: a time more than 60 s ahead both of the median of the 64 requests before and of the 64 behind moves nothing.
 * (Before alone would stop the clock at every pause of a minute.) So each request is held back until 64 more are known.
 */
export class ArrivalOrder<T> {
  /** A ring: the one that is due next stands at `#next`. */
  readonly #waiting: (Waiting<T> | null)[] = new Array(NEIGHBOURS + 1).fill(null)
  #next = 0
  #count = 0
  readonly #before = new TimeWindow(NEIGHBOURS)
  /** With the request itself, until its turn has come. */
  readonly #behind = new TimeWindow(NEIGHBOURS + 1)
  #runningMs = Number.NaN

  /** Takes the next request of the recording, with its times; gives the one that is now due. */
  push(item: T, times: TimeSummary): Arrival<T> | null {
    this.#waiting[(this.#next + this.#count++) % this.#waiting.length] = { item, times }
    if (!Number.isNaN(times.medianMs)) this.#behind.add(times.medianMs)
    return this.#count > NEIGHBOURS ? this.#take() : null
  }

  /** The rest, one by one, when the recording has ended. */
  end(): Arrival<T> | null {
    return this.#count > 0 ? this.#take() : null
  }

  #take(): Arrival<T> {
    const { item, times } = this.#waiting[this.#next]!
    this.#waiting[this.#next] = null
    this.#next = (this.#next + 1) % this.#waiting.length
    this.#count--
    const { medianMs } = times
    if (Number.isNaN(medianMs)) return this.#without(item, Number.NaN)
    this.#behind.dropOldest()
    const firstMs = earliestFrom(times, medianMs - AHEAD_LIMIT_MS)
    let { lastMs, lastNano } = times
    // No median lies below the least of its neighbours, and nearly every request is already plausible by that.
    if (!(lastMs <= this.#neighbours('leastMs') + AHEAD_LIMIT_MS)) {
      const neighboursMs = this.#neighbours('medianMs')
      // Alone in its recording, a request has nothing but its own times to go by.
      const limitMs = (neighboursMs === Number.NEGATIVE_INFINITY ? medianMs : neighboursMs) + AHEAD_LIMIT_MS
      const plausible = latestUpTo(times, limitMs)
      if (plausible !== null) {
        lastNano = plausible
        lastMs = nanoToMs(plausible)
      } else lastMs = Number.NaN
    }
    this.#before.add(medianMs)
    if (Number.isNaN(lastMs)) return this.#without(item, firstMs)
    if (!(lastMs <= this.#runningMs)) this.#runningMs = lastMs
    return { item, arrivalMs: this.#runningMs, behindMs: this.#runningMs - lastMs, lastNano, firstMs }
  }

  #neighbours(measure: 'leastMs' | 'medianMs'): number {
    return Math.max(this.#before[measure](), this.#behind[measure]())
  }

  /** Arrives with the one before it. */
  #without(item: T, firstMs: number): Arrival<T> {
    return { item, arrivalMs: this.#runningMs, behindMs: 0, lastNano: null, firstMs }
  }
}

/** The times added last; −∞ stands for what is said of none. */
class TimeWindow {
  readonly #ring: Float64Array
  #oldest = 0
  #size = 0
  /** Not above the least: it is looked for anew once a round, and only lower ones are noticed in between. */
  #least = Number.POSITIVE_INFINITY
  #staleIn = 0

  constructor(limit: number) {
    this.#ring = new Float64Array(limit)
  }

  /** Adds one; the oldest goes where there are too many. */
  add(timeMs: number): void {
    const limit = this.#ring.length
    if (this.#size === limit) this.dropOldest()
    this.#ring[(this.#oldest + this.#size) % limit] = timeMs
    this.#size++
    if (timeMs < this.#least) this.#least = timeMs
    if (--this.#staleIn < 0) {
      this.#least = Number.POSITIVE_INFINITY
      for (let i = 0; i < this.#size; i++) this.#least = Math.min(this.#least, this.#at(i))
      this.#staleIn = limit >> 1
    }
  }

  dropOldest(): void {
    this.#oldest = (this.#oldest + 1) % this.#ring.length
    this.#size--
  }

  /** A lower bound of all. */
  leastMs(): number {
    return this.#size === 0 ? Number.NEGATIVE_INFINITY : this.#least
  }

  medianMs(): number {
    if (this.#size === 0) return Number.NEGATIVE_INFINITY
    return Float64Array.from({ length: this.#size }, (_, i) => this.#at(i)).sort()[this.#size >> 1]!
  }

  /** The one after so many older ones. */
  #at(index: number): number {
    return this.#ring[(this.#oldest + index) % this.#ring.length]!
  }
}

/** The latest time that is not after the limit; null where all are. */
function latestUpTo({ lastMs, lastNano, sorted }: TimeSummary, limitMs: number): bigint | null {
  if (lastMs <= limitMs) return lastNano
  return sorted?.findLast((time) => nanoToMs(time) <= limitMs) ?? null
}

function earliestFrom({ firstMs, sorted }: TimeSummary, limitMs: number): number {
  if (sorted === null || firstMs >= limitMs) return firstMs
  return nanoToMs(sorted.find((time) => nanoToMs(time) >= limitMs)!)
}
