import type { ResourceRef, ScopeRef } from '../../otlp/resource.ts'
import type { Source } from '../../otlp/source.ts'
import { Column, ROW_WORDS, type SpanTable } from '../../otlp/span-table.ts'
import { traceHash } from './id-hash.ts'
import { SlotLinks, SlotList } from './slot-list.ts'
import { SlotMap } from './slot-map.ts'

const NONE = -1
const FIRST_TRACES = 1024
const FIRST_SPANS = 8192

/**
 * The spans that wait, by trace. Spans are rows of one slab (the layout of SpanTable, with resource, scope and source
 * as slots of this store), chained by trace and by source; traces are slots of parallel arrays, found by an open-
 * addressing table on the trace id. Nothing is allocated for a span or a trace; the arrays double when they are full.
 */
export class TraceStore {
  words = new Uint32Array(FIRST_SPANS * ROW_WORDS)
  nextInTrace = new Int32Array(FIRST_SPANS)
  readonly #sourceLinks = new SlotLinks(FIRST_SPANS)
  #freeSpan = NONE
  #spanLimit = 0
  spanCount = 0

  readonly resources = new SlotMap<ResourceRef>()
  readonly scopes = new SlotMap<ScopeRef>()
  readonly sources = new SlotMap<Source>()
  /** By source slot: its spans, and how many of its bytes they are. */
  readonly #spansOfSource: SlotList[] = []
  readonly #liveBytes: number[] = []
  /** Bytes of all requests that have at least one span here. */
  retainedBytes = 0
  #allLiveBytes = 0

