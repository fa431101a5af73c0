import { boundaryOf } from '../../component/boundary.ts'
import type { Boundary, Edge } from '../../component/finding.ts'
import { OccurrenceJudge } from '../../component/occurrence-judge.ts'
import { type OccurrenceSummary, OccurrenceTally, verdictKey } from '../../component/occurrence-rule.ts'
import type { TraceJudge, TraceObserver, TraceRule, Verdicts } from '../../component/trace-rule.ts'
import type { Operations } from '../../otlp/operations.ts'
import { Column, ROW_WORDS, SpanFlag } from '../../otlp/span-table.ts'
import { hasOtEntry } from '../../otlp/trace-state.ts'
import { widened } from '../../otlp/widened.ts'
import { type CallFacts, Role } from './call-facts.ts'
import type { ContextPropagationConfig } from './config.ts'
import { PairTally } from './pair-tally.ts'

const RULE = 'CTX-008'

interface SamplingSummary {
  readonly changes: OccurrenceSummary
  /** Calls that carried a decision, by edge. */
  readonly decided: readonly (readonly [edge: string, calls: number])[]
  /** Services that send the sampled flag of their spans; the flags of others say nothing. */
  readonly flagged: readonly string[]
}

/**
 * CTX-008 sampling_threshold_lost: over a call to another service the `ot=` entry of the trace state disappears, or the
 * sampled flag goes out. Assumes that both sides export the trace state; SDKs that send bits 8 and 9 of the flags but not
 * the sampled flag are told by never sending it.
 */
export function samplingDecision(
  config: ContextPropagationConfig,
  evidenceLimit: number,
): TraceRule<CallFacts, SamplingSummary> {
  return {
    rules: [RULE],
    createObserver: () => new SamplingObserver(evidenceLimit),
    createJudge: () => new SamplingJudge(config, evidenceLimit),
  }
}

class SamplingObserver implements TraceObserver<CallFacts, SamplingSummary> {
  readonly #tally: OccurrenceTally
  /** Exit operation and service of the callee, of calls that carried a decision. */
  readonly #decided = new PairTally()
  /** By service id: 1 where its spans have been seen with the sampled flag, 2 where that is told. */
  #flagged = new Uint8Array(256)
  /** By exit operation, from its first call. */
  readonly #boundaries: Boundary[] = []
  #registry: Operations | null = null
  #verdicts: Verdicts = new Map()

  constructor(evidenceLimit: number) {
    this.#tally = new OccurrenceTally(evidenceLimit)
  }

  observe(facts: CallFacts): void {
    this.#registry = facts.registry
    const { table, traces } = facts.batch
    const { words } = table
    const { parentRow } = traces!
    this.#reserve(facts.registry.serviceNames.length)
    for (let row = 0; row < table.count; row++) {
      if ((facts.roles[row]! & Role.entry) === 0) continue
      const flags = words[row * ROW_WORDS + Column.flags]!
      if ((flags & SpanFlag.sampled) !== 0 && this.#flagged[facts.serviceOf(row)] === 0)
        this.#flagged[facts.serviceOf(row)] = 1
      const parent = parentRow[row]!
      if (parent < 0 || facts.serviceOf(parent) === facts.serviceOf(row)) continue
      const parentFlags = words[parent * ROW_WORDS + Column.flags]!
      const isFlagSet = (parentFlags & SpanFlag.sampled) !== 0
      const hadEntry = hasOtEntry(table, parent)
      if (!hadEntry && !isFlagSet) continue
      this.#boundaries[facts.operations[parent]!] ??= boundaryOf(table, parent)
      this.#decided.add(facts.operations[parent]!, facts.serviceOf(row))
      if (hadEntry && !hasOtEntry(table, row) && !hasOtEntry(table, row, true))
        this.#add(facts, row, parent, 'tracestate_dropped')
      else if (isFlagSet && (flags & SpanFlag.sampled) === 0 && (flags & SpanFlag.hasIsRemote) !== 0)
        this.#add(facts, row, parent, 'flag_flipped')
    }
  }

  takeSummary(): SamplingSummary {
    const registry = this.#registry
    if (!registry) return { changes: this.#tally.take(), decided: [], flagged: [] }
    const decided = new Map<string, number>()
    this.#decided.forEach((operation, service, count) => {
      const boundary = this.#boundaries[operation]!
      const key = edgeKey({ from: registry.all[operation]!.service, to: registry.serviceNames[service]!, boundary })
      decided.set(key, (decided.get(key) ?? 0) + count)
    })
    this.#decided.clear()
    const flagged: string[] = []
    for (let service = 0; service < registry.serviceNames.length && service < this.#flagged.length; service++) {
      if (this.#flagged[service] !== 1) continue
      this.#flagged[service] = 2
      flagged.push(registry.serviceNames[service]!)
    }
    return { changes: this.#tally.take(), decided: [...decided], flagged }
  }

  learn(verdicts: Verdicts): void {
    this.#verdicts = verdicts
  }

  #add(facts: CallFacts, row: number, parent: number, cause: string): void {
    const { all } = facts.registry
    const { service, name } = all[facts.operations[row]!]!
    const from = all[facts.operations[parent]!]!.service
    const edge = { from, to: service, boundary: this.#boundaries[facts.operations[parent]!]! }
    this.#tally.add(facts, row, { cause, relatedSpanId: facts.batch.table.spanIdHex(parent), edge })
    if (this.#verdicts.get(verdictKey(service, name)) === cause) facts.mark(row, RULE, cause)
  }

  #reserve(services: number): void {
    if (services <= this.#flagged.length) return
    this.#flagged = widened(this.#flagged, services)
  }
}

class SamplingJudge implements TraceJudge<SamplingSummary> {
  readonly #changes: OccurrenceJudge
  readonly #decided = new Map<string, number>()
  readonly #flagged = new Set<string>()
  readonly #limit: number

  constructor(config: ContextPropagationConfig, evidenceLimit: number) {
    this.#limit = config.max_operations
    this.#changes = new OccurrenceJudge({
      rule: RULE,
      evidenceLimit,
      maxPlaces: config.max_operations,
      counts: ({ cause, service }) => cause !== 'flag_flipped' || this.#flagged.has(service),
      says: ([part], count) => {
        if (count < config.min_occurrences) return null
        const { from, to } = part!.edge!
        const calls = Math.max(count, this.#decided.get(edgeKey(part!.edge!)) ?? 0)
        return {
          level: 'warn',
          confidence: 0.95,
          causeConfidence: 0.9,
          population: calls,
          message: `${count} of ${calls} calls from ${from} to ${to} lose what was decided about sampling.`,
          values: {},
        }
      },
    })
  }

  judge(summaries: readonly SamplingSummary[], nowMs: number) {
    for (const { decided, flagged } of summaries) {
      for (const service of flagged) if (this.#flagged.size < this.#limit) this.#flagged.add(service)
      for (const [edge, calls] of decided)
        if (this.#decided.has(edge) || this.#decided.size < this.#limit)
          this.#decided.set(edge, (this.#decided.get(edge) ?? 0) + calls)
    }
    return this.#changes.judge(
      summaries.map(({ changes }) => changes),
      nowMs,
    )
  }

  verdicts(): Verdicts {
    return this.#changes.verdicts()
  }
}

function edgeKey({ from, to, boundary }: Edge): string {
  return `${from}\0${to}\0${boundary}`
}
