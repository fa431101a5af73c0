import { Column, ROW_WORDS, SpanKind } from '../../otlp/span-table.ts'
import { Parent } from '../../otlp/trace-index.ts'
import type { AnsweredCalls } from './answered-calls.ts'
import { spanHashA, spanHashB } from './id-hash.ts'
import type { PassedSpans } from './passed-spans.ts'
import type { TraceStore } from './trace-store.ts'

const NONE = -1
/** Up to this many spans, comparing all with all is quicker than hashing them. */
const SMALL_TRACE = 12

/**
 * How the spans of one waiting trace hang together, in arrays that are reused for the next trace: `spans[i]` is a row of
 * the store, `parents[i]` the place of its parent in `spans` or a value of `Parent`.
 */
export class TraceStructure {
  spans = new Int32Array(256)
  parents = new Int32Array(256)
  count = 0
  roots = 0
  missing = 0
  passed = 0
  /** Calls without a callee that is worth waiting for. */
  open = 0
  /** Calls without a callee although calls of that operation are answered as a rule. */
  holes = 0
  /** Whether a span is the parent of a span of another resource. */
  answered = new Uint8Array(256)
  /**
   * By the hash of the id, at most half full: the place of a span + 1, which the bits of the hash that lead here have room
   * for, below the others of them. Those tell most other ids without a look at their spans, which are in no cache.
   */
  #index = new Int32Array(1024)
  readonly #passedSpans: PassedSpans
  readonly #calls: AnsweredCalls

  constructor(passedSpans: PassedSpans, calls: AnsweredCalls) {
    this.#passedSpans = passedSpans
    this.#calls = calls
  }

  /** Nothing more is expected: root there, nothing missing, nothing open. */
  get settled(): boolean {
    return this.open === 0 && this.complete
  }

  /** All of the trace is there, as far as one can tell. */
  get complete(): boolean {
    return this.missing === 0 && this.holes === 0 && (this.roots > 0 || this.passed > 0)
  }

  read(store: TraceStore, trace: number): void {
    this.#collect(store, trace)
    if (this.count <= SMALL_TRACE) this.#linkByComparing(store.words)
    else this.#linkByHash(store.words)
    this.#resolveMissing(store, trace)
    this.#findOpen(store.words)
  }

