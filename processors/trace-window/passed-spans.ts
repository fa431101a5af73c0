const BLOCK_WORDS = 16
/** 512 bits a block over 25 keys: 2.56 bytes a key, about 0.1 % false positives. */
const KEYS_PER_BLOCK = 25
const BITS_PER_KEY = 6
const FIRST_PAGE_BLOCKS = 1024
const LARGEST_PAGE_BLOCKS = 1 << 18
/** Pages of the grace: the effective grace is exact to one of these parts. */
const PARTS = 6

interface Page {
  readonly words: Uint32Array
  readonly blocks: number
  keys: number
  readonly openedMs: number
}

/**
 * Remembers for `graceMs` which spans have passed, in a blocked Bloom filter: a key sets 6 bits of one cache line. It
 * may say that a span passed which did not (1 in 1000), never the reverse, so a mistake errs to silence. Pages are opened
 * by time and by load and dropped oldest first, when they are past the grace or the byte limit is reached.
 * Source of the blocked layout: Putze, Sanders, Singler, "Cache-, Hash- and Space-Efficient Bloom Filters", 2009.
 */
export class PassedSpans {
  readonly #graceMs: number
  readonly #limitBytes: number
  readonly #pages: Page[] = []
  #bytes = 0
  #cutShort = 0

  constructor(graceMs: number, limitBytes: number) {
    this.#graceMs = graceMs
    this.#limitBytes = limitBytes
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Pages that had to go before their time. */
  get cutShort(): number {
    return this.#cutShort
  }

  /** How far back the memory reaches; `graceMs` unless the byte limit cut it. */
  effectiveGraceMs(nowMs: number): number {
    if (this.#cutShort === 0 || this.#pages.length === 0) return this.#graceMs
    return Math.min(this.#graceMs, nowMs - this.#pages[0]!.openedMs)
  }

  /** Keys are two 32-bit hashes of trace and span id, independent of each other. */
  add(hashA: number, hashB: number, nowMs: number): void {
    const page = this.#openPage(nowMs)
    page.keys++
    const words = page.words
    const block = blockOf(hashA, page.blocks)
    let bits = hashB
    for (let i = 0; i < BITS_PER_KEY; i++) {
      words[block + ((bits >>> 5) & 15)]! |= 1 << (bits & 31)
      bits = remix(bits)
    }
  }

  has(hashA: number, hashB: number): boolean {
    for (let i = this.#pages.length - 1; i >= 0; i--) {
      const page = this.#pages[i]!
      if (blockHas(page.words, blockOf(hashA, page.blocks), hashB)) return true
    }
    return false
  }

  /** Drops what is past the grace. */
  expire(nowMs: number): void {
    while (this.#pages.length > 1 && this.#pages[1]!.openedMs < nowMs - this.#graceMs) this.#dropOldest()
  }

  #openPage(nowMs: number): Page {
    const last = this.#pages.at(-1)
    const partMs = this.#graceMs / PARTS
    if (last && last.keys < last.blocks * KEYS_PER_BLOCK && nowMs - last.openedMs < partMs) return last
    // A page that filled before its part of the grace was over makes the next one larger.
    const filledEarly = last && nowMs - last.openedMs < partMs
    const wanted = filledEarly ? last.blocks * 2 : (last?.blocks ?? FIRST_PAGE_BLOCKS)
    const affordable = Math.max(64, Math.floor(this.#limitBytes / PARTS / (BLOCK_WORDS * 4)))
    const blocks = Math.min(wanted, LARGEST_PAGE_BLOCKS, affordable)
    const page = { words: new Uint32Array(blocks * BLOCK_WORDS), blocks, keys: 0, openedMs: nowMs }
    this.#bytes += page.words.byteLength
    this.#pages.push(page)
    while (this.#bytes > this.#limitBytes && this.#pages.length > 1) {
      this.#dropOldest()
      this.#cutShort++
    }
    this.expire(nowMs)
    return page
  }

  #dropOldest(): void {
    this.#bytes -= this.#pages.shift()!.words.byteLength
  }
}

/** The first word of the block that a hash falls into; multiply-shift instead of a division. */
function blockOf(hash: number, blocks: number): number {
  return Math.floor(((hash >>> 0) / 4294967296) * blocks) * BLOCK_WORDS
}

function remix(bits: number): number {
  const mixed = Math.imul(bits ^ (bits >>> 15), 0x2c1b3c6d)
  return mixed ^ (mixed >>> 12)
}

function blockHas(words: Uint32Array, block: number, hashB: number): boolean {
  let bits = hashB
  for (let i = 0; i < BITS_PER_KEY; i++) {
    if ((words[block + ((bits >>> 5) & 15)]! & (1 << (bits & 31))) === 0) return false
    bits = remix(bits)
  }
  return true
}
