import type { RetryConfig } from './config.ts'

/**
 * The waits between the attempts of one request: they grow from `initial_interval` by `multiplier` up to `max_interval`,
 * each spread at random. A destination that asks for a longer pause gets it. The arithmetic is the Collector's
 * (cenkalti/backoff): a wait that would pass `max_elapsed_time` is not begun.
 */
export class Backoff {
  readonly #config: RetryConfig
  readonly #startMs: number
  readonly #random: () => number
  #intervalMs: number

  constructor(config: RetryConfig, startMs: number, random: () => number) {
    this.#config = config
    this.#startMs = startMs
    this.#random = random
    this.#intervalMs = config.initial_interval
  }

  /** How long to wait before the next attempt, or null when the request is to be given up. */
  nextDelayMs(nowMs: number, retryAfterMs: number | null): number | null {
    const { enabled, multiplier, max_interval, max_elapsed_time, randomization_factor } = this.#config
    if (!enabled) return null
    const spread = 1 - randomization_factor + 2 * randomization_factor * this.#random()
    const delayMs = Math.max(this.#intervalMs * spread, retryAfterMs ?? 0)
    this.#intervalMs = Math.min(this.#intervalMs * multiplier, max_interval)
    if (max_elapsed_time > 0 && nowMs + delayMs > this.#startMs + max_elapsed_time) return null
    return delayMs
  }
}
