import { OccurrenceJudge, type OccurrencePart } from '../../component/occurrence-judge.ts'
import { type OccurrenceSummary, OccurrenceTally } from '../../component/occurrence-rule.ts'
import type { TraceObserver, TraceRule, Verdicts } from '../../component/trace-rule.ts'
import { operationKey } from '../../otlp/operations.ts'
import { Column, ROW_WORDS, SpanKind } from '../../otlp/span-table.ts'
import { Parent } from '../../otlp/trace-index.ts'
import { widened } from '../../otlp/widened.ts'
import { type CallFacts, Role } from './call-facts.ts'
import type { ContextPropagationConfig } from './config.ts'

const RULE = 'CTX-006'
const CAUSE = 'two_handlers'
/** Twins from which an operation is spoken of: entries are one call by their parent, exits may be calls in parallel. */
const DECIDE_ENTRIES_FROM = 5
const DECIDE_EXITS_FROM = 10
/** Share of the calls that must have a twin: one of many instances, where a parent proves them to be one call; else nearly all. */
const SHARE = { entries: 0.02, exits: 0.9 } as const
/** The inner span lasts at least this share of the outer one, or what is left is no more than handlers take. */
const NEARLY_AS_LONG = 0.8
const HANDLER_NANO = 1_000_000
/** Spans of one operation in a trace that are looked back at for a twin: calls in parallel lie between. */
const LOOK_BACK = 8

/**
 * CTX-006 double_instrumentation, of spans where calls enter or where they leave: each call makes two spans of one kind in
 * one process, of which one lies within the other and lasts nearly as long. The twins have one parent, or one is the
 * other's:
 *
 *     CLIENT span of the caller            SERVER
 *       SERVER  twin                         SERVER  twin, the same RPC or name
 *       SERVER  twin
 *
 * Entries side by side need a call as their parent (work that fans out has a parent of another kind); exits side by side
 * are twins if only one of them is answered (calls in parallel are answered both) and nearly all calls have one. Retries
 * follow each other and lie not within one another.
 */
export function doubleInstrumentation(
  config: ContextPropagationConfig,
  evidenceLimit: number,
  where: keyof typeof SHARE,
): TraceRule<CallFacts, OccurrenceSummary> {
  const kindNames = where === 'entries' ? 'SERVER or CONSUMER' : 'CLIENT or PRODUCER'
  return {
    rules: [RULE],
    createObserver: () => new TwinObserver(evidenceLimit, where === 'entries'),
    createJudge: () =>
      new OccurrenceJudge({
        rule: RULE,
        evidenceLimit,
        maxPlaces: config.max_operations,
        says(parts, count) {
          const { name, service } = parts[0]!
          const calls = callsOf(parts)
          const fewest = where === 'entries' ? DECIDE_ENTRIES_FROM : DECIDE_EXITS_FROM
          if (count < fewest || count < calls * SHARE[where]) return null
          return {
            level: 'warn',
            confidence: 0.95,
            causeConfidence: 0.95,
            population: calls,
            message: `${count} of ${calls} calls "${name}" of ${service} make two ${kindNames} spans.`,
            values: {},
          }
        },
      }),
  }
}

/** Twins of one operation are two spans for each call; the detail of a part tells. */
function callsOf(parts: readonly OccurrencePart[]): number {
  const sameOperation = parts.find(({ name, detail }) => name === detail)?.count ?? 0
  return parts[0]!.population - sameOperation
}

class TwinObserver implements TraceObserver<CallFacts, OccurrenceSummary> {
  readonly #ofEntries: boolean
  /** By SpanKind. */
  readonly #reads: readonly boolean[]
  readonly #tally: OccurrenceTally
  /** By operation the last row seen, and by row the one of the same operation before it, + 1. */
  #lastOf = new Int32Array(1024)
  #before = new Int32Array(1024)
  /** By operation: 1 where its spans were seen side by side below what is no call, as those are that share B3 ids with one. */
  #fansOut = new Uint8Array(1024)
  #verdicts: Verdicts = new Map()

  constructor(evidenceLimit: number, ofEntries: boolean) {
    this.#ofEntries = ofEntries
    this.#reads = [false, false, ofEntries, !ofEntries, !ofEntries, ofEntries]
    this.#tally = new OccurrenceTally(evidenceLimit)
  }

