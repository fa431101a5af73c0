import type { ResourceRef, ScopeRef } from '../../otlp/resource.ts'
import type { Source } from '../../otlp/source.ts'
import { Column, ROW_WORDS, type SpanTable } from '../../otlp/span-table.ts'
import { FreeSlots } from './free-slots.ts'
import { SlotMap } from './slot-map.ts'
import { TraceSlots } from './trace-slots.ts'

const NONE = -1
const FIRST_SPANS = 8192
/** Rows whose traces are looked up together: so few that the records of all are still in the nearest cache. */
const CHUNK_ROWS = 128

/**
 * The spans that wait, by trace. Spans are rows of one slab (the layout of SpanTable, with resource, scope and source
 * as slots of this store), chained by trace. Nothing is allocated for a span; the arrays double when they are full.
 */
export class TraceStore {
  readonly traces = new TraceSlots()
  words = new Uint32Array(FIRST_SPANS * ROW_WORDS)
  nextInTrace = new Int32Array(FIRST_SPANS)
  readonly #freeSpans = new FreeSlots()
  spanCount = 0

  readonly resources = new SlotMap<ResourceRef>()
  readonly scopes = new SlotMap<ScopeRef>()
  readonly sources = new SlotMap<Source>()
  /** By source slot: how many of its bytes belong to spans that wait. */
  readonly #liveBytes: number[] = []
  #allLiveBytes = 0
  /** Bytes of all requests that have at least one span here. */
  retainedBytes = 0

  // Where the rows of the table being added have their resources, scopes and sources; once a request, not once a span.
  #resourceSlots = new Int32Array(16)
  #scopeSlots = new Int32Array(16)
  #sourceSlots = new Int32Array(16)
  readonly #traceSlots = new Int32Array(CHUNK_ROWS)

  /** Bytes of the store's own arrays. */
  get byteLength(): number {
    return this.words.byteLength + this.nextInTrace.byteLength + this.#freeSpans.byteLength + this.traces.byteLength
  }

  /** Bytes that no waiting span needs, in requests that are retained for another. */
  get deadBytes(): number {
    return this.retainedBytes - this.#allLiveBytes
  }

