import type { Evidence, FindingReport } from '../../component/finding.ts'
import type { TraceJudge, Verdicts } from '../../component/trace-rule.ts'
import { type Drift, farDrift, isDrifting, SIGNIFICANCE } from './clock-drift.ts'
import { ClockMetrics } from './clock-metrics.ts'
import { clockVerdict } from './clock-table.ts'
import { ASYMMETRY_SHARE } from './clocks/clock-graph.ts'
import type { ClockGroup } from './clocks/clock-groups.ts'
import { ClockModel } from './clocks/clock-model.ts'
import type { ClockSummary } from './clocks/clock-samples.ts'
import type { TrackPoint } from './clocks/clock-track.ts'
import type { Step } from './clocks/find-steps.ts'
import type { SpanLifetimeConfig } from './config.ts'

/**
 * Seconds with an offset beyond the tolerance from which it is said: neighbours share their calls, so a few are one. Where
 * only symmetry tells it, one long load on one way would look the same.
 */
const MIN_BEYOND = { proven: 10, symmetric: 20 } as const
/** Most of the seconds since the last step must agree, of which so many are looked at. */
const RECENT = 60
const MIN_SHARE = 0.5
/**
 * An offset that only symmetry tells may be an asymmetry; a step just seen may be another clock's, or the load: of eight
 * one is.
 */
const CONFIDENCE = { proven: 0.99, symmetric: 0.85, step: 0.87, certainStep: 0.97 } as const
/** How long a step is told of the same clock before it is taken for certain: some calls come later than others. */
const STEP_CERTAIN_MS = 15_000

/** A finding as it was said last. */
interface Said {
  readonly report: FindingReport
  readonly sinceMs: number
  readonly members: readonly string[]
}

/** CLOCK-001 clock_offset and CLOCK-002 clock_step, from the tracks of all clocks. */
export class ClockJudge implements TraceJudge<ClockSummary> {
  readonly model: ClockModel
  readonly metrics: ClockMetrics
  readonly #config: SpanLifetimeConfig
  readonly #evidenceLimit: number
  /** What was said last of each place and cause, to take it back when the place is gone. */
  readonly #said = new Map<string, Said>()
  readonly #unknownOffsets = new Map<string, string>()
  /** What is said of the offsets of groups, and of which: they stay the same for some rounds. */
  #offsets: readonly FindingReport[] = []
  #offsetsOf: readonly ClockGroup[] | null = null

  constructor(config: SpanLifetimeConfig, evidenceLimit: number) {
    this.#config = config
    this.#evidenceLimit = evidenceLimit
    this.model = new ClockModel({
      maxClocks: config.max_clocks,
      maxPairs: config.max_clock_pairs,
      maxPoints: config.max_clock_points,
    })
    this.metrics = new ClockMetrics(config.max_series)
  }

