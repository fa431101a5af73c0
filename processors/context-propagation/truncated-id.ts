import { boundaryOf } from '../../component/boundary.ts'
import type { Edge, EdgeRow } from '../../component/finding.ts'
import { OccurrenceJudge, type OccurrencePart } from '../../component/occurrence-judge.ts'
import { type OccurrenceSummary, OccurrenceTally, type PassedSpan } from '../../component/occurrence-rule.ts'
import type { TraceObserver, TraceRule } from '../../component/trace-rule.ts'
import { Column, ROW_WORDS, SpanKind } from '../../otlp/span-table.ts'
import { Parent, TraceState } from '../../otlp/trace-index.ts'
import { AwaitedParents } from './awaited-parents.ts'
import { type CallFacts, Role } from './call-facts.ts'
import type { ContextPropagationConfig } from './config.ts'

const RULE = 'CTX-004'
const CAUSE = 'truncated_to_64_bits'
/** How far apart the two halves of a trace may leave the window: its longest wait, and an export interval. */
const REACH_MS = 30_000
/** Without another suspicion for this long, calls are not remembered any more. */
const DISARM_AFTER_MS = 60_000
/** Ids as AwaitedParents takes them: a trace id without its high half, and a span id. */
const SCRATCH_SPAN = 4

/**
 * CTX-004 trace_id_truncated: a span misses its parent under a trace id whose high half is zero, and that parent is a
 * call under a trace id with the same low half. Both are seen by one observer, since traces are shared out by the low
 * half. Assumes that the caller sent a span of the call; ids of 64 bits by origin have no such caller.
 *
 * Remembers calls only once a span looks cut. Those that looked cut before that are decided by their operation, or by
 * their service where all that was cut on the way to it came from one caller.
 */
export function truncatedId(
  config: ContextPropagationConfig,
  evidenceLimit: number,
  edges: () => readonly EdgeRow[],
): TraceRule<CallFacts, OccurrenceSummary> {
  return {
    rules: [RULE],
    createObserver: () => new TruncatedIdObserver(config, evidenceLimit),
    createJudge() {
      const cut = new CutCalls()
      return new OccurrenceJudge({
        rule: RULE,
        evidenceLimit,
        maxPlaces: config.max_operations,
        says([part], count) {
          const { from, to } = part!.edge!
          const population = cut.onEdgeOf(part!, count) + connectedCalls(part!.edge!, edges())
          return {
            level: 'error',
            confidence: 0.99,
            causeConfidence: 0.99,
            population,
            message: `${count} of ${population} calls from ${from} to ${to} go on under the last 64 bits of their trace id.`,
            values: {},
          }
        },
      })
    },
  }
}

/** The calls of each edge that were cut, whatever their operation. */
class CutCalls {
  readonly #byOperation = new Map<string, Map<string, number>>()

  onEdgeOf({ edge, name }: OccurrencePart, count: number): number {
    const { from, to, boundary } = edge!
    const key = JSON.stringify([from, to, boundary])
    let counts = this.#byOperation.get(key)
    if (!counts) {
      counts = new Map()
      this.#byOperation.set(key, counts)
    }
    counts.set(name, count)
    return [...counts.values()].reduce((sum, calls) => sum + calls)
  }
}

function connectedCalls({ from, to, boundary }: Edge, edges: readonly EdgeRow[]): number {
  return edges.find((row) => row.from === from && row.to === to && row.boundary === boundary)?.connected ?? 0
}

/** A span that looks cut and has left. */
interface Suspect extends PassedSpan {
  readonly parentId: string
  readonly boundary: Edge['boundary']
  /** Whether the calls of its time were not remembered yet. */
  readonly early: boolean
  readonly ids: readonly number[]
}