  /** Takes in all rows of a table; its sources are retained until their last span has left. */
  add(table: SpanTable, nowMs: number): void {
    for (const source of table.sources) this.#openSource(source)
    this.#resourceSlots = slotsOf(table.resources, this.resources, this.#resourceSlots)
    this.#scopeSlots = slotsOf(table.scopes, this.scopes, this.#scopeSlots)
    this.#sourceSlots = slotsOf(table.sources, this.sources, this.#sourceSlots)
    const from = table.words
    for (let row = 0; row < table.count; row++) {
      const at = row * ROW_WORDS
      const inChunk = row % CHUNK_ROWS
      if (inChunk === 0) this.traces.find(from, row, Math.min(CHUNK_ROWS, table.count - row), this.#traceSlots)
      let trace = this.#traceSlots[inChunk]!
      if (trace === NONE) trace = this.traces.slotOf(from, at, nowMs)
      this.traces.news(trace, nowMs)
      const span = this.#addSpan(trace)
      const words = this.words
      let to = span * ROW_WORDS
      for (let f = at, end = at + ROW_WORDS; f < end; ) words[to++] = from[f++]!
      to -= ROW_WORDS
      const resource = this.#resourceSlots[from[at + Column.resource]!]!
      const scope = this.#scopeSlots[from[at + Column.scope]!]!
      const source = this.#sourceSlots[from[at + Column.source]!]!
      words[to + Column.resource] = resource
      words[to + Column.scope] = scope
      words[to + Column.source] = source
      this.resources.add(resource)
      this.scopes.add(scope)
      this.#enterSource(source, from[at + Column.bodyEnd]! - from[at + Column.recordStart]!)
    }
    for (let i = 0; i < table.resources.length; i++) this.resources.removeIfUnused(this.#resourceSlots[i]!)
    for (let i = 0; i < table.scopes.length; i++) this.scopes.removeIfUnused(this.#scopeSlots[i]!)
    for (const source of table.sources) this.#closeIfUnused(source)
  }

  /** Frees a trace with all its spans. */
  removeTrace(trace: number): void {
    for (let span = this.traces.newestSpan(trace); span !== NONE; ) {
      const next = this.nextInTrace[span]!
      this.#removeSpan(span)
      span = next
    }
    this.traces.remove(trace)
  }

  /**
   * Copies the spans of mostly dead requests into one new request and lets the old ones go. `makeSource` makes one of so
   * many bytes, with one reference. Looks at every span that waits: for when there is much to gain. Returns how many spans
   * were moved.
   */
  compact(largestLiveShare: number, makeSource: (bytes: number) => Source): number {
    const isVictim = new Uint8Array(this.sources.values.length)
    let bytes = 0
    for (let slot = 0; slot < isVictim.length; slot++) {
      const source = this.sources.values[slot]
      if (!source || this.#liveBytes[slot]! >= source.bytes.length * largestLiveShare) continue
      isVictim[slot] = 1
      bytes += this.#liveBytes[slot]!
    }
    if (bytes === 0) return 0
    const copy = makeSource(bytes)
    const target = this.#openSource(copy)
    let moved = 0
    let offset = 0
    for (let trace = this.traces.after(NONE); trace !== NONE; trace = this.traces.after(trace)) {
      for (let span = this.traces.newestSpan(trace); span !== NONE; span = this.nextInTrace[span]!) {
        if (isVictim[this.words[span * ROW_WORDS + Column.source]!] !== 1) continue
        offset += this.#moveSpan(span, copy.bytes, offset, target)
        moved++
      }
    }
    copy.release()
    return moved
  }

  /** Copies one span's record to `offset` of `bytes` and makes it a span of the source there; returns its length. */
  #moveSpan(span: number, bytes: Uint8Array, offset: number, target: number): number {
    const at = span * ROW_WORDS
    const words = this.words
    const source = words[at + Column.source]!
    const start = words[at + Column.recordStart]!
    const end = words[at + Column.bodyEnd]!
    bytes.set(this.sources.values[source]!.bytes.subarray(start, end), offset)
    this.#enterSource(target, end - start)
    this.#leaveSource(source, end - start)
    const shift = offset - start
    words[at + Column.recordStart]! += shift
    words[at + Column.bodyStart]! += shift
    words[at + Column.bodyEnd]! += shift
    words[at + Column.nameStart]! += shift
    words[at + Column.source] = target
    return end - start
  }

  #openSource(source: Source): number {
    const known = this.sources.find(source)
    if (known !== NONE) return known
    const slot = this.sources.slotOf(source)
    this.#liveBytes[slot] = 0
    this.retainedBytes += source.bytes.length
    source.retain()
    return slot
  }

  /** A request without spans needs no slot. */
  #closeIfUnused(source: Source): void {
    if (!this.sources.removeIfUnused(this.sources.find(source))) return
    this.retainedBytes -= source.bytes.length
    source.release()
  }

  #enterSource(slot: number, bytes: number): void {
    this.sources.add(slot)
    this.#liveBytes[slot]! += bytes
    this.#allLiveBytes += bytes
  }

  #leaveSource(slot: number, bytes: number): void {
    const source = this.sources.values[slot]!
    this.#liveBytes[slot]! -= bytes
    this.#allLiveBytes -= bytes
    if (!this.sources.remove(slot)) return
    this.retainedBytes -= source.bytes.length
    source.release()
  }

  #addSpan(trace: number): number {
    const span = this.#freeSpans.take()
    if (span === this.nextInTrace.length) this.#grow()
    this.spanCount++
    this.nextInTrace[span] = this.traces.addSpan(trace, span)
    return span
  }

  #removeSpan(span: number): void {
    const at = span * ROW_WORDS
    const words = this.words
    this.resources.remove(words[at + Column.resource]!)
    this.scopes.remove(words[at + Column.scope]!)
    this.#leaveSource(words[at + Column.source]!, words[at + Column.bodyEnd]! - words[at + Column.recordStart]!)
    this.#freeSpans.give(span)
    this.spanCount--
  }

  #grow(): void {
    const words = new Uint32Array(this.words.length * 2)
    words.set(this.words)
    this.words = words
    const next = new Int32Array(this.nextInTrace.length * 2)
    next.set(this.nextInTrace)
    this.nextInTrace = next
  }
}

/** The slots of a table's few resources, scopes or sources, in a reused array. */
function slotsOf<T extends object>(
  refs: readonly T[],
  map: SlotMap<T>,
  reuse: Int32Array<ArrayBuffer>,
): Int32Array<ArrayBuffer> {
  const slots = reuse.length >= refs.length ? reuse : new Int32Array(refs.length * 2)
  for (let i = 0; i < refs.length; i++) slots[i] = map.slotOf(refs[i]!)
  return slots
}
