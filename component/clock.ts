/** A timer that has been set; cancelling twice, or after it fired, does nothing. */
export interface Timer {
  cancel(): void
}

/**
 * The only source of time. Live it is the machine's; in `replay` the data drives it; in tests the test does.
 * Milliseconds are a double since the epoch, good for windows and timeouts; absolute nanoseconds are a bigint and only
 * for what is printed or sent.
 */
export interface Clock {
  nowMs(): number
  nowUnixNano(): bigint
  /** Runs `action` once, `delayMs` from now. A live timer does not keep the process alive. */
  after(delayMs: number, action: () => void): Timer
  /** Runs `action` every `intervalMs`, first after one interval. */
  every(intervalMs: number, action: () => void): Timer
}

/** Node fires a timer of more than this, 24.8 days, at once. */
const MAX_DELAY_MS = 2 ** 31 - 1

/** A delay that node takes as it is meant: none in the past, and none too far ahead. */
function timerDelay(delayMs: number): number {
  return Math.min(Math.max(0, delayMs), MAX_DELAY_MS)
}

/** The machine's clock: wall time at start plus the monotonic clock, so that a step of the wall clock moves no window. */
export class SystemClock implements Clock {
  readonly #startUnixNano = BigInt(Date.now()) * 1_000_000n
  readonly #startMs = Date.now()
  readonly #startMonotonic = process.hrtime.bigint()
  readonly #startPerformanceMs = performance.now()

  nowMs(): number {
    return this.#startMs + (performance.now() - this.#startPerformanceMs)
  }

  nowUnixNano(): bigint {
    return this.#startUnixNano + (process.hrtime.bigint() - this.#startMonotonic)
  }

  after(delayMs: number, action: () => void): Timer {
    const timer = setTimeout(action, timerDelay(delayMs))
    timer.unref()
    return { cancel: () => clearTimeout(timer) }
  }

  every(intervalMs: number, action: () => void): Timer {
    const timer = setInterval(action, timerDelay(intervalMs))
    timer.unref()
    return { cancel: () => clearInterval(timer) }
  }
}

interface VirtualTimer {
  dueMs: number
  order: number
  intervalMs: number | null
  action: () => void
}

/** A clock that stands still until it is moved: timers fire in order of their due time, then of their setting. */
export class VirtualClock implements Clock {
  #nowMs: number
  #order = 0
  #timers: VirtualTimer[] = []

  constructor(startMs = 0) {
    this.#nowMs = startMs
  }

  nowMs(): number {
    return this.#nowMs
  }

  /** Exact to the microsecond: a double of milliseconds holds no more for a date of today. */
  nowUnixNano(): bigint {
    return BigInt(Math.round(this.#nowMs * 1000)) * 1000n
  }

  after(delayMs: number, action: () => void): Timer {
    return this.#add(delayMs, null, action)
  }

  every(intervalMs: number, action: () => void): Timer {
    return this.#add(intervalMs, intervalMs, action)
  }

  /** Moves on to `timeMs`, firing what falls due on the way; a time in the past moves nothing. */
  advanceTo(timeMs: number): void {
    for (let timer = this.#next(timeMs); timer !== null; timer = this.#next(timeMs)) {
      this.#nowMs = Math.max(this.#nowMs, timer.dueMs)
      if (timer.intervalMs === null) this.#remove(timer)
      else timer.dueMs += timer.intervalMs
      timer.action()
    }
    this.#nowMs = Math.max(this.#nowMs, timeMs)
  }

  advanceBy(durationMs: number): void {
    this.advanceTo(this.#nowMs + durationMs)
  }

  /** Moves on to `timeMs` and takes the timers along, so that none fires: a pause in which nothing can happen. */
  skipTo(timeMs: number): void {
    const skippedMs = timeMs - this.#nowMs
    if (skippedMs <= 0) return
    for (const timer of this.#timers) timer.dueMs += skippedMs
    this.#nowMs = timeMs
  }

  #add(delayMs: number, intervalMs: number | null, action: () => void): Timer {
    const timer = { dueMs: this.#nowMs + Math.max(0, delayMs), order: this.#order++, intervalMs, action }
    this.#timers.push(timer)
    return { cancel: () => this.#remove(timer) }
  }

  #remove(timer: VirtualTimer): void {
    const index = this.#timers.indexOf(timer)
    if (index >= 0) this.#timers.splice(index, 1)
  }

  /** The earliest timer due at or before `timeMs`. Few timers are ever set, so a scan is enough. */
  #next(timeMs: number): VirtualTimer | null {
    let first: VirtualTimer | null = null
    for (const timer of this.#timers) {
      if (timer.dueMs > timeMs) continue
      if (first === null || timer.dueMs < first.dueMs || (timer.dueMs === first.dueMs && timer.order < first.order))
        first = timer
    }
    return first
  }
}
