import { OccurrenceJudge } from '../../component/occurrence-judge.ts'
import { type OccurrenceSummary, OccurrenceTally } from '../../component/occurrence-rule.ts'
import type { TraceObserver, TraceRule } from '../../component/trace-rule.ts'
import { Column, ROW_WORDS, SpanKind, type SpanTable } from '../../otlp/span-table.ts'
import type { CallFacts } from './call-facts.ts'
import type { ContextPropagationConfig } from './config.ts'

const RULE = 'CTX-007'
/** Up to this many spans, comparing all with all is quicker than hashing them. */
const SMALL_TRACE = 16

/**
 * CTX-007 duplicate_span_id: two spans share trace and span id and are no client and server of B3. Comes before all other
 * rules: what a copy seems to lack (an answer, a parent of its own) says nothing. Assumes that both copies are in the same
 * piece of the trace; one that comes when the trace has left is not seen.
 */
export function duplicateId(
  config: ContextPropagationConfig,
  evidenceLimit: number,
): TraceRule<CallFacts, OccurrenceSummary> {
  return {
    rules: [RULE],
    createObserver: () => new DuplicateIdObserver(evidenceLimit),
    createJudge: () =>
      new OccurrenceJudge({
        rule: RULE,
        evidenceLimit,
        maxPlaces: config.max_operations,
        says: ([part], count) => ({
          level: 'warn',
          confidence: 0.99,
          causeConfidence: 0.97,
          population: part!.population,
          message:
            part!.cause === 'sent_twice'
              ? `${count} of ${part!.population} spans "${part!.name}" of ${part!.service} came twice.`
              : `${count} of ${part!.population} spans "${part!.name}" of ${part!.service} have the id of another span of their trace.`,
          values: {},
        }),
      }),
  }
}

class DuplicateIdObserver implements TraceObserver<CallFacts, OccurrenceSummary> {
  readonly #tally: OccurrenceTally
  /**
   * By hash of the span id, of the large trace that is being read; at most half full: the row within the trace + 1, below
   * the bits of the hash that do not lead here.
   */
  #index = new Int32Array(256)

  constructor(evidenceLimit: number) {
    this.#tally = new OccurrenceTally(evidenceLimit)
  }

  observe(facts: CallFacts): void {
    const { table, traces } = facts.batch
    const { traceCount, firstRow } = traces!
    for (let row = 0; row < table.count; row++) this.#tally.countSpan(facts, row)
    for (let trace = 0; trace < traceCount; trace++) {
      const first = firstRow[trace]!
      const end = firstRow[trace + 1]!
      if (end - first <= SMALL_TRACE) this.#compareAll(facts, first, end)
      else this.#compareHashed(facts, first, end)
    }
  }

  takeSummary(): OccurrenceSummary {
    return this.#tally.take()
  }

  /** Its marks need no verdict: two spans prove it. */
  learn(): void {}

  #compareAll(facts: CallFacts, first: number, end: number): void {
    const { words } = facts.batch.table
    for (let row = first + 1; row < end; row++) {
      const lo = words[row * ROW_WORDS + Column.spanId + 1]!
      for (let other = first; other < row; other++)
        if (words[other * ROW_WORDS + Column.spanId + 1] === lo && this.#compare(facts, row, other)) break
    }
  }

  #compareHashed(facts: CallFacts, first: number, end: number): void {
    const { words } = facts.batch.table
    let size = this.#index.length
    while (size < (end - first) * 2) size *= 2
    if (size !== this.#index.length) this.#index = new Int32Array(size)
    else this.#index.fill(0)
    const index = this.#index
    const mask = size - 1
    for (let row = first; row < end; row++) {
      const lo = words[row * ROW_WORDS + Column.spanId + 1]!
      const hash = Math.imul(lo ^ (lo >>> 15), 0x9e3779b1)
      let i = hash & mask
      let isKnown = false
      for (; index[i] !== 0; i = (i + 1) & mask) {
        if (isKnown || ((index[i]! ^ hash) & ~mask) !== 0) continue
        const other = first + (index[i]! & mask) - 1
        if (words[other * ROW_WORDS + Column.spanId + 1] === lo) isKnown = this.#compare(facts, row, other)
      }
      index[i] = (hash & ~mask) | (row - first + 1)
    }
  }

  /** Looks at two spans whose ids end alike; true when they are one id for no good reason. */
  #compare(facts: CallFacts, row: number, other: number): boolean {
    const { table } = facts.batch
    const high = table.get(row, Column.spanId)
    if (high !== table.get(other, Column.spanId) || (high | table.get(row, Column.spanId + 1)) === 0) return false
    if (isSharedByDesign(table.kind(row), table.kind(other))) return false
    // The one that started later is the copy, whichever came first.
    const copy = table.differenceNano(other, Column.start, row, Column.start) > 0 ? other : row
    if (!facts.claim(copy, RULE)) return true
    const cause = isSameSpan(table, row, other) ? 'sent_twice' : 'id_reused'
    const original = facts.registry.all[facts.operations[copy === row ? other : row]!]!
    this.#tally.add(facts, copy, {
      cause,
      relatedSpanId: table.spanIdHex(copy),
      values: { other_service: original.service, other_operation: original.name },
    })
    facts.mark(copy, RULE, cause)
    return true
  }
}

/** B3 lets the two sides of a call share an id. */
function isSharedByDesign(kind: number, other: number): boolean {
  return (
    (kind === SpanKind.client && other === SpanKind.server) ||
    (kind === SpanKind.server && other === SpanKind.client) ||
    (kind === SpanKind.producer && other === SpanKind.consumer) ||
    (kind === SpanKind.consumer && other === SpanKind.producer)
  )
}

/** The same bytes, or the same in all that a collector on one of two ways leaves as it is. */
function isSameSpan(table: SpanTable, row: number, other: number): boolean {
  return (
    table.differenceNano(row, Column.start, other, Column.start) === 0 &&
    table.differenceNano(row, Column.end, other, Column.end) === 0 &&
    table.kind(row) === table.kind(other) &&
    table.get(row, Column.nameHash) === table.get(other, Column.nameHash) &&
    table.get(row, Column.parentId) === table.get(other, Column.parentId) &&
    table.get(row, Column.parentId + 1) === table.get(other, Column.parentId + 1)
  )
}
