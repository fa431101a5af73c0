import { widened } from '../../otlp/widened.ts'

/** Calls from which it is said, and one in how many may end before the work does. */
const MIN_FITTING = 20
const MOST_FITTING = 100

/**
 * Whether the callers of an operation wait for the work that goes on when its spans have ended. Where spans end too early,
 * no call ends before the work; work that nobody waits for ends now and then within a call, and mostly after it.
 */
export class WaitedWork {
  #fitting = new Uint32Array(1024)
  #beyond = new Uint32Array(1024)

  /**
   * How much of what a callee went on for belongs to a call that lasted `spareNano` longer than the callee's span. Nothing
   * where the span shows most of the work, as most do.
   */
  nano(operation: number, durationNano: number, extraNano: number, spareNano: number): number {
    if (extraNano < durationNano) return 0
    if (operation >= this.#fitting.length) this.#grow(operation)
    if (extraNano > spareNano) {
      this.#beyond[operation]!++
      return 0
    }
    const fitting = ++this.#fitting[operation]!
    return fitting >= MIN_FITTING && this.#beyond[operation]! * MOST_FITTING <= fitting ? extraNano : 0
  }

  #grow(operation: number): void {
    this.#fitting = widened(this.#fitting, operation + 1)
    this.#beyond = widened(this.#beyond, operation + 1)
  }
}
