/** A seeded source of chance: the same seed gives the same breaks on every machine. */
export class Random {
  #state: number

  constructor(seed: string) {
    // FNV-1a, so that seeds which differ in one character share nothing.
    let hash = 0x811c9dc5
    for (const byte of Buffer.from(seed)) hash = Math.imul(hash ^ byte, 0x01000193)
    this.#state = hash >>> 0
  }

  /** 0 ≤ x < 1; mulberry32. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let t = this.#state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }

  chance(share: number): boolean {
    return this.next() < share
  }

  between(low: number, high: number): number {
    return low + this.next() * (high - low)
  }

  below(count: number): number {
    return Math.floor(this.next() * count)
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!
  }

  shuffled<T>(list: readonly T[]): T[] {
    const copy = [...list]
    for (let i = copy.length - 1; i > 0; i--) {
      const j = this.below(i + 1)
      const other = copy[j]!
      copy[j] = copy[i]!
      copy[i] = other
    }
    return copy
  }

  traceId(): string {
    return this.#hex(32)
  }

  spanId(): string {
    return this.#hex(16)
  }

  #hex(digits: number): string {
    let text = ''
    while (text.length < digits) text += this.below(0x10000).toString(16).padStart(4, '0')
    return text
  }
}
