/** A goroutine may begin its span just after the response: scheduling takes that long. */
const AFTER_MS = 5

/** A request that was served. */
export interface Served {
  readonly operation: string
  readonly startMs: number
  readonly endMs: number
}

/** When one service instance was serving requests. Built once from all that is known, then only asked. */
export class ServingTimes<S extends Served> {
  readonly served: readonly S[]
  readonly #starts: readonly number[]
  /** Stretches of serving that do not touch, in order; and how much was served before each. */
  readonly #from: number[] = []
  readonly #until: number[] = []
  readonly #before: number[] = []

  constructor(served: readonly S[]) {
    this.served = [...served].sort((a, b) => a.startMs - b.startMs || a.endMs - b.endMs)
    this.#starts = this.served.map(({ startMs }) => startMs)
    let sum = 0
    for (const { startMs, endMs } of this.served) {
      const last = this.#until.length - 1
      const until = endMs + AFTER_MS
      if (last >= 0 && startMs <= this.#until[last]!) {
        if (until > this.#until[last]!) {
          sum += until - this.#until[last]!
          this.#until[last] = until
        }
        continue
      }
      this.#before.push(sum)
      this.#from.push(startMs)
      this.#until.push(until)
      sum += until - startMs
    }
  }

  covers(timeMs: number): boolean {
    const i = lastAtOrBefore(this.#from, timeMs)
    return i >= 0 && timeMs <= this.#until[i]!
  }

  /** The share of a time in which something was served. */
  coverage(fromMs: number, untilMs: number): number {
    return untilMs > fromMs ? (this.#servedUntil(untilMs) - this.#servedUntil(fromMs)) / (untilMs - fromMs) : 0
  }

  /** Whether any of the requests that hold a time from its start to its end is such a one. */
  isWithinAny(startMs: number, endMs: number, isOne: (request: S) => boolean): boolean {
    const { served } = this
    const last = lastAtOrBefore(this.#starts, startMs)
    for (let i = last; i >= 0 && i > last - 64; i--)
      if (served[i]!.endMs + AFTER_MS >= endMs && isOne(served[i]!)) return true
    return false
  }

  /** The request that was under way at a time: of several the one that began last, best one that also holds the end. */
  requestAt(startMs: number, endMs: number): { readonly request: S; readonly holdsEnd: boolean } | null {
    let found: S | null = null
    const { served } = this
    const last = lastAtOrBefore(this.#starts, startMs)
    for (let i = last; i >= 0 && i > last - 64; i--) {
      const request = served[i]!
      if (request.endMs + AFTER_MS < startMs) continue
      if (request.endMs >= endMs) return { request, holdsEnd: true }
      found ??= request
    }
    return found && { request: found, holdsEnd: false }
  }

  #servedUntil(timeMs: number): number {
    const i = lastAtOrBefore(this.#from, timeMs)
    return i < 0 ? 0 : this.#before[i]! + Math.min(timeMs, this.#until[i]!) - this.#from[i]!
  }
}

function lastAtOrBefore(times: readonly number[], timeMs: number): number {
  let low = 0
  let high = times.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (times[middle]! <= timeMs) low = middle + 1
    else high = middle
  }
  return low - 1
}
