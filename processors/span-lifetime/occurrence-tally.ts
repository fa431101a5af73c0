import { boundaryOf } from '../../component/boundary.ts'
import { EarliestEvidence } from '../../component/evidence.ts'
import type { Edge } from '../../component/finding.ts'
import { markSpan } from '../../findings/mark-span.ts'
import { operationKey } from '../../otlp/operations.ts'
import { Column } from '../../otlp/span-table.ts'
import type { SpanLifetimeConfig } from './config.ts'
import type { LifetimeFacts } from './lifetime-facts.ts'
import { KINDS } from './lifetime-kinds.ts'
import type { OccurrenceRow } from './lifetime-summary.ts'

/** More kinds than there will be, so that kind and operation make one number. */
const KIND_STRIDE = 1 << 24

/** Tallies of a place that are looked at for one that fits; another one for the same only makes a row more. */
const LOOKED_BACK = 64

/** The parent of a span; its row, if it is in the batch. */
interface Parent {
  readonly row: number | null
  readonly operation: number
  readonly source: number
}

interface Tally {
  readonly second: number
  readonly magnitude: number
  readonly clockDifferenceNano: number | null
  readonly parentOperation: number
  readonly source: number
  readonly parentSource: number
  readonly edge: Edge | null
  readonly parent: string | null
  readonly sources: readonly string[]
  count: number
  firstUnixNano: bigint
  lastUnixNano: bigint
  readonly evidence: EarliestEvidence
}

/** Counts occurrences where the spans are: only for what is wrong, so it may allocate. */
export class OccurrenceTallies {
  readonly #config: SpanLifetimeConfig
  readonly #evidenceLimit: number
  #byPlace = new Map<number, Tally[]>()
  #rows = 0
  /** Occurrences that were not counted, since there were too many rows and none for their place. */
  #dropped = 0

  constructor(config: SpanLifetimeConfig, evidenceLimit: number) {
    this.#config = config
    this.#evidenceLimit = evidenceLimit
  }

  /** Counts an occurrence, and marks its span. `parent` is a row, or −1; `related` is the other span of the evidence. */
  record(
    facts: LifetimeFacts,
    kind: number,
    row: number,
    parent: number,
    related: number,
    nano: number,
    isMarked = true,
  ): void {
    const { table } = facts.batch
    const of: Parent | null =
      parent < 0 ? null : { row: parent, operation: facts.operations[parent]!, source: facts.sourceOf(parent) }
    const ids = { span: table.spanIdHex(row), related: related < 0 ? null : table.spanIdHex(related) }
    this.#add(facts, kind, row, facts.operations[row]!, of, nano, ids)
    if (isMarked) markSpan(facts.batch, row, KINDS[kind]!.rule, KINDS[kind]!.cause)
  }

  /** A child that came when its parent, of the same process and this operation, had gone on. */
  recordLateChild(facts: LifetimeFacts, kind: number, row: number, operation: number, nano: number): void {
    const { table } = facts.batch
    const parent = { row: null, operation, source: facts.sourceOf(row) }
    const ids = { span: table.spanIdHex(row), related: table.parentIdHex(row) }
    this.#add(facts, kind, row, facts.operations[row]!, parent, nano, ids)
  }

  /** The same, counted for the parent: a row tells the time, and which child it was. */
  recordParentOf(facts: LifetimeFacts, kind: number, row: number, operation: number, nano: number): void {
    const { table } = facts.batch
    const ids = { span: table.parentIdHex(row), related: table.spanIdHex(row) }
    this.#add(facts, kind, row, operation, null, nano, ids)
  }

