import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { copyBytes } from '../../otlp/copy-bytes.ts'
import type { SignalBytes } from '../../otlp/json/json-to-protobuf.ts'

/** What is kept in memory before a temporary file takes it. */
const MEMORY_BYTES = 64 * 1024 * 1024
/** What is written to the file at once: a call for each small request would cost more than the writing. */
const CHUNK_BYTES = 1024 * 1024
/**
 * The file is read in pages, of which the last ones are kept: order by time is nearly that of the file, so what comes next
 * lies close to what came before. 8 MB of them, each in the one place where it can be.
 */
const PAGE_BYTES = 128 * 1024
const PAGES = 64

interface Entry {
  readonly signal: SignalBytes['signal']
  key: bigint
  readonly offset: number
  readonly length: number
}

/**
 * Requests put aside to be read again in another order: in memory while they are few, in a temporary file (removed on
 * `close`) when they are many. Only their index always stays in memory.
 */
export class Spool {
  readonly #memoryBytes: number
  readonly #index: Entry[] = []
  #handedOut = 0
  #size = 0
  #memory: Uint8Array[] = []
  #folder: string | null = null
  #file = -1
  /** What is still to be written, and later a request that lies on several pages. */
  #chunk = Buffer.alloc(0)
  #chunkBytes = 0
  readonly #pages: (Buffer | undefined)[] = []
  readonly #pageAt: number[] = []

  constructor(memoryBytes = MEMORY_BYTES) {
    this.#memoryBytes = memoryBytes
  }

  /** Returns the number by which `order` knows it. */
  add({ signal, bytes }: SignalBytes): number {
    this.#index.push({ signal, key: 0n, offset: this.#size, length: bytes.length })
    this.#size += bytes.length
    if (this.#file < 0) {
      // A copy (what Buffer calls slice is none), because what is read from a file is a view of a chunk that would stay.
      this.#memory.push(Uint8Array.prototype.slice.call(bytes))
      if (this.#size > this.#memoryBytes) this.#moveToFile()
    } else this.#write(bytes)
    return this.#index.length - 1
  }

  /** Gives a request its place. */
  order(number: number, key: bigint): void {
    this.#index[number]!.key = key
  }

  /** How much of it has been handed out in order, from 0 to 1. */
  get shareRead(): number {
    return this.#handedOut / Math.max(1, this.#index.length)
  }

  /**
   * In ascending order of their keys; those with equal ones in the order in which they came. Each is good until the next is
   * asked for.
   */
  *inOrder(): Generator<SignalBytes> {
    this.#flush()
    const order = this.#index.map((_, i) => i)
    order.sort((a, b) => compare(this.#index[a]!.key, this.#index[b]!.key) || a - b)
    for (const i of order) {
      const { signal, offset, length } = this.#index[i]!
      this.#handedOut++
      yield { signal, bytes: this.#file < 0 ? this.#memory[i]! : this.#read(offset, length) }
    }
  }

  close(): void {
    this.#memory = []
    if (this.#file >= 0) closeSync(this.#file)
    if (this.#folder !== null) rmSync(this.#folder, { recursive: true })
    this.#file = -1
    this.#folder = null
  }

  #moveToFile(): void {
    this.#folder = mkdtempSync(join(tmpdir(), 'blindspot-replay-'))
    this.#file = openSync(join(this.#folder, 'requests'), 'w+')
    this.#chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES)
    for (const bytes of this.#memory) this.#write(bytes)
    this.#memory = []
  }

  #write(bytes: Uint8Array): void {
    if (this.#chunkBytes + bytes.length > CHUNK_BYTES) this.#flush()
    if (bytes.length > CHUNK_BYTES) writeWhole(this.#file, bytes)
    else this.#chunkBytes = copyBytes(bytes, 0, bytes.length, this.#chunk, this.#chunkBytes)
  }

  #flush(): void {
    writeWhole(this.#file, this.#chunk.subarray(0, this.#chunkBytes))
    this.#chunkBytes = 0
  }

  #read(offset: number, length: number): Uint8Array {
    const page = Math.floor(offset / PAGE_BYTES)
    const from = offset - page * PAGE_BYTES
    if (from + length > PAGE_BYTES) return this.#readAlone(offset, length)
    const slot = page % PAGES
    if (this.#pageAt[slot] !== page) {
      this.#pages[slot] ??= Buffer.allocUnsafeSlow(PAGE_BYTES)
      // The last one of the file is not full.
      readWhole(this.#file, this.#pages[slot], Math.min(PAGE_BYTES, this.#size - page * PAGE_BYTES), page * PAGE_BYTES)
      this.#pageAt[slot] = page
    }
    return this.#pages[slot]!.subarray(from, from + length)
  }

  #readAlone(offset: number, length: number): Uint8Array {
    if (length > this.#chunk.length) this.#chunk = Buffer.allocUnsafeSlow(length)
    readWhole(this.#file, this.#chunk, length, offset)
    return this.#chunk.subarray(0, length)
  }
}

function readWhole(file: number, into: Buffer, length: number, offset: number): void {
  for (let done = 0; done < length; ) done += readSync(file, into, done, length - done, offset + done)
}

function writeWhole(file: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done)
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0
}
