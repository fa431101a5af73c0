import type { Clock } from '../../component/clock.ts'

/** In every second the first `initial` pass, and of the rest every `thereafter`-th; as the sampler of zap. */
export class Sampler {
  readonly #clock: Clock
  readonly #initial: number
  readonly #thereafter: number
  #second = Number.NEGATIVE_INFINITY
  #count = 0

  constructor(clock: Clock, initial: number, thereafter: number) {
    this.#clock = clock
    this.#initial = initial
    this.#thereafter = thereafter
  }

  take(): boolean {
    const second = Math.floor(this.#clock.nowMs() / 1000)
    if (second !== this.#second) {
      this.#second = second
      this.#count = 0
    }
    this.#count++
    return this.#count <= this.#initial || (this.#count - this.#initial) % this.#thereafter === 0
  }
}
