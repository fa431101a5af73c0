import { TracesBatch } from '../../component/batch.ts'
import type { BufferMemory } from '../../otlp/buffer-memory.ts'
import { Column, ROW_WORDS, SpanTable } from '../../otlp/span-table.ts'
import { Parent, type TraceIndex } from '../../otlp/trace-index.ts'
import { widened } from '../../otlp/widened.ts'
import type { TraceStore } from './trace-store.ts'
import type { TraceStructure } from './trace-structure.ts'

const NONE = -1

/** Gathers the spans of whole traces out of the store into one table, trace by trace. */
export class WholeTraces {
  readonly #memory: BufferMemory
  #table: SpanTable
  #parentRow = new Int32Array(1024)
  #firstRow = new Uint32Array(256)
  #state = new Uint8Array(256)
  #traceCount = 0
  /** Nearly as many as in the largest of the last batches. */
  #likelyRows = 1024
  // By slot of the store, the index in this table + 1. Only a hint: while a refused batch holds this one back, a slot may
  // have been left by what it stood for and taken by another.
  #resources = new Uint32Array(64)
  #scopes = new Uint32Array(64)
  #sources = new Uint32Array(64)

  constructor(memory: BufferMemory) {
    this.#memory = memory
    this.#table = new SpanTable(this.#likelyRows, memory)
  }

  get spanCount(): number {
    return this.#table.count
  }

  /** Takes the spans of a trace as `structure` has them; sources are retained for the batch. */
  add(store: TraceStore, structure: TraceStructure, state: number): void {
    const table = this.#table
    const base = table.count
    this.#reserve(base + structure.count)
    this.#firstRow[this.#traceCount] = base
    this.#state[this.#traceCount++] = state
    const from = store.words
    for (let i = 0; i < structure.count; i++) {
      const row = table.addRow()
      const to = table.words
      let f = structure.spans[i]! * ROW_WORDS
      let t = row * ROW_WORDS
      for (const end = f + ROW_WORDS; f < end; ) to[t++] = from[f++]!
      t -= ROW_WORDS
      to[t + Column.resource] = this.#resourceOf(store, to[t + Column.resource]!)
      to[t + Column.scope] = this.#scopeOf(store, to[t + Column.scope]!)
      to[t + Column.source] = this.#sourceOf(store, to[t + Column.source]!)
      const parent = structure.parents[i]!
      this.#parentRow[row] = parent >= 0 ? base + parent : parent
    }
  }

  /** The batch so far, which is the caller's to release; the next spans begin a new one. */
  take(): TracesBatch {
    const table = this.#table
    this.#firstRow[this.#traceCount] = table.count
    const traces: TraceIndex = {
      traceCount: this.#traceCount,
      firstRow: this.#firstRow.slice(0, this.#traceCount + 1),
      parentRow: this.#parentRow.slice(0, table.count),
      state: this.#state.slice(0, this.#traceCount),
    }
    // Large and small batches take turns: a table that has to grow is copied.
    this.#likelyRows = Math.max(table.count, Math.ceil(this.#likelyRows * 0.9))
    this.#table = new SpanTable(this.#likelyRows, this.#memory)
    this.#traceCount = 0
    this.#resources.fill(0)
    this.#scopes.fill(0)
    this.#sources.fill(0)
    return new TracesBatch(table, traces)
  }

  /** The same, without the structure: the detectors after the window leave such a batch alone. */
  takeUnanalysed(): TracesBatch {
    return new TracesBatch(this.take().table)
  }

  #reserve(rows: number): void {
    if (rows > this.#parentRow.length) {
      this.#parentRow = widened(this.#parentRow, rows, Parent.none)
    }
    if (this.#traceCount + 2 > this.#firstRow.length) {
      this.#firstRow = widened(this.#firstRow, this.#firstRow.length + 1)
      this.#state = widened(this.#state, this.#state.length + 1)
    }
  }

  #resourceOf(store: TraceStore, slot: number): number {
    if (slot >= this.#resources.length) this.#resources = widened(this.#resources, slot + 1)
    const refs = this.#table.resources
    const ref = store.resources.values[slot]!
    const known = this.#resources[slot]! - 1
    if (known !== NONE && refs[known] === ref) return known
    this.#resources[slot] = refs.push(ref)
    return refs.length - 1
  }

  #scopeOf(store: TraceStore, slot: number): number {
    if (slot >= this.#scopes.length) this.#scopes = widened(this.#scopes, slot + 1)
    const refs = this.#table.scopes
    const ref = store.scopes.values[slot]!
    const known = this.#scopes[slot]! - 1
    if (known !== NONE && refs[known] === ref) return known
    this.#scopes[slot] = refs.push(ref)
    return refs.length - 1
  }

  #sourceOf(store: TraceStore, slot: number): number {
    if (slot >= this.#sources.length) this.#sources = widened(this.#sources, slot + 1)
    const { sources } = this.#table
    const source = store.sources.values[slot]!
    const known = this.#sources[slot]! - 1
    if (known !== NONE && sources[known] === source) return known
    source.retain()
    this.#sources[slot] = sources.push(source)
    return sources.length - 1
  }
}