  #collect(store: TraceStore, trace: number): void {
    const count = store.traces.spanCount(trace)
    if (count > this.spans.length) {
      const capacity = Math.max(count, this.spans.length * 2)
      this.spans = new Int32Array(capacity)
      this.parents = new Int32Array(capacity)
      this.answered = new Uint8Array(capacity)
    }
    this.count = count
    this.roots = 0
    this.missing = 0
    this.passed = 0
    this.open = 0
    this.holes = 0
    this.answered.fill(0, 0, count)
    let i = count
    for (let span = store.traces.newestSpan(trace); span !== NONE; span = store.nextInTrace[span]!)
      this.spans[--i] = span
  }

  #linkByComparing(words: Uint32Array): void {
    const { spans, count } = this
    for (let i = 0; i < count; i++) {
      const child = spans[i]! * ROW_WORDS
      const hi = words[child + Column.parentId]!
      const lo = words[child + Column.parentId + 1]!
      let found = NONE
      for (let j = 0; j < count; j++) {
        const id = spans[j]! * ROW_WORDS + Column.spanId
        if (words[id + 1] === lo && words[id] === hi) found = this.#betterParent(words, i, found, j)
        else if (words[id + 1] === words[child + Column.spanId + 1] && this.#isSharedTwin(words, i, j)) {
          found = j
          break
        }
      }
      this.#setParent(words, i, found)
    }
  }

  #linkByHash(words: Uint32Array): void {
    const { spans, count } = this
    let size = this.#index.length
    while (size < count * 2) size *= 2
    if (size !== this.#index.length) this.#index = new Int32Array(size)
    else this.#index.fill(0)
    const index = this.#index
    const mask = size - 1
    for (let j = 0; j < count; j++) {
      const id = spans[j]! * ROW_WORDS + Column.spanId
      const hash = spanHashA(0, words[id]!, words[id + 1]!)
      let i = hash & mask
      while (index[i] !== 0) i = (i + 1) & mask
      index[i] = (hash & ~mask) | (j + 1)
    }
    for (let i = 0; i < count; i++) {
      const child = spans[i]! * ROW_WORDS
      let found = this.#findSharedTwin(words, i, mask)
      if (found === NONE) {
        const hi = words[child + Column.parentId]!
        const lo = words[child + Column.parentId + 1]!
        const hash = spanHashA(0, hi, lo)
        for (let k = hash & mask; index[k] !== 0; k = (k + 1) & mask) {
          if (((index[k]! ^ hash) & ~mask) !== 0) continue
          const j = (index[k]! & mask) - 1
          const id = spans[j]! * ROW_WORDS + Column.spanId
          if (words[id + 1] === lo && words[id] === hi) found = this.#betterParent(words, i, found, j)
        }
      }
      this.#setParent(words, i, found)
    }
  }

  /** Zipkin's B3 lets a server span share the id of its client span, which then is its parent. */
  #isSharedTwin(words: Uint32Array, server: number, client: number): boolean {
    if (server === client) return false
    const s = this.spans[server]! * ROW_WORDS
    const c = this.spans[client]! * ROW_WORDS
    return (
      words[s + Column.spanId] === words[c + Column.spanId] &&
      words[s + Column.spanId + 1] === words[c + Column.spanId + 1] &&
      kindOf(words, this.spans[server]!) === SpanKind.server &&
      kindOf(words, this.spans[client]!) === SpanKind.client
    )
  }

  #findSharedTwin(words: Uint32Array, i: number, mask: number): number {
    if (kindOf(words, this.spans[i]!) !== SpanKind.server) return NONE
    const id = this.spans[i]! * ROW_WORDS + Column.spanId
    const index = this.#index
    const hash = spanHashA(0, words[id]!, words[id + 1]!)
    for (let k = hash & mask; index[k] !== 0; k = (k + 1) & mask) {
      if (((index[k]! ^ hash) & ~mask) !== 0) continue
      const j = (index[k]! & mask) - 1
      if (this.#isSharedTwin(words, i, j)) return j
    }
    return NONE
  }

  /**
   * Of two spans with the parent's id, the one to hang a child on: where client and server share an id, what happened
   * below them belongs to the server.
   */
  #betterParent(words: Uint32Array, child: number, found: number, candidate: number): number {
    if (candidate === child) return found
    if (found === NONE) return candidate
    return kindOf(words, this.spans[candidate]!) === SpanKind.server ? candidate : found
  }

  #setParent(words: Uint32Array, i: number, found: number): void {
    const child = this.spans[i]! * ROW_WORDS
    if (found === NONE) {
      const isRoot = (words[child + Column.parentId]! | words[child + Column.parentId + 1]!) === 0
      this.parents[i] = isRoot ? Parent.none : Parent.missing
      if (isRoot) this.roots++
      else this.missing++
      return
    }
    this.parents[i] = found
    const parent = this.spans[found]! * ROW_WORDS
    if (words[child + Column.resource] !== words[parent + Column.resource]) this.answered[found] = 1
  }

  /** A parent that went on with an earlier piece of this trace is not missing. */
  #resolveMissing(store: TraceStore, trace: number): void {
    if (this.missing === 0) return
    const words = store.words
    const hash = store.traces.hash(trace)
    for (let i = 0; i < this.count; i++) {
      if (this.parents[i] !== Parent.missing) continue
      const at = this.spans[i]! * ROW_WORDS + Column.parentId
      const hi = words[at]!
      const lo = words[at + 1]!
      if (!this.#passedSpans.hasSpan(hash, spanHashA(hash, hi, lo), spanHashB(hash, hi, lo))) continue
      this.parents[i] = Parent.passed
      this.missing--
      this.passed++
    }
  }

  #findOpen(words: Uint32Array): void {
    for (let i = 0; i < this.count; i++) {
      if (this.answered[i] === 1 || kindOf(words, this.spans[i]!) !== SpanKind.client) continue
      const at = this.spans[i]! * ROW_WORDS
      if (this.#calls.isWorthWaitingFor(words, at)) this.open++
      if (this.#calls.isAnsweredAsARule(words, at)) this.holes++
    }
  }
}

function kindOf(words: Uint32Array, span: number): number {
  return words[span * ROW_WORDS + Column.meta]! & 0xff
}
