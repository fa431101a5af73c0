import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { copyBytes } from '../../otlp/copy-bytes.ts'
import type { SignalBytes } from '../../otlp/json/json-to-protobuf.ts'

/** What is kept in memory; the rest lies in a temporary file. */
const MEMORY_BYTES = 64 * 1024 * 1024
/** What is written and read at once: a call for each small request would cost more than the copying. */
const PAGE_BYTES = 128 * 1024

interface Entry {
  readonly signal: SignalBytes['signal']
  readonly offset: number
  readonly length: number
}

interface Page {
  /** Which one it holds. */
  number: number
  readonly bytes: Buffer
  isWritten: boolean
}

/**
 * Requests put aside to be read again in any order. They lie one after the other on pages. Each page has
 * one place in memory where it can be; where another has to be there it lies in a temporary file, removed on `close`. Order
 * by time is nearly that in which they came, so most of what is read next is in memory. Only the index always is.
 */
export class Spool {
  readonly #pages: (Page | undefined)[]
  readonly #index: Entry[] = []
  #handedOut = 0
  #toHandOut = 1
  #size = 0
  #folder: string | null = null
  #file = -1
  /** For a request that lies on several pages. */
  #joined = Buffer.alloc(0)

  constructor(memoryBytes = MEMORY_BYTES) {
    this.#pages = new Array(Math.max(1, Math.floor(memoryBytes / PAGE_BYTES)))
  }

  /** Returns the number by which it is known; the first is 0. */
  add({ signal, bytes }: SignalBytes): number {
    const offset = this.#size
    this.#index.push({ signal, offset, length: bytes.length })
    for (let done = 0; done < bytes.length; ) {
      const from = this.#size % PAGE_BYTES
      const length = Math.min(bytes.length - done, PAGE_BYTES - from)
      copyBytes(bytes, done, done + length, this.#page(Math.floor(this.#size / PAGE_BYTES)), from)
      done += length
      this.#size += length
    }
    return this.#index.length - 1
  }

  /** How much has been handed out of what was asked for, from 0 to 1. */
  get shareRead(): number {
    return this.#handedOut / this.#toHandOut
  }

  /** Requests by their numbers. Each is good until the next is asked for. */
  *inOrder(numbers: readonly number[]): Generator<SignalBytes> {
    this.#toHandOut = Math.max(1, numbers.length)
    for (const number of numbers) {
      this.#handedOut++
      yield this.#read(this.#index[number]!)
    }
  }

  close(): void {
    this.#pages.fill(undefined)
    if (this.#file >= 0) closeSync(this.#file)
    if (this.#folder !== null) rmSync(this.#folder, { recursive: true })
    this.#file = -1
    this.#folder = null
  }

  #read({ signal, offset, length }: Entry): SignalBytes {
    const from = offset % PAGE_BYTES
    let page = Math.floor(offset / PAGE_BYTES)
    if (from + length <= PAGE_BYTES) return { signal, bytes: this.#page(page).subarray(from, from + length) }
    if (length > this.#joined.length) this.#joined = Buffer.allocUnsafeSlow(length)
    for (let done = copyBytes(this.#page(page), from, PAGE_BYTES, this.#joined, 0); done < length; ) {
      done = copyBytes(this.#page(++page), 0, Math.min(PAGE_BYTES, length - done), this.#joined, done)
    }
    return { signal, bytes: this.#joined.subarray(0, length) }
  }

  /** Brings a page into memory, or begins it there. */
  #page(number: number): Buffer {
    const place = number % this.#pages.length
    let page = this.#pages[place]
    if (page?.number === number) return page.bytes
    if (page === undefined) {
      page = { number, bytes: Buffer.allocUnsafeSlow(PAGE_BYTES), isWritten: false }
      this.#pages[place] = page
      return page.bytes
    }
    if (!page.isWritten) this.#write(page)
    page.number = number
    page.isWritten = number * PAGE_BYTES < this.#size
    if (page.isWritten) readWhole(this.#file, page.bytes, number * PAGE_BYTES)
    return page.bytes
  }

  #write(page: Page): void {
    if (this.#folder === null) {
      this.#folder = mkdtempSync(join(tmpdir(), 'blindspot-replay-'))
      this.#file = openSync(join(this.#folder, 'requests'), 'w+')
    }
    writeWhole(this.#file, page.bytes, page.number * PAGE_BYTES)
  }
}

function readWhole(file: number, into: Buffer, at: number): void {
  for (let done = 0; done < into.length; ) done += readSync(file, into, done, into.length - done, at + done)
}

function writeWhole(file: number, bytes: Buffer, at: number): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done, bytes.length - done, at + done)
}
