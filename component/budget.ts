import { BufferMemory } from '../otlp/buffer-memory.ts'

/** Share of the budget in use from which the oldest traces leave the window unjudged. */
export const PRESSURE_SHARE = 0.8

/**
 * The one byte budget of the process: bodies in flight (reserved before they are decompressed), retained requests, span
 * tables and queues all draw on it. It counts what was reserved and never allocates; where what it counts is large and
 * short-lived, its bytes are had from `memory` and go back there.
 */
export class ByteBudget {
  readonly limitBytes: number
  /** What `reserve` leaves free for `take`: copies that are made on the way out need room before they give some back. */
  readonly headroomBytes: number
  /**
   * Of it as much may be free as is in use (a window lets go of many requests at once, and what comes next needs as much
   * again), and both together take no more than the limit.
   */
  readonly memory = new BufferMemory(() => Math.min(this.#usedBytes, this.limitBytes - this.#usedBytes))
  #usedBytes = 0
  #peakBytes = 0
  #refusals = 0

  constructor(limitBytes: number, headroomBytes = 0) {
    this.limitBytes = limitBytes
    this.headroomBytes = headroomBytes
  }

  get usedBytes(): number {
    return this.#usedBytes
  }

  /** The most that was ever in use. */
  get peakBytes(): number {
    return this.#peakBytes
  }

  /** How often a reservation was refused. */
  get refusals(): number {
    return this.#refusals
  }

  /** What `reserve` would still give. */
  get roomBytes(): number {
    return Math.max(0, this.limitBytes - this.headroomBytes - this.#usedBytes)
  }

  get underPressure(): boolean {
    return this.#usedBytes >= this.limitBytes * PRESSURE_SHARE
  }

  /** Takes `bytes` if they fit; false, and a refusal counted, if not. */
  reserve(bytes: number): boolean {
    if (bytes > this.roomBytes) {
      this.#refusals++
      return false
    }
    this.#add(bytes)
    return true
  }

  /** Takes `bytes` for data that is already accepted and must not be lost: it may pass the
   * limit, and intake then waits. */
  take(bytes: number): void {
    this.#add(bytes)
  }

  release(bytes: number): void {
    if (bytes > this.#usedBytes)
      throw new Error(`the budget was given back ${bytes} bytes of ${this.#usedBytes} in use`)
    this.#usedBytes -= bytes
  }

  #add(bytes: number): void {
    this.#usedBytes += bytes
    if (this.#usedBytes > this.#peakBytes) this.#peakBytes = this.#usedBytes
  }
}
