/** Counts pairs of small numbers without an object each: an open-addressing table that doubles. */
export class PairTally {
  #keys = new Uint32Array(512)
  #counts = new Float64Array(256)
  /** The places that are taken, in the order in which they were. */
  #taken = new Int32Array(129)
  #size = 0

  get size(): number {
    return this.#size
  }

  add(first: number, second: number, amount = 1): void {
    const mask = this.#counts.length - 1
    let i = hash(first, second) & mask
    for (; this.#counts[i] !== 0; i = (i + 1) & mask) {
      if (this.#keys[i * 2] !== first || this.#keys[i * 2 + 1] !== second) continue
      this.#counts[i]! += amount
      return
    }
    this.#keys[i * 2] = first
    this.#keys[i * 2 + 1] = second
    this.#counts[i] = amount
    this.#taken[this.#size] = i
    if (++this.#size * 2 > this.#counts.length) this.#grow()
  }

  /** 0 where the pair has not been counted. */
  of(first: number, second: number): number {
    const mask = this.#counts.length - 1
    let i = hash(first, second) & mask
    while (this.#counts[i] !== 0 && (this.#keys[i * 2] !== first || this.#keys[i * 2 + 1] !== second))
      i = (i + 1) & mask
    return this.#counts[i]!
  }

  forEach(visit: (first: number, second: number, count: number) => void): void {
    for (let n = 0; n < this.#size; n++) {
      const i = this.#taken[n]!
      visit(this.#keys[i * 2]!, this.#keys[i * 2 + 1]!, this.#counts[i]!)
    }
  }

  /** First, second and count of each, in the order in which they came; begins anew. */
  take(): Uint32Array {
    const triples = new Uint32Array(this.#size * 3)
    for (let n = 0; n < this.#size; n++) {
      const i = this.#taken[n]!
      triples[n * 3] = this.#keys[i * 2]!
      triples[n * 3 + 1] = this.#keys[i * 2 + 1]!
      triples[n * 3 + 2] = this.#counts[i]!
    }
    this.clear()
    return triples
  }

  clear(): void {
    for (let n = 0; n < this.#size; n++) this.#counts[this.#taken[n]!] = 0
    this.#size = 0
  }

  #grow(): void {
    const keys = this.#keys
    const counts = this.#counts
    const taken = this.#taken
    const size = this.#size
    this.#keys = new Uint32Array(keys.length * 2)
    this.#counts = new Float64Array(counts.length * 2)
    this.#taken = new Int32Array(counts.length + 1)
    this.#size = 0
    for (let n = 0; n < size; n++) {
      const i = taken[n]!
      this.add(keys[i * 2]!, keys[i * 2 + 1]!, counts[i]!)
    }
  }
}

function hash(first: number, second: number): number {
  const h = Math.imul(first ^ Math.imul(second, 0x85ebca6b), 0x9e3779b1)
  return h ^ (h >>> 15)
}
