import { Column, ROW_WORDS } from '../../otlp/span-table.ts'
import type { PassedSpans } from './passed-spans.ts'
import type { TraceStore } from './trace-store.ts'

const NONE = -1
/** Few enough that what is read of them is still in the nearest caches when the last is looked at. */
const TRACES = 64
/** Newest spans of a trace that are read; those of larger traces are not. */
const SPANS_OF_TRACE = 8

/**
 * Reads a little of what handing on the next traces looks at: their records and spans, where they stand in the table of
 * traces, where they will be remembered, and where it stands whether they were marked. What has waited is in no cache: that of many traces comes in the time of one
 * when it is asked for together.
 */
export class LookAhead {
  readonly #slots = new Int32Array(TRACES)
  /** Of no use to anybody; but what is kept nowhere is not read either. */
  fetched = 0

  /** For the oldest of the fresh traces of which nothing was heard for `quietMs`; returns for how many. */
  fetch(store: TraceStore, passed: PassedSpans, marked: PassedSpans, quietMs: number, nowMs: number): number {
    const { traces } = store
    const slots = this.#slots
    const fresh = traces.fresh.peek(slots)
    let due = 0
    while (due < fresh && traces.lastNewsMs(slots[due]!) + quietMs <= nowMs) due++
    let read = 0
    for (let i = 0; i < due; i++) {
      const slot = slots[i]!
      const hash = traces.hash(slot)
      read ^= traces.indexEntry(slot) ^ passed.firstWord(hash) ^ marked.firstWords(hash)
      slots[i] = traces.newestSpan(slot)
    }
    this.fetched = read ^ this.#fetchSpans(store, due)
    return due
  }

  /** Of all traces the newest span, then of all the one before it, and so on. */
  #fetchSpans({ words, nextInTrace }: TraceStore, traces: number): number {
    const spans = this.#slots
    let read = 0
    for (let round = 0; round < SPANS_OF_TRACE; round++) {
      let left = 0
      for (let i = 0; i < traces; i++) {
        const span = spans[i]!
        if (span === NONE) continue
        const at = span * ROW_WORDS
        read ^= words[at]! ^ words[at + Column.keyMask]!
        spans[left++] = nextInTrace[span]!
      }
      traces = left
    }
    return read
  }
}