  observe(facts: CallFacts): void {
    const { table, traces } = facts.batch
    const { traceCount, firstRow, parentRow } = traces!
    this.#reserve(facts.registry.all.length, table.count)
    for (let trace = 0; trace < traceCount; trace++) {
      const first = firstRow[trace]!
      const end = firstRow[trace + 1]!
      for (let row = first; row < end; row++) {
        // A copy of a span is no twin.
        if (facts.claimed[row] !== 0 || !this.#isRead(facts, row, parentRow[row]!)) continue
        this.#tally.countSpan(facts, row)
        const operation = facts.operations[row]!
        const last = this.#lastOf[operation]! - 1
        const isOfTrace = last >= first && last < row && facts.operations[last] === operation
        this.#before[row] = isOfTrace ? last + 1 : 0
        this.#lastOf[operation] = row + 1
        const parent = parentRow[row]!
        if (parent >= 0 && table.kind(parent) === table.kind(row) && isOneProcess(facts, parent, row))
          this.#nested(facts, parent, row)
        else if (isOfTrace) this.#sibling(facts, row, parent)
      }
    }
  }

  takeSummary(): OccurrenceSummary {
    return this.#tally.take()
  }

  learn(verdicts: Verdicts): void {
    this.#verdicts = verdicts
  }

  /** Without kinds an entry is read, and what may be its twin; what else there is inside may well be recursion. */
  #isRead(facts: CallFacts, row: number, parent: number): boolean {
    const kind = facts.batch.table.kind(row)
    if (kind !== SpanKind.unspecified) return this.#reads[kind]!
    if (!this.#ofEntries) return false
    if (isEntry(facts, row)) return true
    return parent >= 0 && isEntry(facts, parent) && isOneProcess(facts, parent, row) && isTwin(facts, parent, row)
  }

  #nested(facts: CallFacts, outer: number, inner: number): void {
    if (isTwin(facts, outer, inner)) this.#add(facts, outer, inner)
  }

  #sibling(facts: CallFacts, row: number, parent: number): void {
    if (parent === Parent.none) return
    const operation = facts.operations[row]!
    if (this.#ofEntries && parent >= 0 && !isCall(facts, parent)) {
      this.#fansOut[operation] = 1
      return
    }
    if (parent < 0 && this.#fansOut[operation] === 1) return
    let other = this.#before[row]! - 1
    for (let i = 0; i < LOOK_BACK && other >= 0; i++, other = this.#before[other]! - 1) {
      if (!haveOneParent(facts, row, other) || !isOneProcess(facts, row, other)) continue
      if (!this.#ofEntries && isAnswered(facts, row) === isAnswered(facts, other)) continue
      const isOuter = encloses(facts, row, other)
      if (!isOuter && !encloses(facts, other, row)) continue
      this.#add(facts, isOuter ? row : other, isOuter ? other : row)
      return
    }
  }

  #add(facts: CallFacts, outer: number, inner: number): void {
    const { all } = facts.registry
    const { service, name } = all[facts.operations[outer]!]!
    this.#tally.add(facts, outer, {
      cause: CAUSE,
      relatedSpanId: facts.batch.table.spanIdHex(inner),
      detail: all[facts.operations[inner]!]!.name,
    })
    if (!this.#verdicts.has(operationKey(service, name))) return
    facts.mark(outer, RULE, CAUSE)
    facts.mark(inner, RULE, CAUSE)
  }

  #reserve(operations: number, rows: number): void {
    if (operations > this.#lastOf.length) {
      this.#lastOf = widened(this.#lastOf, operations)
      this.#fansOut = widened(this.#fansOut, operations)
    }
    if (rows > this.#before.length) this.#before = new Int32Array(Math.max(rows, this.#before.length * 2))
  }
}

/** Without kinds a call is a span that another service answers; some clients have a span for each attempt at a call. */
function isCall(facts: CallFacts, row: number): boolean {
  const { table, traces } = facts.batch
  const kind = table.kind(row)
  if (kind === SpanKind.internal) {
    const call = traces!.parentRow[row]!
    return call >= 0 && table.kind(call) === SpanKind.client && facts.serviceOf(call) === facts.serviceOf(row)
  }
  return (
    kind === SpanKind.client || kind === SpanKind.producer || (kind === SpanKind.unspecified && isAnswered(facts, row))
  )
}

function isEntry(facts: CallFacts, row: number): boolean {
  return (facts.roles[row]! & Role.entry) !== 0
}

function isTwin(facts: CallFacts, outer: number, inner: number): boolean {
  return encloses(facts, outer, inner) && isSameCall(facts, outer, inner)
}

function isAnswered(facts: CallFacts, row: number): boolean {
  return (facts.roles[row]! & Role.answered) !== 0
}

function isOneProcess({ batch: { table } }: CallFacts, row: number, other: number): boolean {
  return table.get(row, Column.resource) === table.get(other, Column.resource)
}

/** Spans that share an id with their call, as in B3, name what is above it: then their calls tell. */
function haveOneParent({ batch: { table, traces } }: CallFacts, row: number, other: number): boolean {
  const parent = traces!.parentRow[row]!
  const otherParent = traces!.parentRow[other]!
  if (parent >= 0 || otherParent >= 0) return parent === otherParent
  const a = row * ROW_WORDS + Column.parentId
  const b = other * ROW_WORDS + Column.parentId
  return table.words[a + 1] === table.words[b + 1] && table.words[a] === table.words[b]
}

/** The same operation, or two names of one RPC. */
function isSameCall(facts: CallFacts, row: number, other: number): boolean {
  return facts.operations[row] === facts.operations[other] || facts.isSameRpc(row, other)
}

/** Whether a span lies within another and lasts nearly as long. */
function encloses({ batch: { table } }: CallFacts, outer: number, inner: number): boolean {
  if (table.differenceNano(inner, Column.start, outer, Column.start) < 0) return false
  if (table.differenceNano(outer, Column.end, inner, Column.end) < 0) return false
  const outerNano = table.durationNano(outer)
  const rest = outerNano - table.durationNano(inner)
  return rest <= outerNano * (1 - NEARLY_AS_LONG) || rest <= HANDLER_NANO
}
