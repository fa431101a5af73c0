import type { Operations } from '../otlp/operations.ts'
import { Column } from '../otlp/span-table.ts'
import { widened } from '../otlp/widened.ts'
import type { TracesBatch } from './batch.ts'
import { type DatedEvidence, EarliestEvidence } from './evidence.ts'
import type { Edge, FindingValue } from './finding.ts'
import { noCounts, type ShardCounts, takeCounts } from './shard-counts.ts'

/** What a rule that counts occurrences reads of a batch: its spans by operation, and which of them others have claimed. */
export interface OccurrenceFacts {
  readonly batch: TracesBatch
  readonly operations: Int32Array
  readonly registry: Operations
  /** 1 for a row that a rule before has as its primary finding. */
  readonly claimed: Uint8Array
}

export interface Occurrence {
  readonly cause: string
  /** The other span of the evidence. */
  readonly relatedSpanId: string | null
  readonly edge?: Edge
  /** What tells occurrences of one place apart for the judge (the parent's operation, say); no part of the place. */
  readonly detail?: string
  readonly values?: Readonly<Record<string, FindingValue>>
}

/** What is left of a span that has gone on. */
export interface PassedSpan {
  readonly operation: number
  readonly startUnixNano: bigint
  readonly traceId: string
  readonly spanId: string
}

/** Occurrences of one cause at one place since the last summary. */
export interface OccurrenceRow {
  readonly cause: string
  readonly service: string
  readonly name: string
  readonly edge: Edge | null
  readonly detail: string
  readonly count: number
  readonly firstUnixNano: bigint
  readonly lastUnixNano: bigint
  readonly evidence: readonly DatedEvidence[]
}

export interface OccurrenceSummary {
  /** How many spans of an operation there could have been, where the rule counts them. */
  readonly populations: ShardCounts
  readonly rows: readonly OccurrenceRow[]
}

/** Rows between two summaries; beyond it occurrences of new places are counted in `overflowed` only. */
const MAX_ROWS = 4096

/** Counts occurrences where the spans are: only for what is wrong, so it may allocate. */
export class OccurrenceTally {
  /** Occurrences that were not kept because there were too many places. */
  overflowed = 0
  readonly #evidenceLimit: number
  #populations = new Uint32Array(0)
  readonly #rows = new Map<string, Tallied>()
  #registry: Operations | null = null

  constructor(evidenceLimit: number) {
    this.#evidenceLimit = evidenceLimit
  }

  /** One more span of an operation that could have been wrong. */
  countSpan(facts: OccurrenceFacts, row: number): void {
    this.#registry = facts.registry
    const operation = facts.operations[row]!
    if (operation >= this.#populations.length) this.#grow(operation)
    this.#populations[operation]!++
  }

  add(facts: OccurrenceFacts, row: number, occurrence: Occurrence): void {
    const { table } = facts.batch
    this.#registry = facts.registry
    const startUnixNano = table.timeUnixNano(row, Column.start)
    const total = this.#totalOf(facts.operations[row]!, occurrence)
    total?.add(1, startUnixNano, startUnixNano)
    if (total?.evidence.wants(startUnixNano))
      total.evidence.add(startUnixNano, {
        kind: 'span',
        traceId: table.traceIdHex(row),
        spanId: table.spanIdHex(row),
        relatedSpanId: occurrence.relatedSpanId,
        values: occurrence.values ?? {},
      })
  }

  /** An occurrence that came out when its span had left already; it may stand for more that were not kept. */
  addPassed(registry: Operations, span: PassedSpan, occurrence: Occurrence, count = 1): void {
    this.#registry = registry
    const { operation, startUnixNano, traceId, spanId } = span
    const total = this.#totalOf(operation, occurrence)
    total?.add(count, startUnixNano, startUnixNano)
    const { relatedSpanId, values = {} } = occurrence
    total?.evidence.add(startUnixNano, { kind: 'span', traceId, spanId, relatedSpanId, values })
  }

  take(): OccurrenceSummary {
    const registry = this.#registry
    if (!registry) return { populations: noCounts(), rows: [] }
    const rows = [...this.#rows.values()].map(({ cause, operation, edge, detail, total }) => {
      const { service, name } = registry.all[operation]!
      const { count, firstUnixNano, lastUnixNano } = total
      return { cause, service, name, edge, detail, count, firstUnixNano, lastUnixNano, evidence: total.evidence.take() }
    })
    this.#rows.clear()
    return { populations: takeCounts(registry.shard, registry.keys, this.#populations), rows }
  }

  #totalOf(operation: number, occurrence: Occurrence): OccurrenceTotal | null {
    const { cause, detail = '' } = occurrence
    const edge: Edge | null = occurrence.edge ?? null
    const key = JSON.stringify([cause, operation, edge, detail])
    const known = this.#rows.get(key)
    if (known) return known.total
    if (this.#rows.size >= MAX_ROWS) {
      this.overflowed++
      return null
    }
    const total = new OccurrenceTotal(this.#evidenceLimit)
    this.#rows.set(key, { cause, operation, edge, detail, total })
    return total
  }

  #grow(operation: number): void {
    this.#populations = widened(this.#populations, Math.max(operation + 1, 256))
  }
}

interface Tallied {
  readonly cause: string
  readonly operation: number
  readonly edge: Edge | null
  readonly detail: string
  readonly total: OccurrenceTotal
}

/** How often, from when till when, and the earliest evidence. */
export class OccurrenceTotal {
  count = 0
  firstUnixNano = 0n
  lastUnixNano = 0n
  readonly evidence: EarliestEvidence

  constructor(evidenceLimit: number) {
    this.evidence = new EarliestEvidence(evidenceLimit)
  }

  add(count: number, firstUnixNano: bigint, lastUnixNano: bigint): void {
    if (this.count === 0 || firstUnixNano < this.firstUnixNano) this.firstUnixNano = firstUnixNano
    if (lastUnixNano > this.lastUnixNano) this.lastUnixNano = lastUnixNano
    this.count += count
  }
}