  #add(
    facts: LifetimeFacts,
    kind: number,
    row: number,
    operation: number,
    parent: Parent | null,
    nano: number,
    ids: { readonly span: string; readonly related: string | null },
  ): void {
    const { table } = facts.batch
    const tally = this.#tally(facts, kind, row, operation, parent, this.#magnitude(kind, nano))
    if (tally === null) {
      this.#dropped++
      return
    }
    const at = table.timeUnixNano(row, Column.start)
    if (tally.count === 0 || at < tally.firstUnixNano) tally.firstUnixNano = at
    if (at > tally.lastUnixNano) tally.lastUnixNano = at
    tally.count++
    if (!tally.evidence.wants(at)) return
    tally.evidence.add(at, {
      kind: 'span',
      traceId: table.traceIdHex(row),
      spanId: ids.span,
      relatedSpanId: ids.related,
      values: { [KINDS[kind]!.value]: nano / 1e9 },
    })
  }

  take(facts: LifetimeFacts): { rows: readonly OccurrenceRow[]; dropped: number } {
    const rows: OccurrenceRow[] = []
    for (const [key, list] of this.#byPlace) {
      const { service, name } = facts.registry.all[key % KIND_STRIDE]!
      for (const { magnitude, evidence, ...tally } of list)
        rows.push({
          kind: Math.floor(key / KIND_STRIDE),
          service,
          name,
          edge: tally.edge,
          parent: tally.parent,
          second: tally.second,
          excessNano: 2 ** magnitude,
          clockDifferenceNano: tally.clockDifferenceNano,
          sources: tally.sources,
          count: tally.count,
          firstUnixNano: tally.firstUnixNano,
          lastUnixNano: tally.lastUnixNano,
          evidence: evidence.take(),
        })
    }
    this.#byPlace = new Map()
    const dropped = this.#dropped
    this.#rows = 0
    this.#dropped = 0
    return { rows, dropped }
  }

  /** Occurrences are told apart by the power of two of what they exceed the allowed by, so that few rows do. */
  #magnitude(kind: number, nano: number): number {
    const setting = KINDS[kind]!.clockExplainsBeyond
    const allowedNano = setting === null || setting === 'nothing' ? 0 : this.#config[setting] * 1e6
    return Math.floor(Math.log2(Math.max(1, Math.abs(nano) - allowedNano)))
  }

  /** Null where there is no room: then a place that has rows counts on without the second, others not at all. */
  #tally(
    facts: LifetimeFacts,
    kind: number,
    row: number,
    operation: number,
    parent: Parent | null,
    magnitude: number,
  ): Tally | null {
    const { table } = facts.batch
    const place = kind * KIND_STRIDE + operation
    const list = this.#byPlace.get(place) ?? []
    const isFull = this.#rows >= this.#config.max_occurrence_rows
    const second = Math.floor(table.timeMs(row, Column.start) / 1000)
    const parentOperation = parent?.operation ?? -1
    const source = facts.sourceOf(row)
    const parentSource = parent?.source ?? -1
    // Spans come roughly by time, so the last tallies are the likely ones.
    for (let i = list.length - 1; i >= Math.max(0, list.length - LOOKED_BACK); i--) {
      const tally = list[i]!
      const isSamePlace = tally.parentOperation === parentOperation
      if (isSamePlace && isFull) return tally
      const isSameTime = tally.second === second && tally.magnitude === magnitude
      if (isSamePlace && isSameTime && tally.source === source && tally.parentSource === parentSource) return tally
    }
    if (isFull) return null
    const keys = facts.clocks.sources
    const tally: Tally = {
      second,
      magnitude,
      clockDifferenceNano:
        parent && parent.row !== null && facts.comparable(row, parent.row)
          ? facts.clockDifferenceNano(row, parent.row)
          : null,
      parentOperation,
      source,
      parentSource,
      edge: KINDS[kind]!.ofEdge && parent && parent.row !== null ? edgeOf(facts, row, parent.row) : null,
      parent: parent === null ? null : parentKey(facts, parentOperation),
      sources: [...new Set([source, parentSource])].flatMap((id) => (id < 0 ? [] : [keys[id]!.key])),
      count: 0,
      firstUnixNano: 0n,
      lastUnixNano: 0n,
      evidence: new EarliestEvidence(this.#evidenceLimit),
    }
    list.push(tally)
    this.#byPlace.set(place, list)
    this.#rows++
    return tally
  }
}

function parentKey(facts: LifetimeFacts, operation: number): string {
  const { service, name } = facts.registry.all[operation]!
  return operationKey(service, name)
}

function edgeOf(facts: LifetimeFacts, row: number, parent: number): Edge | null {
  const from = facts.registry.serviceNames[facts.serviceOf(parent)]!
  const to = facts.registry.serviceNames[facts.serviceOf(row)]!
  const { table } = facts.batch
  const own = boundaryOf(table, row)
  return from === to ? null : { from, to, boundary: own === 'other' ? boundaryOf(table, parent) : own }
}