  traceCount = 0
  traceIds = new Uint32Array(FIRST_TRACES * 4)
  firstSpan = new Int32Array(FIRST_TRACES)
  #lastSpan = new Int32Array(FIRST_TRACES)
  spansOfTrace = new Uint32Array(FIRST_TRACES)
  firstSeenMs = new Float64Array(FIRST_TRACES)
  lastNewsMs = new Float64Array(FIRST_TRACES)
  /** Whether the trace has been looked at and found incomplete since its last news. */
  #waitsLong = new Uint8Array(FIRST_TRACES)
  readonly #stageLinks = new SlotLinks(FIRST_TRACES)
  readonly #ageLinks = new SlotLinks(FIRST_TRACES)
  /** Traces with news not looked at yet, oldest news first. */
  readonly fresh = new SlotList(this.#stageLinks)
  /** Traces found incomplete, oldest news first. */
  readonly waiting = new SlotList(this.#stageLinks)
  /** All traces, oldest first. */
  readonly byAge = new SlotList(this.#ageLinks)
  #freeTrace = NONE
  #traceLimit = 0
  /** Slot + 1 by hash; twice as many entries as traces at least. */
  #index = new Int32Array(FIRST_TRACES * 4)

  // Where the rows of the table being added have their resources, scopes and sources; once a request, not once a span.
  #resourceSlots = new Int32Array(16)
  #scopeSlots = new Int32Array(16)

  /** Bytes of the store's own arrays. */
  get byteLength(): number {
    return this.words.byteLength + this.#capacity * 12 + this.#traceCapacity * 74 + this.#index.byteLength
  }

  /** Bytes that no waiting span needs, in requests that are retained for another. */
  get deadBytes(): number {
    return this.retainedBytes - this.#allLiveBytes
  }

  /** Takes in all rows of a table; its sources are retained until their last span has left. */
  add(table: SpanTable, nowMs: number): void {
    this.#resourceSlots = slotsOf(table.resources, this.resources, this.#resourceSlots)
    this.#scopeSlots = slotsOf(table.scopes, this.scopes, this.#scopeSlots)
    for (let s = 0; s < table.sources.length; s++) this.#openSource(table.sources[s]!)
    const sourceSlot = table.sources.length === 1 ? this.sources.find(table.sources[0]!) : NONE
    const from = table.words
    for (let row = 0; row < table.count; row++) {
      const at = row * ROW_WORDS
      const trace = this.#traceOf(from, at, nowMs)
      const span = this.#addSpan(trace)
      const words = this.words
      let to = span * ROW_WORDS
      for (let f = at, end = at + ROW_WORDS; f < end; ) words[to++] = from[f++]!
      to -= ROW_WORDS
      const resource = this.#resourceSlots[from[at + Column.resource]!]!
      const scope = this.#scopeSlots[from[at + Column.scope]!]!
      const source = sourceSlot !== NONE ? sourceSlot : this.sources.find(table.sources[from[at + Column.source]!]!)
      words[to + Column.resource] = resource
      words[to + Column.scope] = scope
      words[to + Column.source] = source
      this.resources.add(resource)
      this.scopes.add(scope)
      this.sources.add(source)
      this.#spansOfSource[source]!.append(span)
      const bytes = from[at + Column.bodyEnd]! - from[at + Column.recordStart]!
      this.#liveBytes[source]! += bytes
      this.#allLiveBytes += bytes
    }
    for (let i = 0; i < table.resources.length; i++) this.resources.removeIfUnused(this.#resourceSlots[i]!)
    for (let i = 0; i < table.scopes.length; i++) this.scopes.removeIfUnused(this.#scopeSlots[i]!)
    for (let i = 0; i < table.sources.length; i++) this.#closeIfUnused(table.sources[i]!)
  }

  /** Calls no one: the caller walks `firstSpan` and `nextInTrace` itself, then frees the trace with all its spans. */
  removeTrace(trace: number): void {
    for (let span = this.firstSpan[trace]!; span !== NONE; ) {
      const next = this.nextInTrace[span]!
      this.#removeSpan(span)
      span = next
    }
    ;(this.#waitsLong[trace] === 1 ? this.waiting : this.fresh).remove(trace)
    this.byAge.remove(trace)
    this.#unindex(trace)
    this.firstSpan[trace] = this.#freeTrace
    this.#freeTrace = trace
    this.traceCount--
  }

  /** Moves a trace that was found incomplete to those that wait for `quiet`. */
  waitLonger(trace: number): void {
    this.fresh.remove(trace)
    this.#waitsLong[trace] = 1
    this.waiting.append(trace)
  }

  /**
   * Copies the spans of mostly dead requests into one new request and lets the old ones go. `makeSource` turns the bytes
   * into a Source with one reference, which becomes the store's. Returns how many spans were moved.
   */
  compact(largestLiveShare: number, makeSource: (bytes: Uint8Array) => Source): number {
    const victims: number[] = []
    let bytes = 0
    for (let slot = 0; slot < this.sources.values.length; slot++) {
      const source = this.sources.values[slot]
      if (!source || this.#liveBytes[slot]! >= source.bytes.length * largestLiveShare) continue
      victims.push(slot)
      bytes += this.#liveBytes[slot]!
    }
    if (victims.length < 2 && bytes === 0) return 0
    const copy = makeSource(new Uint8Array(bytes))
    const target = this.#openSource(copy)
    let moved = 0
    let offset = 0
    for (const slot of victims) {
      const from = Buffer.from(this.sources.values[slot]!.bytes.buffer, this.sources.values[slot]!.bytes.byteOffset)
      const list = this.#spansOfSource[slot]!
      for (let span = list.first; span !== NONE; span = list.first) {
        offset += this.#moveSpan(span, from, copy.bytes, offset, target)
        moved++
      }
    }
    copy.release()
    return moved
  }

  get #capacity(): number {
    return this.nextInTrace.length
  }

  get #traceCapacity(): number {
    return this.firstSpan.length
  }

  /** Copies one span's record to `offset` of `bytes` and makes it a span of the source there; returns its length. */
  #moveSpan(span: number, from: Buffer, bytes: Uint8Array, offset: number, target: number): number {
    const at = span * ROW_WORDS
    const words = this.words
    const start = words[at + Column.recordStart]!
    const length = words[at + Column.bodyEnd]! - start
    from.copy(bytes, offset, start, start + length)
    this.#leaveSource(span, words[at + Column.source]!)
    const shift = offset - start
    words[at + Column.recordStart]! += shift
    words[at + Column.bodyStart]! += shift
    words[at + Column.bodyEnd]! += shift
    words[at + Column.nameStart]! += shift
    words[at + Column.source] = target
    this.sources.add(target)
    this.#spansOfSource[target]!.append(span)
    this.#liveBytes[target]! += length
    this.#allLiveBytes += length
    return length
  }

  #openSource(source: Source): number {
    const known = this.sources.find(source)
    if (known !== NONE) return known
    const slot = this.sources.slotOf(source)
    this.#spansOfSource[slot] ??= new SlotList(this.#sourceLinks)
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

  #leaveSource(span: number, slot: number): void {
    const at = span * ROW_WORDS
    const source = this.sources.values[slot]!
    this.#spansOfSource[slot]!.remove(span)
    const bytes = this.words[at + Column.bodyEnd]! - this.words[at + Column.recordStart]!
    this.#liveBytes[slot]! -= bytes
    this.#allLiveBytes -= bytes
    if (!this.sources.remove(slot)) return
    this.retainedBytes -= source.bytes.length
    source.release()
  }

  #addSpan(trace: number): number {
    let span = this.#freeSpan
    if (span !== NONE) this.#freeSpan = this.nextInTrace[span]!
    else {
      if (this.#spanLimit === this.#capacity) this.#growSpans()
      span = this.#spanLimit++
    }
    this.spanCount++
    this.nextInTrace[span] = NONE
    const last = this.#lastSpan[trace]!
    if (last === NONE) this.firstSpan[trace] = span
    else this.nextInTrace[last] = span
    this.#lastSpan[trace] = span
    this.spansOfTrace[trace]!++
    return span
  }

  #removeSpan(span: number): void {
    const at = span * ROW_WORDS
    this.resources.remove(this.words[at + Column.resource]!)
    this.scopes.remove(this.words[at + Column.scope]!)
    this.#leaveSource(span, this.words[at + Column.source]!)
    this.nextInTrace[span] = this.#freeSpan
    this.#freeSpan = span
    this.spanCount--
  }

  /** The slot of the trace whose id stands at `words[at]`, a new one if need be; news for it either way. */
  #traceOf(words: Uint32Array, at: number, nowMs: number): number {
    const mask = this.#index.length - 1
    let i = traceHash(words, at) & mask
    for (let entry = this.#index[i]!; entry !== 0; i = (i + 1) & mask, entry = this.#index[i]!) {
      const trace = entry - 1
      const t = trace * 4
      const ids = this.traceIds
      if (
        ids[t + 3] === words[at + 3] &&
        ids[t + 2] === words[at + 2] &&
        ids[t + 1] === words[at + 1] &&
        ids[t] === words[at]
      ) {
        this.#news(trace, nowMs)
        return trace
      }
    }
    return this.#addTrace(words, at, nowMs, i)
  }

  #addTrace(words: Uint32Array, at: number, nowMs: number, place: number): number {
    let trace = this.#freeTrace
    if (trace !== NONE) this.#freeTrace = this.firstSpan[trace]!
    else {
      if (this.#traceLimit === this.#traceCapacity) {
        this.#growTraces()
        place = this.#freePlace(words, at)
      }
      trace = this.#traceLimit++
    }
    this.traceCount++
    for (let i = 0; i < 4; i++) this.traceIds[trace * 4 + i] = words[at + i]!
    this.firstSpan[trace] = NONE
    this.#lastSpan[trace] = NONE
    this.spansOfTrace[trace] = 0
    this.firstSeenMs[trace] = nowMs
    this.lastNewsMs[trace] = nowMs
    this.#waitsLong[trace] = 0
    this.#index[place] = trace + 1
    this.fresh.append(trace)
    this.byAge.append(trace)
    return trace
  }