class TruncatedIdObserver implements TraceObserver<CallFacts, OccurrenceSummary> {
  readonly #config: ContextPropagationConfig
  readonly #tally: OccurrenceTally
  /** Calls without a callee, by the low half of the trace id and their span id; values are operations. */
  #calls: AwaitedParents
  /** Spans that look cut, by the low half and the parent's id; values are places in `#suspects`. */
  #orphans: AwaitedParents
  readonly #suspects = new Map<number, Suspect>()
  #nextSuspect = 0
  /** For each operation that was proven to be cut, the one that calls it. */
  readonly #proven = new Map<number, number>()
  /** The same by service; null where several services call it so. */
  readonly #provenService = new Map<string, number | null>()
  readonly #scratch = new Uint32Array(6)
  #armedSinceMs = 0
  #armedUntilMs = Number.NEGATIVE_INFINITY
  #facts: CallFacts | null = null

  constructor(config: ContextPropagationConfig, evidenceLimit: number) {
    this.#config = config
    this.#tally = new OccurrenceTally(evidenceLimit)
    this.#calls = new AwaitedParents(config.max_recent_calls)
    this.#orphans = new AwaitedParents(config.max_recent_calls)
  }

  observe(facts: CallFacts, nowMs: number): void {
    this.#facts = facts
    const { table, traces } = facts.batch
    const { traceCount, firstRow, state } = traces!
    const { words } = table
    for (let trace = 0; trace < traceCount; trace++) {
      const first = firstRow[trace]!
      const end = firstRow[trace + 1]!
      const at = first * ROW_WORDS
      if ((words[at]! | words[at + 1]!) === 0) {
        if (state[trace] !== TraceState.unknown) this.#readNarrow(facts, first, end, nowMs)
      } else {
        facts.seesWideIds = true
        if (nowMs < this.#armedUntilMs) this.#readWide(facts, first, end, nowMs)
      }
    }
  }

  takeSummary(nowMs: number): OccurrenceSummary {
    if (this.#facts) this.#settleEarly(this.#facts)
    this.#orphans.expire(nowMs - this.#config.late_grace, (place) => this.#suspects.delete(place))
    this.#calls.expire(nowMs - REACH_MS, () => {})
    return this.#tally.take()
  }

  /** Its marks need no verdict: a cut id is proven span by span. */
  learn(): void {}

  /** A trace whose id has no high half. */
  #readNarrow(facts: CallFacts, first: number, end: number, nowMs: number): void {
    const { table, traces } = facts.batch
    for (let row = first; row < end; row++) {
      if (traces!.parentRow[row] !== Parent.missing) continue
      if (nowMs >= this.#armedUntilMs) this.#armedSinceMs = nowMs
      this.#armedUntilMs = nowMs + DISARM_AFTER_MS
      const caller = this.#calls.takeArrived(this.#idsOf(facts, row, Column.parentId), 0, SCRATCH_SPAN)
      if (caller < 0) this.#suspect(facts, row, nowMs)
      else if (facts.claim(row, RULE)) {
        this.#prove(facts.operations[row]!, caller)
        facts.mark(row, RULE, CAUSE)
        this.#tally.add(facts, row, {
          cause: CAUSE,
          relatedSpanId: table.parentIdHex(row),
          edge: edgeOf(facts, facts.operations[row]!, caller, boundaryOf(table, row)),
        })
      }
    }
  }

  /** A trace with a whole id: its calls may be what a cut span misses, or will. */
  #readWide(facts: CallFacts, first: number, end: number, nowMs: number): void {
    for (let row = first; row < end; row++) {
      if (!mayBeCut(facts, row)) continue
      const ids = this.#idsOf(facts, row, Column.spanId)
      const operation = facts.operations[row]!
      const place = this.#orphans.takeArrived(ids, 0, SCRATCH_SPAN)
      if (place >= 0) this.#settle(facts, place, operation)
      else this.#calls.add(ids, 0, SCRATCH_SPAN, operation, nowMs)
    }
    if (this.#calls.full) this.#calls.expire(nowMs - REACH_MS, () => {})
  }

