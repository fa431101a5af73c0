import { widened } from '../../otlp/widened.ts'

/**
 * Small numbers that are given out and come back, the last one first: it is still in a cache. Unlike a chain through what
 * the numbers stand for, the next one is known without a look at it, which would have to be waited for.
 */
export class FreeSlots {
  /** Numbers from here on have not been given out yet. */
  used = 0
  #free = new Int32Array(64)
  #count = 0

  get byteLength(): number {
    return this.#free.byteLength
  }

  take(): number {
    return this.#count > 0 ? this.#free[--this.#count]! : this.used++
  }

  give(slot: number): void {
    if (this.#count === this.#free.length) this.#free = widened(this.#free, this.#count + 1)
    this.#free[this.#count++] = slot
  }
}