  judge(summaries: readonly ClockSummary[], nowMs: number): readonly FindingReport[] {
    for (const summary of summaries) this.model.add(summary, nowMs)
    this.model.update(nowMs)
    const { groups } = this.model
    this.metrics.update(groups)
    const reports: FindingReport[] = [...this.#offsetReports(groups)]
    for (const group of groups) {
      const steps = group.steps.filter((step) => Math.abs(step.jumpNano) > this.#config.step_tolerance * 1e6)
      if (steps.length > 0) reports.push(this.#stepReport(group, steps, groups))
    }
    const takenBack = this.#takenBack(reports)
    return [...takenBack, ...reports.flatMap((report) => this.#news(report, nowMs))]
  }

  verdicts(): Verdicts {
    const verdicts = new Map<string, string>()
    for (const source of this.model.sources()) {
      const domain = this.model.domainOf(source)!
      const live = this.model.liveOffset(domain)
      if (live) {
        const { root, offsetNano, slopeNanoPerS, atS, halfWidthNano } = live
        verdicts.set(source, clockVerdict(domain, root, offsetNano, slopeNanoPerS, atS, halfWidthNano))
      } else if (this.model.isShared(domain)) verdicts.set(source, this.#unknown(domain))
    }
    return verdicts
  }

  /** What is said of domains without an offset does not change. */
  #unknown(domain: string): string {
    let text = this.#unknownOffsets.get(domain)
    if (text === undefined) {
      if (this.#unknownOffsets.size >= this.#config.max_clocks) this.#unknownOffsets.clear()
      text = clockVerdict(domain, null, 0, 0, 0, 0)
      this.#unknownOffsets.set(domain, text)
    }
    return text
  }

  #offsetReports(groups: readonly ClockGroup[]): readonly FindingReport[] {
    if (groups !== this.#offsetsOf) {
      const own = groups.filter((group) => !group.members.includes(group.reference))
      this.#offsets = own.flatMap((group) => this.#offsetReport(group, groups) ?? [])
      this.#offsetsOf = groups
    }
    return this.#offsets
  }

  #offsetReport(group: ClockGroup, groups: readonly ClockGroup[]): FindingReport | null {
    const toleranceNano = this.#config.offset_tolerance * 1e6
    const drift = farDrift(group, toleranceNano)
    const isFar = drift !== null
    const seconds = isFar ? group.points.filter((point) => this.#isWrong(point, drift)) : this.#steadily(group)
    if (seconds.length === 0) return null
    const proven = drift?.isProven || isProven(seconds)
    if (seconds.length * strideOf(group) < (proven ? MIN_BEYOND.proven : MIN_BEYOND.symmetric)) return null
    const last = group.points.at(-1)!
    const cause = isFar || isDrifting(group, toleranceNano) ? 'drifting' : 'steady'
    const direction = last.offsetNano < 0 ? 'behind' : 'ahead of'
    const shown = `${(Math.abs(last.offsetNano) / 1e6).toFixed(1)} ms`
    const moves = cause === 'drifting' ? ', and the difference moves' : ''
    return {
      ...this.#place('CLOCK-001', cause, group.domain),
      level: 'warn',
      confidence: proven ? CONFIDENCE.proven : CONFIDENCE.symmetric,
      causeConfidence: proven ? 0.95 : CONFIDENCE.symmetric,
      state: proven ? 'confirmed' : 'provisional',
      occurrences: seconds.length,
      population: group.points.length,
      firstUnixNano: secondsToNano(seconds[0]!.second),
      lastUnixNano: secondsToNano(seconds.at(-1)!.second),
      message: `The clock of ${group.domain} is ${shown} ${direction} that of ${group.reference}${moves}.`,
      values: {
        offset_seconds: last.offsetNano / 1e9,
        uncertainty_seconds: last.halfWidthNano / 1e9,
        reference: group.reference,
      },
      evidence: this.#evidence(group, groups),
    }
  }

  /** The seconds beyond the tolerance, if it still is. */
  #steadily(group: ClockGroup): readonly TrackPoint[] {
    const isBeyond = (point: TrackPoint) => this.#isBeyond(point)
    const recent = sinceLastJump(group).slice(-RECENT)
    return recent.filter(isBeyond).length < MIN_SHARE * recent.length ? [] : group.points.filter(isBeyond)
  }

  /** By more than it may be wrong: an offset at the tolerance is not now and then beyond it. */
  #isBeyond({ offsetNano, halfWidthNano, delayNano }: TrackPoint): boolean {
    const surelyNano = Math.abs(offsetNano) - Math.max(halfWidthNano, ASYMMETRY_SHARE * delayNano)
    return surelyNano > this.#config.offset_tolerance * 1e6 && Math.abs(offsetNano) > SIGNIFICANCE * halfWidthNano
  }

  /** Beyond the tolerance, or that far from where a drift began. */
  #isWrong(point: TrackPoint, { fromS, fromNano }: Drift): boolean {
    if (this.#isBeyond(point)) return true
    return point.second >= fromS && this.#isBeyond({ ...point, offsetNano: point.offsetNano - fromNano })
  }

  #stepReport(group: ClockGroup, steps: readonly Step[], groups: readonly ClockGroup[]): FindingReport {
    const largest = steps.reduce((most, step) => (Math.abs(step.jumpNano) > Math.abs(most.jumpNano) ? step : most))
    const shown = `${(Math.abs(largest.jumpNano) / 1e6).toFixed(1)} ms`
    const times = steps.length === 1 ? '' : `, the largest of ${steps.length} steps`
    return {
      ...this.#place('CLOCK-002', 'step', group.domain),
      level: 'error',
      confidence: CONFIDENCE.step,
      causeConfidence: CONFIDENCE.certainStep,
      state: 'provisional',
      occurrences: steps.length,
      population: Math.max(1, group.points.length - 1),
      firstUnixNano: secondsToNano(steps[0]!.atS),
      lastUnixNano: secondsToNano(steps.at(-1)!.atS),
      message: `The clock of ${group.domain} was set ${largest.jumpNano < 0 ? 'back' : 'forward'} by ${shown}${times}.`,
      values: { step_seconds: largest.jumpNano / 1e9, reference: group.reference },
      evidence: this.#evidence(group, groups),
    }
  }

  #place(rule: string, cause: string, domain: string) {
    const place = { service: domain, instance: null, operation: null, edge: null }
    return { rule, cause, place, supersedesCause: null, related: [] }
  }

  #evidence(group: ClockGroup, groups: readonly ClockGroup[]): readonly Evidence[] {
    const reference = groups.find((one) => one.members.includes(group.reference))?.members ?? []
    return this.model.examplesOf(group.members, reference).slice(0, this.#evidenceLimit)
  }

  /** Says what changed; occurrences that were forgotten with old points still happened. */
  #news(found: FindingReport, nowMs: number): readonly FindingReport[] {
    const key = keyOf(found)
    const before = this.#said.get(key)
    const sinceMs = before?.sinceMs ?? nowMs
    const isCertain = found.rule === 'CLOCK-002' && nowMs - sinceMs >= STEP_CERTAIN_MS
    const wasCertain = before?.report.state === 'confirmed'
    const confidence = Math.max(isCertain ? CONFIDENCE.certainStep : found.confidence, before?.report.confidence ?? 0)
    const report: FindingReport = isCertain || wasCertain ? { ...found, confidence, state: 'confirmed' } : found
    const isKnown = before?.report.cause === report.cause && before.report.state === report.state
    if (isKnown && before.report.occurrences >= report.occurrences) return []
    this.#said.set(key, { report, sinceMs, members: this.#groupOf(report)?.members ?? [] })
    const supersedesCause = before && before.report.cause !== report.cause ? before.report.cause : null
    return [{ ...report, supersedesCause }]
  }

