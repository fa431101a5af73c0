import { Column, ROW_WORDS, SpanKind } from '../../otlp/span-table.ts'
import type { LifetimeFacts } from './lifetime-facts.ts'

/** Words of a span that is remembered: span id, last word of the trace id, end, operation, service, clock, start. */
const WORDS = 10
/** Set in the operation of a span that has been found to have ended early. */
const COUNTED = 0x8000_0000

/**
 * Spans that have gone on, so that a child which is exported after its trace has left can still be compared with its
 * parent. They stand in a ring in the order in which they went, each in place of the oldest one, 40 bytes each, and are
 * found by a direct-mapped index of 4 bytes each. The index is brought up to date only when a child has come late: what is
 * written once a span is written next to what was written last. Calls are left out: what they lead to is served by others.
 */
export class RecentSpans {
  readonly #words: Uint32Array
  /** By the hash of trace and span id: 1 + the place of the last span with it, of those that were indexed. */
  readonly #index: Uint32Array
  #next = 0
  /** Words at the end of the ring that the index does not know yet, at most all of them. */
  #unindexed = 0

  constructor(limit: number) {
    const size = 2 ** Math.floor(Math.log2(Math.max(1, limit)))
    this.#words = new Uint32Array(size * WORDS)
    this.#index = new Uint32Array(size)
  }

  /** `extra` is not zero, by row, where the span has been found to have ended early. */
  remember(facts: LifetimeFacts, extra: Float64Array): void {
    const { table } = facts.batch
    const { words: from } = table
    const to = this.#words
    let place = this.#next
    let added = 0
    for (let row = 0; row < table.count; row++) {
      const at = row * ROW_WORDS
      const kind = from[at + Column.meta]! & 0xff
      if (kind === SpanKind.client || kind === SpanKind.producer) continue
      const resource = from[at + Column.resource]!
      to[place] = from[at + Column.spanId]!
      to[place + 1] = from[at + Column.spanId + 1]!
      to[place + 2] = from[at + Column.traceId + 3]!
      to[place + 3] = from[at + Column.end]!
      to[place + 4] = from[at + Column.end + 1]!
      to[place + 5] = extra[row] === 0 ? facts.operations[row]! : facts.operations[row]! + COUNTED
      to[place + 6] = facts.services[resource]!
      to[place + 7] = facts.sources[resource]!
      to[place + 8] = from[at + Column.start]!
      to[place + 9] = from[at + Column.start + 1]!
      place = place + WORDS === to.length ? 0 : place + WORDS
      added += WORDS
    }
    this.#next = place
    this.#unindexed = Math.min(to.length, this.#unindexed + added)
  }

  /** Where the parent of a row is remembered, if it ran in the same process; −1 otherwise. */
  parentOf(facts: LifetimeFacts, row: number): number {
    this.#indexAll()
    const { words } = facts.batch.table
    const at = row * ROW_WORDS
    const high = words[at + Column.parentId]!
    const low = words[at + Column.parentId + 1]!
    const trace = words[at + Column.traceId + 3]!
    const place = this.#index[hashOf(trace, high, low) & (this.#index.length - 1)]! - 1
    if (place < 0) return -1
    const own = this.#words
    const isSame = own[place] === high && own[place + 1] === low && own[place + 2] === trace && high + low > 0
    const source = facts.sourceOf(row)
    return isSame && source >= 0 && own[place + 6] === facts.serviceOf(row) && own[place + 7] === source ? place : -1
  }

  /** Oldest first, so that of two spans with one hash the index has the last. */
  #indexAll(): void {
    const words = this.#words
    const index = this.#index
    let place = this.#next - this.#unindexed
    if (place < 0) place += words.length
    for (; this.#unindexed > 0; this.#unindexed -= WORDS) {
      index[hashOf(words[place + 2]!, words[place]!, words[place + 1]!) & (index.length - 1)] = place + 1
      place = place + WORDS === words.length ? 0 : place + WORDS
    }
  }

  operationOf(place: number): number {
    return this.#words[place + 5]! & ~COUNTED
  }

  /** Whether this is the first time that it is found to have ended early. */
  countOnce(place: number): boolean {
    const isFirst = this.#words[place + 5]! < COUNTED
    if (isFirst) this.#words[place + 5]! += COUNTED
    return isFirst
  }

  durationNano(place: number): number {
    const words = this.#words
    return (words[place + 3]! - words[place + 8]!) * 4294967296 + (words[place + 4]! - words[place + 9]!)
  }

  /** From the end of the parent to a time of the row. */
  sinceEndNano(place: number, facts: LifetimeFacts, row: number, column: number): number {
    const { words } = facts.batch.table
    const at = row * ROW_WORDS + column
    return (words[at]! - this.#words[place + 3]!) * 4294967296 + (words[at + 1]! - this.#words[place + 4]!)
  }
}

function hashOf(trace: number, high: number, low: number): number {
  const hash = Math.imul(high ^ Math.imul(low, 0x9e3779b1) ^ Math.imul(trace, 0xc2b2ae35), 0x85ebca6b)
  return hash ^ (hash >>> 15)
}
