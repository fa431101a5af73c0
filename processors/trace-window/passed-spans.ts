const BLOCK_WORDS = 16
/** 512 bits a block over 20 keys on average: 3.2 bytes a key, about 0.2 % false positives (measured in the test). */
const KEYS_PER_BLOCK = 20
const BITS_PER_KEY = 6
/** Spans of a trace up to this share the trace's block, one cache line for all; those of larger traces are spread. */
const SPANS_IN_TRACE_BLOCK = 24
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
 * Remembers for `graceMs` which traces and spans have passed, in a blocked Bloom filter: a key sets 6 bits of one cache
 * line. It may say that a span passed which did not (2 in 1000), never the reverse, so a mistake errs to silence. Pages
 * are opened by time and by load and dropped oldest first, when they are past the grace or the byte limit is reached.
 *
 *     block of the trace   its mark if it has one, a mark if it is large, and its spans unless it is large
 *     block of the span    a span of a large trace
 *
 * Source of the blocked layout: Putze, Sanders, Singler, "Cache-, Hash- and Space-Efficient Bloom Filters", 2009.
 */
export class PassedSpans {
  readonly #graceMs: number
  readonly #limitBytes: number
  readonly #pages: Page[] = []
  #bytes = 0
  #cutShort = 0
  // Where the spans of the trace added last go.
  #page: Page | null = null
  #block = 0
  #isLarge = false

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

  /** A trace goes on with so many spans; add each of them next. */
  addTrace(traceHash: number, spans: number, nowMs: number): void {
    const page = this.#openPage(nowMs)
    page.keys++
    this.#page = page
    this.#block = blockOf(traceHash, page.blocks)
    this.#isLarge = spans > SPANS_IN_TRACE_BLOCK
    if (this.#isLarge) setBits(page.words, this.#block, largeMark(traceHash))
  }

  /** The first word of the block that a trace would go to now. */
  firstWord(traceHash: number): number {
    const page = this.#pages.at(-1)
    return page === undefined ? 0 : page.words[blockOf(traceHash, page.blocks)]!
  }

  /** Of each block that tells whether the trace was marked the first word, all in one. */
  firstWords(traceHash: number): number {
    let read = 0
    for (let i = 0; i < this.#pages.length; i++) {
      const { words, blocks } = this.#pages[i]!
      read ^= words[blockOf(traceHash, blocks)]!
    }
    return read
  }

  /** A span of the trace added last. The hashes are of trace and span id, independent of each other. */
  addSpan(hashA: number, hashB: number): void {
    const page = this.#page!
    page.keys++
    setBits(page.words, this.#isLarge ? blockOf(hashA, page.blocks) : this.#block, hashB)
  }

  /** Remembers a trace by itself. */
  markTrace(traceHash: number, nowMs: number): void {
    const page = this.#openPage(nowMs)
    page.keys++
    setBits(page.words, blockOf(traceHash, page.blocks), traceMark(traceHash))
  }

  /** Whether the trace was marked. */
  hasTrace(traceHash: number): boolean {
    for (let i = this.#pages.length - 1; i >= 0; i--) {
      const page = this.#pages[i]!
      if (hasBits(page.words, blockOf(traceHash, page.blocks), traceMark(traceHash))) return true
    }
    return false
  }

  hasSpan(traceHash: number, hashA: number, hashB: number): boolean {
    for (let i = this.#pages.length - 1; i >= 0; i--) {
      const { words, blocks } = this.#pages[i]!
      const block = blockOf(traceHash, blocks)
      if (hasBits(words, block, hashB)) return true
      if (hasBits(words, block, largeMark(traceHash)) && hasBits(words, blockOf(hashA, blocks), hashB)) return true
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

function traceMark(traceHash: number): number {
  return ~traceHash
}

function largeMark(traceHash: number): number {
  return Math.imul(traceHash, 0x2545f491) ^ 0x5bd1e995
}

function setBits(words: Uint32Array, block: number, hash: number): void {
  let bits = hash
  for (let i = 0; i < BITS_PER_KEY; i++) {
    words[block + ((bits >>> 5) & 15)]! |= 1 << (bits & 31)
    bits = remix(bits)
  }
}

function hasBits(words: Uint32Array, block: number, hash: number): boolean {
  let bits = hash
  for (let i = 0; i < BITS_PER_KEY; i++) {
    if ((words[block + ((bits >>> 5) & 15)]! & (1 << (bits & 31))) === 0) return false
    bits = remix(bits)
  }
  return true
}