  #suspect(facts: CallFacts, row: number, nowMs: number): void {
    if (this.#orphans.full) return
    const { table } = facts.batch
    const place = this.#nextSuspect++ % 0x1_0000_0000
    this.#orphans.add(this.#scratch, 0, SCRATCH_SPAN, place, nowMs)
    const at = row * ROW_WORDS
    this.#suspects.set(place, {
      operation: facts.operations[row]!,
      startUnixNano: table.timeUnixNano(row, Column.start),
      traceId: table.traceIdHex(row),
      spanId: table.spanIdHex(row),
      parentId: table.parentIdHex(row),
      boundary: boundaryOf(table, row),
      early: nowMs < this.#armedSinceMs + REACH_MS,
      ids: [
        ...table.words.subarray(at, at + Column.spanId),
        ...table.words.subarray(at + Column.parentId, at + Column.start),
      ],
    })
  }

  /** The caller came after the callee, which by now is taken for an orphan. */
  #settle(facts: CallFacts, place: number, caller: number): void {
    const suspect = this.#suspects.get(place)
    if (!suspect) return
    this.#suspects.delete(place)
    this.#prove(suspect.operation, caller)
    facts.foundParents.push(...suspect.ids)
    this.#tally.addPassed(facts.registry, suspect, {
      cause: CAUSE,
      relatedSpanId: suspect.parentId,
      edge: edgeOf(facts, suspect.operation, caller, suspect.boundary),
    })
  }

  #prove(operation: number, caller: number): void {
    if (this.#proven.size >= this.#config.max_operations) return
    this.#proven.set(operation, caller)
    const { all } = this.#facts!.registry
    const { service } = all[operation]!
    const known = this.#provenService.get(service)
    const isOne = known === undefined || (known !== null && all[known]!.service === all[caller]!.service)
    this.#provenService.set(service, isOne ? caller : null)
  }

  /** What looked cut while calls were not remembered yet is, if its operation or its service was proven to be. */
  #settleEarly(facts: CallFacts): void {
    if (this.#proven.size === 0) return
    for (const [place, suspect] of this.#suspects) {
      if (!suspect.early) break
      const { service } = facts.registry.all[suspect.operation]!
      const caller = this.#proven.get(suspect.operation) ?? this.#provenService.get(service) ?? null
      if (caller === null) continue
      this.#scratch.set(suspect.ids)
      this.#scratch.fill(0, 0, 2)
      this.#orphans.takeArrived(this.#scratch, 0, SCRATCH_SPAN)
      this.#settle(facts, place, caller)
    }
  }

  /** The trace id without its high half, and the span id that stands in `column`. */
  #idsOf(facts: CallFacts, row: number, column: number): Uint32Array {
    const { words } = facts.batch.table
    const at = row * ROW_WORDS
    const scratch = this.#scratch
    scratch[0] = 0
    scratch[1] = 0
    scratch[2] = words[at + 2]!
    scratch[3] = words[at + 3]!
    scratch[4] = words[at + column]!
    scratch[5] = words[at + column + 1]!
    return scratch
  }
}

/** A call that nobody in its trace answers, an attempt at one, or a message that several may take. */
function mayBeCut({ roles, batch: { table, traces } }: CallFacts, row: number): boolean {
  const role = roles[row]!
  const kind = table.kind(row)
  if (kind === SpanKind.producer) return true
  if ((role & Role.exit) !== 0) return (role & Role.answered) === 0
  if ((role & Role.leaf) === 0) return false
  const parent = traces!.parentRow[row]!
  const isAttempt = kind === SpanKind.internal && parent >= 0 && table.kind(parent) === SpanKind.client
  return isAttempt || kind === SpanKind.unspecified
}

function edgeOf(facts: CallFacts, callee: number, caller: number, boundary: Edge['boundary']): Edge {
  const { all } = facts.registry
  return { from: all[caller]!.service, to: all[callee]!.service, boundary }
}
