import type { BufferMemory } from './buffer-memory.ts'
import { hexOf } from './hex.ts'
import type { ResourceRef, ScopeRef } from './resource.ts'
import type { Source } from './source.ts'

/**
 * Where each column of a row lies, in 32-bit words. The rows of a table stand one after another in one Uint32Array: a
 * span's columns share two cache lines, a row is copied in one sweep, and the whole table can be transferred to another
 * thread as one buffer. 64-bit values and ids are two words, high first.
 *
 *     0      traceId      4 words          13     kind (bits 0-7), status (8-14), trace state (15), links (16-23),
 *                                                 events (24-31)
 *     4      spanId       2 words          14     resource, index into `resources`
 *     6      parentId     2 words          15     scope, index into `scopes`
 *     8      startUnixNano 2 words         16     source, index into `sources`
 *     10     endUnixNano  2 words          17-19  record (tag), body and end: byte offsets into the source
 *     12     flags                         20-21  name: byte offset and length
 *                                          22     hash of the name's bytes (otlp/hash.ts)
 *                                          23     one bit for each attribute key present: keyBit of otlp/hash.ts
 */
export const Column = {
  traceId: 0,
  spanId: 4,
  parentId: 6,
  start: 8,
  end: 10,
  flags: 12,
  meta: 13,
  resource: 14,
  scope: 15,
  source: 16,
  recordStart: 17,
  bodyStart: 18,
  bodyEnd: 19,
  nameStart: 20,
  nameLength: 21,
  nameHash: 22,
  keyMask: 23,
} as const

/** Words in a row. */
export const ROW_WORDS = 24
const ROW_BYTES = ROW_WORDS * 4

/** SpanKind as on the wire. */
export const SpanKind = { unspecified: 0, internal: 1, server: 2, client: 3, producer: 4, consumer: 5 } as const

/** Span flags beyond the W3C byte: whether the parent's remoteness is known, and that it is remote. */
export const SpanFlag = { sampled: 0x1, hasIsRemote: 0x100, isRemote: 0x200 } as const

/** Of the column `meta`: the span has a trace state, wherever it stands among the fields. */
export const TRACE_STATE_BIT = 0x8000

/** Links and events are counted up to this; more read as this. */
export const COUNT_LIMIT = 255

/** Thrown when one more row would need more memory than a table may take. */
export class TableFull extends Error {
  readonly limitBytes: number

  constructor(limitBytes: number) {
    super(`the rows of a table need more than the ${limitBytes} bytes that it may take`)
    this.limitBytes = limitBytes
  }
}

/** The rows of a table that is no longer in use: whoever reads it still finds nothing, not the spans of another. */
const RELEASED = new Uint32Array(0)

/**
 * Spans as rows of numbers over bytes that stay where they are. Append-only: whoever wants to change or drop a span
 * records that in SpanEdits. No accessor allocates, but those that return strings.
 *
 * Born with one reference, which belongs to whoever created it. It holds one reference to each of its sources; when its own
 * last one is released they go, and the memory of its rows goes to the next table.
 */
export class SpanTable {
  words: Uint32Array
  count = 0
  readonly resources: ResourceRef[] = []
  readonly scopes: ScopeRef[] = []
  readonly sources: Source[] = []
  /** True while the rows are all spans of the one source, in their order: without edits its bytes leave as they are. */
  wholeSource = false
  readonly #limitRows: number
  /** Where the rows lie; of their own where it is undefined. */
  readonly #memory: BufferMemory | undefined
  #references = 1

  /** `limitBytes`: what the rows may take; a table that would grow beyond it throws TableFull. */
  constructor(capacity = 64, memory?: BufferMemory, limitBytes = Number.POSITIVE_INFINITY) {
    this.#limitRows = Math.floor(limitBytes / ROW_BYTES)
    this.#memory = memory
    this.words = this.#zeroed(Math.max(1, Math.min(Math.ceil(capacity), this.#limitRows)))
  }