  #news(trace: number, nowMs: number): void {
    if (this.lastNewsMs[trace] === nowMs && this.#waitsLong[trace] === 0) return
    ;(this.#waitsLong[trace] === 1 ? this.waiting : this.fresh).remove(trace)
    this.#waitsLong[trace] = 0
    this.lastNewsMs[trace] = nowMs
    this.fresh.append(trace)
  }

  #freePlace(words: Uint32Array, at: number): number {
    const mask = this.#index.length - 1
    let i = traceHash(words, at) & mask
    while (this.#index[i] !== 0) i = (i + 1) & mask
    return i
  }

  /** Takes a trace out of the table and closes the gap, so that probing never meets a tombstone. */
  #unindex(trace: number): void {
    const mask = this.#index.length - 1
    let gap = traceHash(this.traceIds, trace * 4) & mask
    while (this.#index[gap] !== trace + 1) gap = (gap + 1) & mask
    for (let i = (gap + 1) & mask; this.#index[i] !== 0; i = (i + 1) & mask) {
      const home = traceHash(this.traceIds, (this.#index[i]! - 1) * 4) & mask
      // The entry at i may move to the gap unless its home lies cyclically after the gap.
      if (((i - home) & mask) >= ((i - gap) & mask)) {
        this.#index[gap] = this.#index[i]!
        gap = i
      }
    }
    this.#index[gap] = 0
  }

  #growSpans(): void {
    const capacity = this.#capacity * 2
    const words = new Uint32Array(capacity * ROW_WORDS)
    words.set(this.words)
    this.words = words
    const next = new Int32Array(capacity)
    next.set(this.nextInTrace)
    this.nextInTrace = next
    this.#sourceLinks.grow(capacity)
  }

  #growTraces(): void {
    const capacity = this.#traceCapacity * 2
    const traceIds = new Uint32Array(capacity * 4)
    traceIds.set(this.traceIds)
    this.traceIds = traceIds
    const firstSpan = new Int32Array(capacity)
    firstSpan.set(this.firstSpan)
    this.firstSpan = firstSpan
    const lastSpan = new Int32Array(capacity)
    lastSpan.set(this.#lastSpan)
    this.#lastSpan = lastSpan
    const spansOfTrace = new Uint32Array(capacity)
    spansOfTrace.set(this.spansOfTrace)
    this.spansOfTrace = spansOfTrace
    const firstSeenMs = new Float64Array(capacity)
    firstSeenMs.set(this.firstSeenMs)
    this.firstSeenMs = firstSeenMs
    const lastNewsMs = new Float64Array(capacity)
    lastNewsMs.set(this.lastNewsMs)
    this.lastNewsMs = lastNewsMs
    const waitsLong = new Uint8Array(capacity)
    waitsLong.set(this.#waitsLong)
    this.#waitsLong = waitsLong
    this.#stageLinks.grow(capacity)
    this.#ageLinks.grow(capacity)
    this.#index = new Int32Array(capacity * 4)
    for (let trace = this.byAge.first; trace !== NONE; trace = this.#ageLinks.next[trace]!)
      this.#index[this.#freePlace(this.traceIds, trace * 4)] = trace + 1
  }
}

/** The slots of a table's few resources or scopes, in a reused array. */
function slotsOf<T extends object>(
  refs: readonly T[],
  map: SlotMap<T>,
  reuse: Int32Array<ArrayBuffer>,
): Int32Array<ArrayBuffer> {
  const slots = reuse.length >= refs.length ? reuse : new Int32Array(refs.length * 2)
  for (let i = 0; i < refs.length; i++) slots[i] = map.slotOf(refs[i]!)
  return slots
}
