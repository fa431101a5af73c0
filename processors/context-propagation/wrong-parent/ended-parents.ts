import type { PassedSpan } from '../../../component/occurrence-rule.ts'
import { Column, ROW_WORDS, type SpanTable } from '../../../otlp/span-table.ts'

/** Spans under one parent after its end, and the time from that end to the last of them, that make a reused context. */
const REUSED_CHILDREN = 5
const REUSED_OVER_MS = 10_000
/** A last try waits for as long as all tries before it together; no round of a loop waits for this share of all its time. */
const BACKOFF = 0.5
/** Children of a parent that are kept as evidence until that is known, where all evidence is asked for (replay). */
const MAX_KEPT = 1000

/** Spans of one operation that began after their parent had ended. */
export interface EndedParent {
  /** When the parent ended; where it left with an earlier piece of the trace, when the first of them began. */
  readonly endMs: number
  readonly traceLow: number
  readonly spanLow: number
  readonly operation: number
  children: number
  lastMs: number
  /** The longest time between two of them, or before the first. */
  longestGapMs: number
  /** Whether it got spans again and again until long after its end. */
  isReused: boolean
  /** The first of them, and how many there were, until they are taken for a reused context. */
  pending: PassedSpan[]
}

/**
 * Parents under which spans began after their end, by trace, parent and operation of the child. The least recently fed
 * goes when there are too many. Only for what is odd: an object each.
 */
export class EndedParents {
  readonly #limit: number
  /** A key is a hash: entries are compared by what they hold of the ids. */
  readonly #entries = new Map<number, EndedParent>()

  constructor(limit: number) {
    this.#limit = limit
  }

  /** The entry of a row's parent, where spans of the same operation were seen after its end before. */
  find(table: SpanTable, row: number, operation: number): EndedParent | null {
    const at = row * ROW_WORDS
    const entry = this.#entries.get(keyOf(table, row, operation))
    const isIt =
      entry !== undefined &&
      entry.traceLow === table.words[at + Column.traceId + 3] &&
      entry.spanLow === table.words[at + Column.parentId + 1] &&
      entry.operation === operation
    return isIt ? entry : null
  }

  /** One more span after its parent's end; `endMs` where that is known. */
  add(table: SpanTable, row: number, operation: number, endMs: number | null): EndedParent {
    const startMs = table.timeMs(row, Column.start)
    const key = keyOf(table, row, operation)
    const at = row * ROW_WORDS
    const entry = this.find(table, row, operation) ?? {
      endMs: endMs ?? startMs,
      traceLow: table.words[at + Column.traceId + 3]!,
      spanLow: table.words[at + Column.parentId + 1]!,
      operation,
      children: 0,
      lastMs: endMs ?? startMs,
      longestGapMs: 0,
      isReused: false,
      pending: [],
    }
    entry.children++
    entry.longestGapMs = Math.max(entry.longestGapMs, startMs - entry.lastMs)
    entry.lastMs = Math.max(entry.lastMs, startMs)
    entry.isReused ||= isReused(entry)
    this.#entries.delete(key)
    this.#entries.set(key, entry)
    if (this.#entries.size > this.#limit) this.#entries.delete(this.#entries.keys().next().value!)
    return entry
  }
}

function isReused({ children, lastMs, endMs, longestGapMs }: EndedParent): boolean {
  const lastedMs = lastMs - endMs
  return children >= REUSED_CHILDREN && lastedMs >= REUSED_OVER_MS && longestGapMs < lastedMs * BACKOFF
}

/** Keeps a span as evidence until it is known what its parent is. */
export function keepPending(
  { pending, operation }: EndedParent,
  table: SpanTable,
  row: number,
  evidenceLimit: number,
): void {
  if (pending.length >= Math.min(MAX_KEPT, Math.max(1, evidenceLimit))) return
  pending.push({
    operation,
    startUnixNano: table.timeUnixNano(row, Column.start),
    traceId: table.traceIdHex(row),
    spanId: table.spanIdHex(row),
  })
}

function keyOf({ words }: SpanTable, row: number, operation: number): number {
  const at = row * ROW_WORDS
  const trace = words[at + Column.traceId + 3]! ^ Math.imul(words[at + Column.traceId + 1]!, 0x85ebca6b)
  const parent = words[at + Column.parentId + 1]! ^ Math.imul(words[at + Column.parentId]!, 0xc2b2ae35)
  const high = Math.imul(trace ^ Math.imul(operation, 0x9e3779b1), 0x2c1b3c6d) >>> 0
  return high * 0x20_0000 + ((Math.imul(parent, 0x9e3779b1) ^ trace) >>> 11)
}
