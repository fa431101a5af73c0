import type { FindingReport } from '../../component/finding.ts'
import { ShardTotals } from '../../component/shard-counts.ts'
import type { TraceJudge, Verdicts } from '../../component/trace-rule.ts'
import { operationKey } from '../../otlp/operations.ts'
import type { ClockModel } from './clocks/clock-model.ts'
import { REACH_S } from './clocks/domain-pair.ts'
import type { SpanLifetimeConfig } from './config.ts'
import { type EarlyOperation, EarlyOperations } from './early-operations.ts'
import { KINDS, Kind } from './lifetime-kinds.ts'
import type { LifetimeSummary, OccurrenceRow } from './lifetime-summary.ts'
import type { StandingPlace } from './standing-place.ts'
import { StandingPlaces } from './standing-places.ts'

/**
 * How long what was seen stays provisional: until late spans have come, and where a clock may explain it until that has
 * been found out. Two clocks between which there is a call a second show a step within a minute.
 */
const SETTLE_MS = 12_000
const CLOCK_SETTLE_MS = 60_000
/** How sure what may yet be explained is: of ten provisional findings one is. */
const UNSETTLED = 0.9
/** A step this close to the start of a span moves it against its parent. */
const STEP_REACH_S = 2
/** Between two clocks it does so until it has been found out. */
const STEP_UNKNOWN_S = 20
/** By how much more than a step an offset may be wrong until then: the step looks like a drift that goes on. */
const SLOPE_FACTOR = 2

/**
 * LIFE-001 to LIFE-006 from the sums of all shards. Holds back nothing, but takes back what the clocks explain when that
 * is known, and what LIFE-003 outranks: spans that end after their parent because that parent ends too early.
 */
export class LifetimeJudge implements TraceJudge<LifetimeSummary> {
  readonly #config: SpanLifetimeConfig
  readonly #clocks: ClockModel
  readonly #early: EarlyOperations
  /** Spans by operation. */
  readonly #spans: ShardTotals
  /** Of these, by operation, calls whose wait can be compared with the span that served them. */
  readonly #calls: ShardTotals
  readonly #places: StandingPlaces
  /** What observers cut short, by limit. */
  readonly #cutShort: Record<string, number> = {}
  /** Operations that ended too early when it was last spoken of all places. */
  #saidEarly = ''
  /** Occurrences that the clocks explained. */
  #explained = 0

  constructor(config: SpanLifetimeConfig, evidenceLimit: number, clocks: ClockModel) {
    this.#config = config
    this.#clocks = clocks
    this.#spans = new ShardTotals(config.max_operations)
    this.#calls = new ShardTotals(config.max_operations)
    this.#early = new EarlyOperations(config.max_early_operations, this.#spans, this.#calls)
    this.#places = new StandingPlaces(config.max_places, evidenceLimit)
  }

