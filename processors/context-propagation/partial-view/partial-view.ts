import type { TraceObserver, TraceRule, Verdicts } from '../../../component/trace-rule.ts'
import { Column, SpanKind } from '../../../otlp/span-table.ts'
import { Parent, TraceState } from '../../../otlp/trace-index.ts'
import { type CallFacts, Role } from '../call-facts.ts'
import type { ContextPropagationConfig } from '../config.ts'
import type { CallTraffic } from '../context-lost/call-traffic.ts'
import { exitKey } from '../context-lost/context-lost-summary.ts'
import { callOfOrphan, callsUnderWay, isMissedWithin } from '../orphan-span/bridged-orphan.ts'
import type { Outranked } from '../outranked.ts'
import { peerOfSpan } from '../peers.ts'
import { amidCallsKey, type OrphansAmidCalls } from './calls-out-of-sight.ts'
import { OpenCalls } from './open-calls.ts'
import { PARTIAL, PartialViewJudge, RULE, type ViewSummary } from './partial-view-judge.ts'

/** Operations with the calls around their orphans, in one summary. */
const MAX_AMID_CALLS = 1000

/** Its judge also hears what the rules on cut ids and orphans count, and reads the traffic of CTX-002. */
export interface PartialViewRule extends TraceRule<CallFacts, ViewSummary> {
  createJudge(): PartialViewJudge
}

/**
 * GW-001 partial_view: parents and children are missing on all edges at once, because other gateways get the rest. Counts
 * nothing itself but the orphans that do not speak for a hidden service: those whose call is here, so that only what stands
 * between is missing, those below which the whole trace hangs, and those that miss a span of a service that is seen. Comes
 * first, so that the others know whether to mark.
 */
export function partialView(config: ContextPropagationConfig, traffic: CallTraffic): PartialViewRule {
  return {
    rules: [RULE],
    createObserver: () => new PartialViewObserver(config.match_tolerance),
    createJudge: () => new PartialViewJudge(config, traffic),
  }
}

class PartialViewObserver implements TraceObserver<CallFacts, ViewSummary> {
  readonly #toleranceNano: number
  /** By caller and callee. */
  readonly #bridged = new Map<string, { from: string; to: string; count: number }>()
  readonly #explained = new Map<string, number>()
  readonly #mute = new Map<string, number>()
  /** By operation and exits. */
  readonly #amidCalls = new Map<string, OrphansAmidCalls>()
  readonly #open = new OpenCalls()
  /** Rows of one trace, while it is read. */
  readonly #untold: number[] = []
  #outranked: Outranked | null = null
  #seenInPart = false

  constructor(toleranceMs: number) {
    this.#toleranceNano = toleranceMs * 1e6
  }

  observe(facts: CallFacts): void {
    facts.seenInPart = this.#seenInPart
    this.#outranked = facts.outranked
    const { traceCount, firstRow, state } = facts.batch.traces!
    for (let trace = 0; trace < traceCount; trace++) {
      if (state[trace] === TraceState.incomplete) this.#readIncomplete(facts, firstRow[trace]!, firstRow[trace + 1]!)
      else if (state[trace] === TraceState.late) this.#readLate(facts, firstRow[trace]!, firstRow[trace + 1]!)
    }
  }

