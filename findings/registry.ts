import type { MetricProducer } from '@opentelemetry/sdk-metrics'
import type { Clock, Timer } from '../component/clock.ts'
import {
  type FindingReport,
  type FindingSink,
  MIN_CAUSE_CONFIDENCE,
  type ReportSections,
} from '../component/finding.ts'
import type {
  CollectedMetrics,
  Finding,
  FindingEvent,
  FindingSource,
  FindingState,
} from '../component/finding-source.ts'
import type { Logger } from '../telemetry/logger.ts'
import { RareLines } from '../telemetry/rare-lines.ts'
import { findRule, hasCause } from './catalogue/catalogue.ts'
import { type Rule, UNDETERMINED } from './catalogue/rule.ts'
import { findingId, placeKey } from './finding-key.ts'
import { FindingRecord } from './finding-record.ts'
import { FindingMetrics } from './metrics/finding-metrics.ts'
import { MetricCollection } from './metrics/metric-collection.ts'

export interface RegistryOptions {
  readonly clock: Clock
  readonly logger: Logger
  /** Evidence kept of each finding. */
  readonly evidenceLimit?: number
  /** Below it a finding is not published. */
  readonly minConfidence?: number
  /** Without a new occurrence for this long a finding is resolved. */
  readonly resolveAfterMs?: number
  /** Findings kept, closed ones included; a tenth goes when it is reached, closed and oldest first. */
  readonly maxFindings?: number
  /** Series of one metric; the rest shares one. */
  readonly maxSeries?: number
}

const DEFAULTS = {
  evidenceLimit: 10,
  minConfidence: 0.8,
  resolveAfterMs: 600_000,
  maxFindings: 10_000,
  maxSeries: 2000,
} as const
const RESOLVE_CHECK_MS = 10_000

/**
 * Where all findings of the process are: takes what detectors say, keeps states and counters, tells who subscribed.
 * Detectors repeat themselves with new totals; what they say again replaces what they said of the same place before.
 */
export class FindingRegistry implements FindingSink, FindingSource {
  readonly source: FindingSource = this
  readonly evidenceLimit: number
  readonly #options: Required<RegistryOptions>
  readonly #records = new Map<string, FindingRecord>()
  /** By rule, cause and whole place as a detector reports them: under which finding that stands now. */
  readonly #homes = new Map<string, string>()
  readonly #listeners = new Set<(event: FindingEvent) => void>()
  readonly #sections = new Set<ReportSections>()
  readonly #metrics: FindingMetrics
  readonly #collection: MetricCollection
  /** What changed and has not been told yet, with what was told last. */
  readonly #untold = new Map<FindingRecord, Finding | null>()
  readonly #timer: Timer
  readonly #lines: RareLines
  readonly #dropped = { evicted_findings: 0, withheld_reports: 0, rejected_reports: 0, finding_parts_left_out: 0 }

