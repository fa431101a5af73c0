import { Column, ROW_WORDS, type SpanTable } from '../../otlp/span-table.ts'

/** Trace ids kept at most: 2^20 hashes of 8 bytes, in a table at most half full. */
const LIMIT = 1 << 20

/**
 * How many different traces there were, in bounded memory. Of each id a 64-bit hash is kept; when they get too many, the
 * half with the larger hashes goes, and what is left stands for twice as many (adaptive sampling after Wegman). So the
 * count is exact up to a million traces, and beyond that off by about 0.1 %, always by the same for the same input.
 */
export class TraceCount {
  readonly #limit: number
  /** Open addressing, two words an entry; an entry of two zeros is free. */
  #table = new Uint32Array(2 * 1024)
  #size = 0
  /** Only hashes whose high word has this many leading zeros are kept. */
  #level = 0

  constructor(limit = LIMIT) {
    this.#limit = limit
  }

  get count(): number {
    return this.#size * 2 ** this.#level
  }

  /** Counts the traces of all rows. */
  add(table: SpanTable): void {
    const { words } = table
    for (let row = 0; row < table.count; row++) {
      if (row > 0 && table.sameTrace(row, row - 1)) continue
      const at = row * ROW_WORDS + Column.traceId
      this.#addId(words[at]!, words[at + 1]!, words[at + 2]!, words[at + 3]!)
    }
  }

  #addId(a: number, b: number, c: number, d: number): void {
    const high = mix(a ^ Math.imul(b, 0x9e3779b1) ^ Math.imul(c, 0x85ebca77) ^ Math.imul(d, 0xc2b2ae3d))
    const low = mix(d ^ Math.imul(a, 0x27d4eb2f) ^ Math.imul(b, 0x165667b1) ^ Math.imul(c, 0x9e3779b1)) | 1
    if (Math.clz32(high) < this.#level || !this.#insert(high >>> 0, low >>> 0)) return
    this.#size++
    if (this.#size > this.#limit) this.#halve()
    else if (this.#size * 4 > this.#table.length) this.#rebuild(this.#table.length * 2)
  }

  /** False where it is there already. */
  #insert(high: number, low: number): boolean {
    const table = this.#table
    const mask = table.length / 2 - 1
    for (let slot = low & mask; ; slot = (slot + 1) & mask) {
      const at = slot * 2
      if (table[at + 1] === 0) {
        table[at] = high
        table[at + 1] = low
        return true
      }
      if (table[at] === high && table[at + 1] === low) return false
    }
  }

  #halve(): void {
    this.#level++
    this.#rebuild(this.#table.length)
  }

  #rebuild(length: number): void {
    const old = this.#table
    this.#table = new Uint32Array(length)
    this.#size = 0
    for (let at = 0; at < old.length; at += 2) {
      if (old[at + 1] === 0 || Math.clz32(old[at]!) < this.#level) continue
      this.#insert(old[at]!, old[at + 1]!)
      this.#size++
    }
  }
}

/** The final mix of MurmurHash3. */
function mix(h: number): number {
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}
