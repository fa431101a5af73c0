import { boundaryOf } from '../../component/boundary.ts'
import type { Boundary, Edge } from '../../component/finding.ts'
import { OccurrenceJudge, type OccurrencePart } from '../../component/occurrence-judge.ts'
import { type OccurrenceSummary, OccurrenceTally, type PassedSpan } from '../../component/occurrence-rule.ts'
import { PairTally } from '../../component/pair-tally.ts'
import type { TraceJudge, TraceObserver, TraceRule, Verdicts } from '../../component/trace-rule.ts'
import type { Operations } from '../../otlp/operations.ts'
import { operationKey } from '../../otlp/operations.ts'
import type { ResourceRef } from '../../otlp/resource.ts'
import { Column, ROW_WORDS, SpanFlag } from '../../otlp/span-table.ts'
import { Parent } from '../../otlp/trace-index.ts'
import { hasOtEntry } from '../../otlp/trace-state.ts'
import { widened } from '../../otlp/widened.ts'
import { type CallFacts, Role } from './call-facts.ts'
import { CallsApart } from './calls-apart.ts'
import type { ContextPropagationConfig } from './config.ts'

const RULE = 'CTX-008'

interface SamplingSummary {
  readonly changes: OccurrenceSummary
  /** Calls that carried a decision, by edge. */
  readonly decided: readonly (readonly [edge: string, calls: number])[]
  /** SDKs of services that send the sampled flag of their spans; the flags of others say nothing. */
  readonly flagged: readonly string[]
}

/**
 * CTX-008 sampling_threshold_lost: over a call to another service the `ot=` entry of the trace state disappears, or the
 * sampled flag goes out. Assumes that both sides export the trace state; SDKs that send bits 8 and 9 of the flags but not
 * the sampled flag are told by never sending it, by service: while a new version of one is rolled out both answer calls.
 *
 * The trace state is also compared where the two sides leave the window apart: calls of operations whose calls carry an
 * entry are remembered until their callee comes, and callees of such calls until their caller does.
 */
export function samplingDecision(
  config: ContextPropagationConfig,
  evidenceLimit: number,
): TraceRule<CallFacts, SamplingSummary> {
  return {
    rules: [RULE],
    createObserver: () => new SamplingObserver(config, evidenceLimit),
    createJudge: () => new SamplingJudge(config, evidenceLimit),
  }
}

/** A callee whose call has not come; `lost` where it has no entry in its trace state. */
interface WaitingCallee {
  readonly operation: number
  readonly lost: (PassedSpan & { readonly relatedSpanId: string }) | null
}

class SamplingObserver implements TraceObserver<CallFacts, SamplingSummary> {
  readonly #tally: OccurrenceTally
  /** Exit operation and service of the callee, of calls that carried a decision. */
  readonly #decided = new PairTally()
  /** By service id: 1 from where the flag has gone out on; from then on it is looked at which SDKs of it send the flag. */
  #flips = new Uint8Array(256)
  readonly #flagged = new Set<string>()
  /** By exit operation, from its first call. */
  readonly #boundaries: Boundary[] = []
  readonly #apart: CallsApart<WaitingCallee>
  /** By operation: 1 where its calls carry an `ot=` entry. By service id: 1 where such calls arrive. */
  #carries = new Uint8Array(1024)
  #isCarriedTo = new Uint8Array(256)
  #anyCarries = false
  #registry: Operations | null = null
  #verdicts: Verdicts = new Map()

  constructor(config: ContextPropagationConfig, evidenceLimit: number) {
    this.#tally = new OccurrenceTally(evidenceLimit)
    this.#apart = new CallsApart(config.max_recent_calls)
  }