  retain(): void {
    if (this.#references === 0) throw new Error('a table was retained after its release')
    this.#references++
  }

  release(): void {
    if (this.#references === 0) throw new Error('a table was released twice')
    if (--this.#references > 0) return
    for (const source of this.sources) source.release()
    if (this.#memory === undefined) return
    this.#memory.give(this.words.buffer)
    this.words = RELEASED
  }

  /** Bytes of the memory that the rows lie in. */
  get byteLength(): number {
    return this.words.buffer.byteLength
  }

  /** Empties the table for another request; nobody else may still use it. */
  clear(): void {
    this.words.fill(0, 0, this.count * ROW_WORDS)
    this.count = 0
    this.resources.length = 0
    this.scopes.length = 0
    this.sources.length = 0
    this.wholeSource = false
  }

  /** Adds a zeroed row and returns its index. */
  addRow(): number {
    const row = this.count++
    if (this.count * ROW_WORDS > this.words.length) this.#grow()
    return row
  }

  /** Copies a row as it is; the caller then sets resource, scope and source, whose indices belong to the other table. */
  addRowFrom(other: SpanTable, otherRow: number): number {
    const row = this.addRow()
    const to = this.words
    const from = other.words
    let t = row * ROW_WORDS
    let f = otherRow * ROW_WORDS
    for (const end = t + ROW_WORDS; t < end; ) to[t++] = from[f++]!
    return row
  }

  get(row: number, column: number): number {
    return this.words[row * ROW_WORDS + column]!
  }

  set(row: number, column: number, value: number): void {
    this.words[row * ROW_WORDS + column] = value
  }

  kind(row: number): number {
    return this.words[row * ROW_WORDS + Column.meta]! & 0xff
  }

  statusCode(row: number): number {
    return (this.words[row * ROW_WORDS + Column.meta]! >>> 8) & 0x7f
  }

  linkCount(row: number): number {
    return (this.words[row * ROW_WORDS + Column.meta]! >>> 16) & 0xff
  }

  eventCount(row: number): number {
    return this.words[row * ROW_WORDS + Column.meta]! >>> 24
  }

  hasParent(row: number): boolean {
    const at = row * ROW_WORDS + Column.parentId
    return (this.words[at]! | this.words[at + 1]!) !== 0
  }

  sameTrace(row: number, otherRow: number): boolean {
    const w = this.words
    const a = row * ROW_WORDS
    const b = otherRow * ROW_WORDS
    return w[a] === w[b] && w[a + 1] === w[b + 1] && w[a + 2] === w[b + 2] && w[a + 3] === w[b + 3]
  }

  /** end − start in nanoseconds; a difference, so a double is exact up to 104 days. Negative when end is before start. */
  durationNano(row: number): number {
    return this.differenceNano(row, Column.end, row, Column.start)
  }

  /** One time minus another, in nanoseconds, for `Column.start` and `Column.end` of any two rows. */
  differenceNano(row: number, column: number, otherRow: number, otherColumn: number): number {
    const w = this.words
    const a = row * ROW_WORDS + column
    const b = otherRow * ROW_WORDS + otherColumn
    return (w[a]! - w[b]!) * 4294967296 + (w[a + 1]! - w[b + 1]!)
  }

  /** An absolute time as milliseconds since the epoch: good to a microsecond, for windows and clocks only. */
  timeMs(row: number, column: number): number {
    const at = row * ROW_WORDS + column
    return this.words[at]! * 4294.967296 + this.words[at + 1]! / 1e6
  }

  timeUnixNano(row: number, column: number): bigint {
    const at = row * ROW_WORDS + column
    return (BigInt(this.words[at]!) << 32n) | BigInt(this.words[at + 1]!)
  }

  resourceOf(row: number): ResourceRef {
    return this.resources[this.words[row * ROW_WORDS + Column.resource]!]!
  }

  scopeOf(row: number): ScopeRef {
    return this.scopes[this.words[row * ROW_WORDS + Column.scope]!]!
  }

  sourceOf(row: number): Source {
    return this.sources[this.words[row * ROW_WORDS + Column.source]!]!
  }

  name(row: number): string {
    const at = row * ROW_WORDS + Column.nameStart
    const start = this.words[at]!
    const bytes = this.sourceOf(row).bytes
    return Buffer.from(bytes.buffer, bytes.byteOffset + start, this.words[at + 1]!).toString('utf8')
  }

  /** Lowercase hex, 32 digits. */
  traceIdHex(row: number): string {
    return hexOf(this.words, row * ROW_WORDS + Column.traceId, 4)
  }

  /** Lowercase hex, 16 digits. */
  spanIdHex(row: number): string {
    return hexOf(this.words, row * ROW_WORDS + Column.spanId, 2)
  }

  parentIdHex(row: number): string {
    return hexOf(this.words, row * ROW_WORDS + Column.parentId, 2)
  }

  #grow(): void {
    const rows = Math.min((this.words.length / ROW_WORDS) * 2, this.#limitRows)
    if (rows < this.count) throw new TableFull(this.#limitRows * ROW_BYTES)
    const grown = this.#zeroed(rows)
    grown.set(this.words)
    this.#memory?.give(this.words.buffer)
    this.words = grown
  }

  /** Room for so many rows, or some more. */
  #zeroed(rows: number): Uint32Array {
    if (this.#memory === undefined) return new Uint32Array(rows * ROW_WORDS)
    const bytes = this.#memory.take(rows * ROW_BYTES)
    return new Uint32Array(bytes, 0, Math.floor(bytes.byteLength / ROW_BYTES) * ROW_WORDS).fill(0)
  }
}