  constructor(options: RegistryOptions) {
    this.#options = { ...DEFAULTS, ...options }
    this.evidenceLimit = this.#options.evidenceLimit
    this.#metrics = new FindingMetrics(this.#options.maxSeries, () => this.#published())
    this.#collection = new MetricCollection(options.clock)
    this.#collection.add(this.#metrics)
    this.#lines = new RareLines(options.logger, options.clock)
    this.contribute({ limits: () => ({ ...this.#dropped, overflowed_series: this.#metrics.overflows }) })
    this.#timer = options.clock.every(RESOLVE_CHECK_MS, () => this.#resolveQuiet())
  }

  /** Ends the check for quiet findings; what was published stays readable. */
  close(): void {
    this.#timer.cancel()
  }

  publish(reports: readonly FindingReport[]): void {
    for (const report of reports) this.#takeReport(report)
    this.#tellUntold()
  }

  #takeReport(report: FindingReport): void {
    const rule = findRule(report.rule)
    if (!rule || !(hasCause(rule, report.cause) || report.cause === UNDETERMINED)) {
      this.#dropped.rejected_reports++
      this.#lines.error('a detector published what is not in the catalogue', {
        rule: report.rule,
        cause: report.cause,
      })
      return
    }
    if (report.confidence < this.#options.minConfidence) {
      this.#dropped.withheld_reports++
      this.#takeBack(rule, report)
    } else if (report.state === 'retracted') this.#takeBack(rule, report)
    else this.#takeIn(rule, report)
  }

  contribute(sections: ReportSections): () => void {
    this.#sections.add(sections)
    return () => this.#sections.delete(sections)
  }

  addMetricProducer(producer: MetricProducer): () => void {
    return this.#collection.add(producer)
  }

  findings(): readonly Finding[] {
    return [...this.#published()].sort((a, b) => (a.id < b.id ? -1 : 1))
  }

  sections(): readonly ReportSections[] {
    return [...this.#sections]
  }

  subscribe(listener: (event: FindingEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  collect(): Promise<readonly CollectedMetrics[]> {
    return this.#collection.collect()
  }

  #takeIn(rule: Rule, report: FindingReport): void {
    const cause = report.causeConfidence < MIN_CAUSE_CONFIDENCE ? UNDETERMINED : report.cause
    const id = findingId(rule, cause, report)
    const part = placeKey(rule.id, report.cause, report.place)
    const record = this.#recordOf(rule, cause, id)
    if (!record.setPart(part, report)) {
      this.#dropped.finding_parts_left_out++
      return
    }
    const left = this.#leaveHomes(report, part, id)
    this.#homes.set(part, id)
    for (const old of left) this.#update(old, id)
    this.#update(record, null)
  }

  /** What stood under another cause until now goes on under this one. */
  #leaveHomes(report: FindingReport, part: string, id: string): readonly FindingRecord[] {
    const left: FindingRecord[] = []
    const parts = report.supersedesCause === null ? [part] : [part, oldPartOf(report)]
    for (const key of parts) {
      const home = this.#homes.get(key)
      if (home === undefined || (home === id && key === part)) continue
      this.#homes.delete(key)
      const old = this.#records.get(home)
      if (!old) continue
      old.removePart(key)
      if (home !== id) left.push(old)
    }
    return left
  }

  /** Disproved, or no longer sure enough: wherever it stands it is retracted; what was never published stays unsaid. */
  #takeBack(rule: Rule, report: FindingReport): void {
    const parts = [placeKey(rule.id, report.cause, report.place)]
    if (report.supersedesCause !== null) parts.push(oldPartOf(report))
    for (const key of parts) {
      const record = this.#records.get(this.#homes.get(key) ?? '')
      if (!record) continue
      record.setPart(key, { ...report, state: 'retracted' })
      this.#update(record, null)
    }
  }

  #recordOf(rule: Rule, cause: string, id: string): FindingRecord {
    let record = this.#records.get(id)
    if (!record) {
      if (this.#records.size >= this.#options.maxFindings) this.#evict()
      record = new FindingRecord(rule, cause, id, this.evidenceLimit)
      this.#records.set(id, record)
    }
    return record
  }

  #update(record: FindingRecord, supersededBy: string | null): void {
    const before = record.finding
    record.update(this.#options.clock.nowMs(), supersededBy)
    const finding = record.finding!
    this.#count(record, finding)
    if (before?.state !== finding.state || before.level !== finding.level) this.#defer(record, before)
  }

  /** Counters never decrease: what no longer stands is counted as taken back. */
  #count(record: FindingRecord, finding: Finding): void {
    const standing = finding.state === 'retracted' ? 0 : finding.occurrences
    if (standing > record.standing) this.#metrics.occurred(finding, standing - record.standing)
    if (standing < record.standing) this.#metrics.tookBack(finding, record.standing - standing)
    record.standing = standing
  }

  /** A finding may have several parts in what is published together, and is told of once. */
  #defer(record: FindingRecord, before: Finding | null): void {
    if (!this.#untold.has(record)) this.#untold.set(record, before)
  }

  #tellUntold(): void {
    for (const [record, before] of this.#untold) {
      const finding = record.finding!
      const cameAndWent = before === null && !record.isOpen
      const changed = before?.state !== finding.state || before.level !== finding.level
      if (changed && !cameAndWent) this.#tell(finding, before?.state ?? null)
    }
    this.#untold.clear()
  }

  #tell(finding: Finding, previousState: FindingState | null): void {
    const event = { finding, previousState, timeUnixNano: this.#options.clock.nowUnixNano() }
    for (const listener of this.#listeners) listener(event)
  }

  #resolveQuiet(): void {
    const nowMs = this.#options.clock.nowMs()
    for (const record of this.#records.values()) {
      if (!record.isOpen || nowMs - record.grewAtMs < this.#options.resolveAfterMs) continue
      const previousState = record.finding!.state
      record.resolve(nowMs)
      this.#tell(record.finding!, previousState)
    }
  }

  /** Makes room for a tenth at once, so that a flood of new findings does not sort them each time. */
  #evict(): void {
    const byValue = [...this.#records.values()].sort(
      (a, b) => Number(a.isOpen) - Number(b.isOpen) || lastNews(a) - lastNews(b) || (a.id < b.id ? -1 : 1),
    )
    for (const record of byValue.slice(0, Math.max(1, Math.floor(this.#options.maxFindings / 10)))) {
      for (const key of record.partKeys) this.#homes.delete(key)
      this.#records.delete(record.id)
      this.#dropped.evicted_findings++
    }
  }

  *#published(): Iterable<Finding> {
    for (const record of this.#records.values()) if (record.finding !== null) yield record.finding
  }
}

function oldPartOf(report: FindingReport): string {
  return placeKey(report.rule, report.supersedesCause!, report.place)
}

function lastNews(record: FindingRecord): number {
  return Math.max(record.grewAtMs, record.changedAtMs)
}