  judge(summaries: readonly LifetimeSummary[], nowMs: number): readonly FindingReport[] {
    for (const { spans, calls, early, occurrences, limits } of summaries) {
      this.#spans.add(spans)
      for (const row of early) this.#early.add(row)
      this.#calls.add(calls)
      for (const row of occurrences) this.#places.add(row, nowMs)
      for (const [name, times] of Object.entries(limits)) this.#cutShort[name] = (this.#cutShort[name] ?? 0) + times
    }
    const early = [...this.#early.verdicts()].join('\n')
    const isAllNews = early !== this.#saidEarly
    this.#saidEarly = early
    const reports: FindingReport[] = []
    for (const place of this.#places.all) {
      const settleMs = KINDS[place.kind]!.clockExplainsBeyond === null ? SETTLE_MS : CLOCK_SETTLE_MS
      this.#explained += place.settle(nowMs - settleMs, (row, isDue) => this.#isExplained(row, isDue))
      if (place.takeChange() || isAllNews) reports.push(...this.#report(place))
    }
    return reports
  }

  verdicts(): Verdicts {
    return this.#early.verdicts()
  }

  get limits(): Readonly<Record<string, number>> {
    return {
      overflowed_lifetime_operations: this.#spans.overflowed,
      forgotten_lifetime_places: this.#places.forgotten,
      forgotten_early_operations: this.#early.forgotten,
      lifetimes_explained_by_clocks: this.#explained,
      ...this.#cutShort,
    }
  }

  #isExplained(row: OccurrenceRow, isDue: boolean): boolean {
    const { kind, second, excessNano, sources } = row
    const domains = sources.map((source) => this.#clocks.domainOf(source))
    if (kind === Kind.inTheFuture) {
      const aheadNano = this.#config.future_tolerance * 0.5e6
      return domains.some((domain) => domain !== null && this.#clocks.aheadNano(domain) > aheadNano)
    }
    if (KINDS[kind]!.clockExplainsBeyond === null) return false
    if (this.#leftNano(row, isDue) <= 0) return true
    const [own = null, other = own] = domains
    // Which of two clocks was set is not always known, so within one, too, the steps of those around it count.
    const setNano =
      own !== null && own === other
        ? this.#clocks.setAroundNano(domains, second - STEP_REACH_S, second + STEP_REACH_S)
        : SLOPE_FACTOR * this.#clocks.setAroundNano(domains, second - STEP_UNKNOWN_S, second + STEP_REACH_S)
    if (setNano >= excessNano) return true
    // Few calls do not place a step, but they show that there was one: an offset amidst it is half of it from each side.
    const leastNano = (excessNano + this.#config.tolerance * 1e6) / 2
    return isDue && domains.some((domain) => this.#clocks.contradictedNano(domain, second, REACH_S) >= leastNano)
  }

  /**
   * What is left of the excess when the clocks are compared by the offset that they have been settled to have had, and
   * what that may be wrong by. When all that will be known is known, two clocks that were settled nowhere near leave none.
   */
  #leftNano({ excessNano, clockDifferenceNano, sources, second }: OccurrenceRow, isDue: boolean): number {
    const [own, parent] = sources
    if (clockDifferenceNano === null || own === undefined || parent === undefined) return excessNano
    if (this.#clocks.domainOf(own) === this.#clocks.domainOf(parent)) return excessNano
    const settled = this.#clocks.settledDifference(own, parent, second, isDue ? REACH_S : 0)
    if (settled === null) return isDue ? 0 : excessNano
    return excessNano + clockDifferenceNano - settled.nano - settled.uncertainNano
  }

  #report(place: StandingPlace): readonly FindingReport[] {
    const key = operationKey(place.service, place.name)
    const isEarlyKind = place.kind === Kind.endedBeforeAsyncWork || place.kind === Kind.endedBeforeResponse
    const early = this.#early.get(key)
    const isJudged = early !== null && early.kind === place.kind
    const isOutranked = (parent: string | null) =>
      isEarlyKind ? !isJudged : parent !== null && this.#early.get(parent)?.kind === Kind.endedBeforeAsyncWork
    const total = place.total(isOutranked)
    const population = Math.max(this.#spans.of(key), total.count)
    const kind = KINDS[place.kind]!
    const { rule, cause, level, says, minOccurrences = 1, minShare = 0 } = kind
    const isTooFew = total.count < minOccurrences || total.count < minShare * population
    const isHeld = kind.waitsForClocks === true && !total.isSettled
    const state = isTooFew || isHeld ? 'retracted' : total.isSettled ? 'confirmed' : 'provisional'
    if (!place.isNews(isTooFew || isHeld ? 0 : total.count, state)) return []
    const confidence = total.isSettled ? kind.confidence : Math.min(kind.confidence, UNSETTLED)
    return [
      {
        rule,
        cause,
        place: { service: place.service, instance: null, operation: place.name, edge: place.edge },
        level,
        confidence,
        // What may yet be found out is whether it is one at all.
        causeConfidence: kind.confidence,
        state,
        occurrences: total.count,
        population,
        firstUnixNano: total.firstUnixNano,
        lastUnixNano: total.lastUnixNano,
        message:
          `${total.count} of ${population} spans "${place.name}" of ${place.service} ${says}` +
          `${early && isEarlyKind ? numbersOf(early) : ''}.`,
        values: { share: total.count / Math.max(1, population), ...(early && isEarlyKind ? valuesOf(early) : {}) },
        evidence: total.evidence,
        supersedesCause: null,
        related: isEarlyKind ? this.#outrankedBy(key) : [],
      },
    ]
  }

  /** Rules whose occurrences an operation that ends too early has taken over. */
  #outrankedBy(key: string): readonly string[] {
    const rules = new Set<string>()
    for (const place of this.#places.all) if (place.hasParent(key)) rules.add(KINDS[place.kind]!.rule)
    return [...rules].sort()
  }
}

function numbersOf(early: EarlyOperation): string {
  const { reported_p50_seconds, effective_p50_seconds } = valuesOf(early)
  return `: ${milliseconds(reported_p50_seconds!)} reported, ${milliseconds(effective_p50_seconds!)} effective`
}

function valuesOf({ reported, effective }: EarlyOperation): Readonly<Record<string, number>> {
  return {
    reported_p50_seconds: reported.quantileSeconds(0.5),
    effective_p50_seconds: effective.quantileSeconds(0.5),
    reported_p99_seconds: reported.quantileSeconds(0.99),
    effective_p99_seconds: effective.quantileSeconds(0.99),
  }
}

function milliseconds(seconds: number): string {
  return `${(seconds * 1000).toPrecision(2).replace(/e\+?(\d+)/, '')} ms`
}