  takeSummary(): ViewSummary {
    const summary = {
      bridged: [...this.#bridged.values()],
      explained: [...this.#explained],
      mute: [...this.#mute],
      amidCalls: [...this.#amidCalls.values()],
      open: this.#open.take(),
      outranked: this.#outranked?.take() ?? [],
    }
    this.#bridged.clear()
    this.#explained.clear()
    this.#mute.clear()
    this.#amidCalls.clear()
    return summary
  }

  learn(verdicts: Verdicts): void {
    this.#seenInPart = verdicts.has(PARTIAL)
    this.#open.learn(verdicts)
  }

  #readIncomplete(facts: CallFacts, first: number, end: number): void {
    const { parentRow } = facts.batch.traces!
    const untold = this.#untold
    untold.length = 0
    let entries = 0
    let others = 0
    for (let row = first; row < end; row++) {
      if (parentRow[row]! >= 0 || parentRow[row] === Parent.passed) continue
      if (parentRow[row] !== Parent.missing || (facts.roles[row]! & Role.entry) === 0) {
        others++
        continue
      }
      entries++
      if (!this.#explain(facts, row, first, end)) untold.push(row)
    }
    if (untold.length === 0) return
    const isAlone = entries === 1
    if (others === 0) for (const row of untold) facts.missingParents.set(row, isAlone ? 'alone' : 'beside')
    const { service } = facts.registry.all[facts.operations[untold[0]!]!]!
    if (!hasOtherService(facts, untold[0]!, first, end)) addTo(this.#mute, service, untold.length)
    else if (others === 0 && isAlone) addTo(this.#explained, service, 1)
  }

  /** The rest of the trace has gone: the call that an orphan answers may have been there or not. */
  #readLate(facts: CallFacts, first: number, end: number): void {
    const { parentRow } = facts.batch.traces!
    for (let row = first; row < end; row++) {
      if (parentRow[row] !== Parent.missing || (facts.roles[row]! & Role.entry) === 0) continue
      facts.missingParents.set(row, 'apart')
      addTo(this.#mute, facts.registry.all[facts.operations[row]!]!.service, 1)
    }
  }

  /** Whether it can be told where the missing parent of an entry belongs. */
  #explain(facts: CallFacts, orphan: number, first: number, end: number): boolean {
    const { all } = facts.registry
    const to = all[facts.operations[orphan]!]!.service
    const call = callOfOrphan(facts, orphan, first, end, this.#toleranceNano)
    if (call >= 0) {
      facts.missingParents.set(orphan, 'between')
      this.#bridge(all[facts.operations[call]!]!.service, to)
      return true
    }
    const { table } = facts.batch
    const underWay = callsUnderWay(facts, orphan, first, end, this.#toleranceNano)
    const during = underWay.filter((row) => table.kind(row) !== SpanKind.producer && lasts(facts, row, orphan))
    const before =
      table.kind(orphan) === SpanKind.consumer
        ? callsUnderWay(facts, orphan, first, end, this.#toleranceNano, true)
        : underWay.filter((row) => table.kind(row) === SpanKind.producer)
    this.#amid(facts, orphan, during, before)
    if (during.some((call) => facts.isAnsweredAtTimes(call))) facts.missingParents.set(orphan, 'behind')
    if (!isMissedWithin(facts, first, end, underWay, this.#open)) return false
    facts.missingParents.set(orphan, 'within')
    addTo(this.#explained, to, 1)
    return true
  }

  #amid(facts: CallFacts, orphan: number, during: readonly number[], before: readonly number[]): void {
    if (during.length + before.length === 0) return
    const { key, service, name } = facts.registry.all[facts.operations[orphan]!]!
    const row = { service, name, during: exitsOf(facts, during), before: exitsOf(facts, before), count: 1 }
    const amidKey = [key, amidCallsKey(row)].join('\n')
    const known = this.#amidCalls.get(amidKey)
    if (known) known.count++
    else if (this.#amidCalls.size < MAX_AMID_CALLS) this.#amidCalls.set(amidKey, row)
  }

  #bridge(from: string, to: string): void {
    const key = `${from}\0${to}`
    const known = this.#bridged.get(key)
    if (known) known.count++
    else this.#bridged.set(key, { from, to, count: 1 })
  }
}

/** Whether a call was under way for most of the time of an orphan: what it led to is over before it is. */
function lasts({ batch: { table } }: CallFacts, call: number, orphan: number): boolean {
  const late = Math.max(0, table.differenceNano(call, Column.start, orphan, Column.start))
  const early = Math.max(0, table.differenceNano(orphan, Column.end, call, Column.end))
  return late + early <= table.durationNano(orphan) / 2
}

/** Each once, in an order of their own. */
function exitsOf({ registry, operations, batch: { table } }: CallFacts, calls: readonly number[]): readonly string[] {
  const keys = calls.map((row) => {
    const { service, name } = registry.all[operations[row]!]!
    return exitKey(service, name, peerOfSpan(table, row))
  })
  return [...new Set(keys)].sort()
}

function addTo(counts: Map<string, number>, key: string, count: number): void {
  counts.set(key, (counts.get(key) ?? 0) + count)
}

function hasOtherService(facts: CallFacts, row: number, first: number, end: number): boolean {
  for (let other = first; other < end; other++) if (facts.serviceOf(other) !== facts.serviceOf(row)) return true
  return false
}
