import type { MetricProducer } from '@opentelemetry/sdk-metrics'
import type { Evidence, FindingReport, FindingSink, ReportSections } from '../../../component/finding.ts'
import type { OutrankedRow } from '../outranked.ts'

/** Reports remembered; what is held beyond it is not published later, and what is published not taken back. */
const MAX_REPORTS = 10_000

/** What had been counted at a place while it was not to be said. */
interface Tainted {
  readonly occurrences: number
  readonly population: number
  readonly evidence: ReadonlySet<string>
}

/**
 * Where the rules of this processor bring their findings: those that are not to be said at the moment are held, and taken
 * back where they had been said; those said get the rules that they outranked as `related`.
 */
export class FindingsGate implements FindingSink {
  readonly #sink: FindingSink
  readonly #withholds: (report: FindingReport) => boolean
  /** The last report by rule, cause and place, and whether it is published. */
  readonly #last = new Map<string, { report: FindingReport; isOut: boolean }>()
  /** By rule and place. */
  readonly #tainted = new Map<string, Tainted>()
  readonly #related = new Map<string, Set<string>>()

  constructor(sink: FindingSink, withholds: (report: FindingReport) => boolean) {
    this.#sink = sink
    this.#withholds = withholds
  }

  get evidenceLimit(): number {
    return this.#sink.evidenceLimit
  }

  contribute(sections: ReportSections): () => void {
    return this.#sink.contribute(sections)
  }

  addMetricProducer(producer: MetricProducer): () => void {
    return this.#sink.addMetricProducer(producer)
  }

  publish(reports: readonly FindingReport[]): void {
    this.#sink.publish(reports.flatMap((report) => this.#takeReport(report)))
  }

  #takeReport(report: FindingReport): FindingReport[] {
    const key = keyOf(report)
    const gone = report.supersedesCause === null ? [] : this.#supersede(report)
    const entry = this.#last.get(key) ?? { report, isOut: false }
    entry.report = report
    if (this.#last.has(key) || this.#last.size < MAX_REPORTS) this.#last.set(key, entry)
    return [...gone, ...this.#settle(entry)]
  }

  /** Publishes what may be said now, and takes back what may not be said any more. */
  review(): void {
    const changed = [...this.#last.values()].filter(
      ({ report, isOut }) => report.state !== 'retracted' && this.#withholds(report) === isOut,
    )
    this.#sink.publish(changed.flatMap((entry) => this.#settle(entry)))
  }

  /** What is held now was counted while things were missing that are not missing: it counts no more. */
  taintHeld(): void {
    for (const { report, isOut } of this.#last.values())
      if (!isOut)
        this.#tainted.set(placeOf(report), {
          occurrences: report.occurrences,
          population: report.population,
          evidence: new Set(report.evidence.map(idOf)),
        })
  }

  relate(rows: readonly OutrankedRow[]): void {
    for (const { by, rule, service, name } of rows) {
      const key = `${by}\0${service}\0${name}`
      const rules = this.#related.get(key)
      if (rules) rules.add(rule)
      else if (this.#related.size < MAX_REPORTS) this.#related.set(key, new Set([rule]))
      else continue
      for (const entry of this.#last.values()) {
        const { report } = entry
        if (report.rule === by && report.place.service === service && report.place.operation === name)
          this.#sink.publish(this.#settle(entry))
      }
    }
  }

  /** What is to be published of a report now. */
  #settle(entry: { report: FindingReport; isOut: boolean }): FindingReport[] {
    const report = this.#withholds(entry.report) ? null : this.#untainted(entry.report)
    if (report !== null) {
      entry.isOut = report.state !== 'retracted'
      return [this.#dressed(report)]
    }
    if (!entry.isOut) return []
    entry.isOut = false
    return [takenBack(entry.report)]
  }

  /** The cause has changed: what stood under the old one is gone, said or unsaid. */
  #supersede(report: FindingReport): FindingReport[] {
    const key = keyOf({ ...report, cause: report.supersedesCause! })
    const old = this.#last.get(key)
    if (!old) return []
    this.#last.delete(key)
    return old.isOut && this.#withholds(report) ? [takenBack(old.report)] : []
  }

  /** Without what was counted in a partial view; null where nothing is left. */
  #untainted(report: FindingReport): FindingReport | null {
    const tainted = this.#tainted.get(placeOf(report))
    if (!tainted || report.state === 'retracted') return report
    const occurrences = report.occurrences - tainted.occurrences
    if (occurrences <= 0) return null
    return {
      ...report,
      occurrences,
      population: Math.max(occurrences, report.population - tainted.population),
      evidence: report.evidence.filter((evidence) => !tainted.evidence.has(idOf(evidence))),
    }
  }

  #dressed(report: FindingReport): FindingReport {
    const { rule, place } = report
    const related = this.#related.get(`${rule}\0${place.service}\0${place.operation}`)
    return related ? { ...report, related: [...new Set([...report.related, ...related])].sort() } : report
  }
}

function takenBack(report: FindingReport): FindingReport {
  return { ...report, state: 'retracted', occurrences: 0, evidence: [], supersedesCause: null }
}

function keyOf(report: FindingReport): string {
  return JSON.stringify([report.rule, report.cause, report.place])
}

function placeOf(report: FindingReport): string {
  return JSON.stringify([report.rule, report.place])
}

function idOf(evidence: Evidence): string {
  return evidence.kind === 'span' ? `${evidence.traceId}/${evidence.spanId}` : evidence.metric
}
