import { utf8 } from './wire.ts'

const FIRST_ENTRIES = 256

/**
 * Small numbers for texts that are known as bytes: names, attribute values. Equal bytes give the same id, ids count up
 * from 0. Open addressing on the hash, the bytes kept in one arena; nothing is allocated for a text that is known.
 * Bounded: when a limit is reached, new texts get `OVERFLOW` and are counted.
 */
export class ByteInterner {
  /** The id of every text beyond the limits. */
  static readonly OVERFLOW = -1

  /** Texts that got no id of their own because a limit was reached, each time they came. */
  overflowed = 0
  readonly #limit: number
  readonly #limitBytes: number
  /** Id + 1 by hash; at most half full. */
  #index = new Int32Array(FIRST_ENTRIES * 2)
  #hashes = new Int32Array(FIRST_ENTRIES)
  /** Where the bytes of each id begin in the arena; those of the next one follow. */
  #starts = new Uint32Array(FIRST_ENTRIES + 1)
  #arena = new Uint8Array(FIRST_ENTRIES * 16)
  readonly #texts: (string | undefined)[] = []
  #size = 0

  constructor(limit = 20_000, limitBytes = 4 * 1024 * 1024) {
    this.#limit = limit
    this.#limitBytes = limitBytes
  }

  get size(): number {
    return this.#size
  }

  /** `hash` is that of the bytes by otlp/hash.ts. */
  intern(bytes: Uint8Array, start: number, length: number, hash: number): number {
    const signed = hash | 0
    const mask = this.#index.length - 1
    let i = signed & mask
    for (let entry = this.#index[i]!; entry !== 0; i = (i + 1) & mask, entry = this.#index[i]!)
      if (this.#hashes[entry - 1] === signed && this.#isSame(entry - 1, bytes, start, length)) return entry - 1
    const end = this.#starts[this.#size]! + length
    if (this.#size >= this.#limit || end > this.#limitBytes) {
      this.overflowed++
      return ByteInterner.OVERFLOW
    }
    return this.#add(bytes, start, length, signed, i)
  }

  /** The text of an id; made once. */
  text(id: number): string {
    this.#texts[id] ??= utf8(this.#arena, this.#starts[id]!, this.#starts[id + 1]!)
    return this.#texts[id]
  }

  /** The bytes of an id, as a view. */
  bytes(id: number): Uint8Array {
    return this.#arena.subarray(this.#starts[id]!, this.#starts[id + 1]!)
  }

  #isSame(id: number, bytes: Uint8Array, start: number, length: number): boolean {
    const at = this.#starts[id]!
    if (this.#starts[id + 1]! - at !== length) return false
    const arena = this.#arena
    for (let i = 0; i < length; i++) if (arena[at + i] !== bytes[start + i]) return false
    return true
  }

  #add(bytes: Uint8Array, start: number, length: number, hash: number, place: number): number {
    const id = this.#size++
    const at = this.#starts[id]!
    if (at + length > this.#arena.length) {
      const arena = new Uint8Array(Math.max(at + length, this.#arena.length * 2))
      arena.set(this.#arena)
      this.#arena = arena
    }
    this.#arena.set(bytes.subarray(start, start + length), at)
    if (this.#size > this.#hashes.length) this.#growEntries()
    this.#starts[id + 1] = at + length
    this.#hashes[id] = hash
    if (this.#size * 2 > this.#index.length) this.#growIndex()
    else this.#index[place] = id + 1
    return id
  }

  #growEntries(): void {
    const hashes = new Int32Array(this.#hashes.length * 2)
    hashes.set(this.#hashes)
    this.#hashes = hashes
    const starts = new Uint32Array(hashes.length + 1)
    starts.set(this.#starts)
    this.#starts = starts
  }

  #growIndex(): void {
    this.#index = new Int32Array(this.#index.length * 2)
    const mask = this.#index.length - 1
    for (let id = 0; id < this.#size; id++) {
      let i = this.#hashes[id]! & mask
      while (this.#index[i] !== 0) i = (i + 1) & mask
      this.#index[i] = id + 1
    }
  }
}