  observe(facts: CallFacts, nowMs: number): void {
    this.#registry = facts.registry
    const { table, traces } = facts.batch
    const { words } = table
    const { parentRow } = traces!
    this.#reserve(facts.registry)
    for (let row = 0; row < table.count; row++) {
      if (this.#anyCarries) this.#apartFrom(facts, row, nowMs)
      if ((facts.roles[row]! & Role.entry) === 0) continue
      const flags = words[row * ROW_WORDS + Column.flags]!
      if ((flags & SpanFlag.sampled) !== 0 && this.#flips[facts.serviceOf(row)] === 1)
        this.#flagged.add(sdkOf(table.resourceOf(row)))
      const parent = parentRow[row]!
      if (parent < 0 || facts.serviceOf(parent) === facts.serviceOf(row)) continue
      const parentFlags = words[parent * ROW_WORDS + Column.flags]!
      const isFlagSet = (parentFlags & SpanFlag.sampled) !== 0
      const hadEntry = hasOtEntry(table, parent)
      if (!hadEntry && !isFlagSet) continue
      this.#boundaries[facts.operations[parent]!] ??= boundaryOf(table, parent)
      this.#decided.add(facts.operations[parent]!, facts.serviceOf(row))
      if (hadEntry) this.#carried(facts.operations[parent]!, facts.serviceOf(row))
      if (hadEntry && !hasOtEntry(table, row)) this.#add(facts, row, facts.operations[parent]!, 'tracestate_dropped')
      else if (isFlagSet && (flags & SpanFlag.sampled) === 0 && (flags & SpanFlag.hasIsRemote) !== 0)
        this.#add(facts, row, facts.operations[parent]!, 'flag_flipped')
    }
  }

  takeSummary(nowMs: number): SamplingSummary {
    this.#apart.expire(nowMs)
    const registry = this.#registry
    if (!registry) return { changes: this.#tally.take(), decided: [], flagged: [] }
    const decided = new Map<string, number>()
    this.#decided.forEach((operation, service, count) => {
      const boundary = this.#boundaries[operation]!
      const key = edgeKey({ from: registry.all[operation]!.service, to: registry.serviceNames[service]!, boundary })
      decided.set(key, (decided.get(key) ?? 0) + count)
    })
    this.#decided.clear()
    const flagged = [...this.#flagged]
    this.#flagged.clear()
    return { changes: this.#tally.take(), decided: [...decided], flagged }
  }

  learn(verdicts: Verdicts): void {
    this.#verdicts = verdicts
  }

  #carried(exit: number, callee: number): void {
    this.#anyCarries = true
    this.#carries[exit] = 1
    this.#isCarriedTo[callee] = 1
  }

  /** Compares a row with the other side of its call, where that is not in the same piece of the trace. */
  #apartFrom(facts: CallFacts, row: number, nowMs: number): void {
    const { roles, operations } = facts
    const { table, traces } = facts.batch
    const operation = operations[row]!
    if (this.#carries[operation] === 1 && (roles[row]! & Role.answered) === 0 && hasOtEntry(table, row))
      for (const callee of this.#apart.call(table, row, operation, nowMs)) this.#calleeCame(facts, callee, operation)
    if ((roles[row]! & Role.entry) === 0 || this.#isCarriedTo[facts.serviceOf(row)] === 0) return
    const parent = traces!.parentRow[row]!
    if (parent !== Parent.passed && parent !== Parent.missing) return
    const isLost = !hasOtEntry(table, row)
    const caller = this.#apart.callerOf(table, row)
    if (caller < 0) {
      if (!this.#apart.isFull) this.#apart.wait(table, row, waitingCallee(facts, row, isLost), nowMs)
      return
    }
    this.#decided.add(caller, facts.serviceOf(row))
    if (isLost) this.#add(facts, row, caller, 'tracestate_dropped')
  }

  /** The call of a callee that left before it. */
  #calleeCame({ registry }: CallFacts, { operation, lost }: WaitingCallee, caller: number): void {
    const { service, serviceId } = registry.all[operation]!
    this.#decided.add(caller, serviceId)
    if (lost === null) return
    const { relatedSpanId } = lost
    const edge = this.#edgeOf(registry, caller, service)
    this.#tally.addPassed(registry, lost, { cause: 'tracestate_dropped', relatedSpanId, edge })
  }

  /** `caller` is the operation of the call. */
  #add(facts: CallFacts, row: number, caller: number, cause: string): void {
    const { service, name } = facts.registry.all[facts.operations[row]!]!
    const relatedSpanId = facts.batch.table.parentIdHex(row)
    const isFlip = cause === 'flag_flipped'
    if (isFlip) this.#flips[facts.serviceOf(row)] = 1
    const detail = isFlip ? sdkOf(facts.batch.table.resourceOf(row)) : ''
    this.#tally.add(facts, row, { cause, relatedSpanId, detail, edge: this.#edgeOf(facts.registry, caller, service) })
    if (this.#verdicts.get(operationKey(service, name)) === cause) facts.mark(row, RULE, cause)
  }

  #edgeOf({ all }: Operations, caller: number, to: string): Edge {
    return { from: all[caller]!.service, to, boundary: this.#boundaries[caller]! }
  }

  #reserve({ all, serviceNames }: Operations): void {
    if (all.length > this.#carries.length) this.#carries = widened(this.#carries, all.length)
    if (serviceNames.length <= this.#flips.length) return
    this.#flips = widened(this.#flips, serviceNames.length)
    this.#isCarriedTo = widened(this.#isCarriedTo, serviceNames.length)
  }
}

/** What decides whether the flags of a service are sent. */
function sdkOf({ serviceName, attributes }: ResourceRef): string {
  return [serviceName, attributes.get('telemetry.sdk.language'), attributes.get('telemetry.sdk.version')].join('\0')
}

function waitingCallee({ batch: { table }, operations }: CallFacts, row: number, isLost: boolean): WaitingCallee {
  const operation = operations[row]!
  if (!isLost) return { operation, lost: null }
  const startUnixNano = table.timeUnixNano(row, Column.start)
  const ids = { traceId: table.traceIdHex(row), spanId: table.spanIdHex(row), relatedSpanId: table.parentIdHex(row) }
  return { operation, lost: { operation, startUnixNano, ...ids } }
}

class SamplingJudge implements TraceJudge<SamplingSummary> {
  readonly #changes: OccurrenceJudge
  readonly #decided = new Map<string, number>()
  /** Calls whose decision changed, by cause, edge and SDK. */
  readonly #changed = new Map<string, number>()
  readonly #flagged = new Set<string>()
  readonly #limit: number

  constructor(config: ContextPropagationConfig, evidenceLimit: number) {
    this.#limit = config.max_operations
    this.#changes = new OccurrenceJudge({
      rule: RULE,
      evidenceLimit,
      maxPlaces: config.max_operations,
      counts: ({ cause, detail }) => cause !== 'flag_flipped' || this.#flagged.has(detail),
      says: (parts, count) => {
        if (parts.every((part) => (this.#changed.get(changeKey(part)) ?? 0) < config.min_occurrences)) return null
        const edge = parts[0]!.edge!
        const { from, to } = edge
        const calls = Math.max(count, this.#decided.get(edgeKey(edge)) ?? 0)
        return {
          level: 'warn',
          confidence: 0.95,
          // The cause is what is seen itself, on both sides of the call.
          causeConfidence: 0.97,
          population: calls,
          message: `${count} of ${calls} calls from ${from} to ${to} lose what was decided about sampling.`,
          values: {},
        }
      },
    })
  }

  judge(summaries: readonly SamplingSummary[], nowMs: number) {
    for (const { changes, decided, flagged } of summaries) {
      for (const row of changes.rows) this.#count(this.#changed, changeKey(row), row.count)
      for (const sdk of flagged) if (this.#flagged.size < this.#limit) this.#flagged.add(sdk)
      for (const [edge, calls] of decided) this.#count(this.#decided, edge, calls)
    }
    return this.#changes.judge(
      summaries.map(({ changes }) => changes),
      nowMs,
    )
  }

  verdicts(): Verdicts {
    return this.#changes.verdicts()
  }

  #count(counts: Map<string, number>, key: string, amount: number): void {
    const known = counts.get(key)
    if (known !== undefined || counts.size < this.#limit) counts.set(key, (known ?? 0) + amount)
  }
}

function changeKey({ cause, edge, detail }: Pick<OccurrencePart, 'cause' | 'edge' | 'detail'>): string {
  return [cause, edgeKey(edge!), detail].join('\0')
}

function edgeKey({ from, to, boundary }: Edge): string {
  return `${from}\0${to}\0${boundary}`
}
