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
  readonly #waiting: Waiting<T>[] = []
  readonly #before = new MedianWindow(NEIGHBOURS)
  /** With the request itself, until its turn has come. */
  readonly #behind = new MedianWindow(NEIGHBOURS + 1)
  #runningMs = Number.NaN

  /** Takes the next request of the recording, with its times; gives the one that is now due. */
  push(item: T, times: TimeSummary): Arrival<T> | null {
    this.#waiting.push({ item, times })
    if (!Number.isNaN(times.medianMs)) this.#behind.add(times.medianMs)
    return this.#waiting.length > NEIGHBOURS ? this.#take() : null
  }

  /** The rest, one by one, when the recording has ended. */
  end(): Arrival<T> | null {
    return this.#waiting.length > 0 ? this.#take() : null
  }

  #take(): Arrival<T> {
    const { item, times } = this.#waiting.shift()!
    const { medianMs } = times
    if (Number.isNaN(medianMs)) return this.#without(item, Number.NaN)
    this.#behind.drop(medianMs)
    const neighbours = Math.max(this.#before.median(), this.#behind.median())
    // Alone in its recording, a request has nothing but its own times to go by.
    const limitMs = (neighbours === Number.NEGATIVE_INFINITY ? medianMs : neighbours) + AHEAD_LIMIT_MS
    this.#before.add(medianMs)
    const firstMs = earliestFrom(times, medianMs - AHEAD_LIMIT_MS)
    const lastNano = latestUpTo(times, limitMs)
    if (lastNano === null) return this.#without(item, firstMs)
    const lastMs = nanoToMs(lastNano)
    if (!(lastMs <= this.#runningMs)) this.#runningMs = lastMs
    return { item, arrivalMs: this.#runningMs, behindMs: this.#runningMs - lastMs, lastNano, firstMs }
  }

  /** Arrives with the one before it. */
  #without(item: T, firstMs: number): Arrival<T> {
    return { item, arrivalMs: this.#runningMs, behindMs: 0, lastNano: null, firstMs }
  }
}

/** The median of the numbers added last, kept in ascending order; −∞ where there are none. */
class MedianWindow {
  readonly #limit: number
  readonly #byAge: number[] = []
  readonly #sorted: Float64Array
  #size = 0

  constructor(limit: number) {
    this.#limit = limit
    this.#sorted = new Float64Array(limit + 1)
  }

  median(): number {
    return this.#size === 0 ? Number.NEGATIVE_INFINITY : this.#sorted[this.#size >> 1]!
  }

  add(value: number): void {
    const at = this.#position(value)
    this.#sorted.copyWithin(at + 1, at, this.#size)
    this.#sorted[at] = value
    this.#size++
    this.#byAge.push(value)
    if (this.#size > this.#limit) this.drop(this.#byAge[0]!)
  }

  /** Takes out the oldest, which has this value. */
  drop(value: number): void {
    const at = this.#position(value)
    this.#sorted.copyWithin(at, at + 1, this.#size)
    this.#size--
    this.#byAge.shift()
  }

  /** Of the first that is not smaller. */
  #position(value: number): number {
    let low = 0
    let high = this.#size
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#sorted[middle]! < value) low = middle + 1
      else high = middle
    }
    return low
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