  /**
   * A domain that merged with another goes on under its name; a step that was another clock's was none; nor was an offset
   * that calls which came later do not show, or that was another clock's. What is over stands.
   */
  #takenBack(reports: readonly FindingReport[]): readonly FindingReport[] {
    const stand = new Set(reports.map(keyOf))
    const back: FindingReport[] = []
    for (const [key, said] of this.#said) {
      if (stand.has(key) || (said.report.rule === 'CLOCK-001' && this.#wasTrue(said))) continue
      this.#said.delete(key)
      back.push({ ...said.report, state: 'retracted' })
    }
    return back
  }

  #wasTrue({ report, members }: Said): boolean {
    const group = this.#groupOf(report)
    if (!group || group.points.length === 0) return false
    const isForgotten = secondsToNano(group.points[0]!.second) > report.firstUnixNano
    if (isForgotten || (report.cause === 'drifting' && members.join() === group.members.join())) return true
    return group.points.filter((point) => this.#isBeyond(point)).length * strideOf(group) >= MIN_BEYOND.proven
  }

  #groupOf({ place }: FindingReport): ClockGroup | undefined {
    return this.model.groups.find(({ domain }) => domain === place.service)
  }
}

/** Whether calls contradict that there is no offset, in most of these seconds. */
function isProven(seconds: readonly TrackPoint[]): boolean {
  const excluding = seconds.filter(({ lowerNano, upperNano }) => lowerNano > 0 || upperNano < 0)
  return excluding.length >= MIN_SHARE * seconds.length
}

/** Seconds from point to point: more than one where there are many pairs of clocks. */
function strideOf({ points }: ClockGroup): number {
  if (points.length < 2) return 1
  const last = points.slice(-5).map(({ second }) => second)
  return Math.max(1, Math.min(...last.slice(1).map((second, i) => second - last[i]!)))
}

function sinceLastJump({ points, jumps }: ClockGroup): readonly TrackPoint[] {
  const from = jumps.at(-1)?.atS ?? Number.NEGATIVE_INFINITY
  return points.filter((point) => point.second > from)
}

function keyOf({ rule, place }: FindingReport): string {
  return `${rule} ${place.service}`
}

function secondsToNano(seconds: number): bigint {
  return BigInt(Math.round(seconds * 1000)) * 1_000_000n
}
