/** Numbers that look random and are the same every time: mulberry32. */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** A whole number below 2^32. */
  word(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let t = this.#state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return (t ^ (t >>> 14)) >>> 0
  }

  between(low: number, high: number): number {
    return low + ((high - low) * this.word()) / 2 ** 32
  }

  /** Random hex digits; a multiple of eight. */
  hex(digits: 16 | 32): string {
    return Array.from({ length: digits / 8 }, () => this.word().toString(16).padStart(8, '0')).join('')
  }

  pick<T>(items: readonly T[]): T {
    return items[this.word() % items.length]!
  }
}
