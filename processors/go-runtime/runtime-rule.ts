import type { FindingReport } from '../../component/finding.ts'
import type { GaugePoint } from '../../findings/metrics/gauge.ts'
import type { MetricName } from '../../findings/series/series-metric.ts'
import type { GoProcess } from './go-process.ts'

/** A rule on the metrics of single Go processes; one file each, and a line in rules.ts. */
export interface RuntimeRule {
  /** Its id in the catalogue. */
  readonly rule: string
  /** For the report, where a process does not send what the rule needs. */
  readonly missing: string
  /** One sentence: how it comes to be sent. */
  readonly switchOn: string
  /** What it derives of each process. */
  readonly metrics: readonly MetricName[]
  watch(process: GoProcess, evidenceLimit: number): ProcessWatch
}

/** A rule's eye on one process. What it keeps is small: there is one for each process and rule. */
export interface ProcessWatch {
  /** Asked when points have come; what is to be published, with all totals, or null where there is nothing new. */
  judge(nowMs: number): FindingReport | null
  /** Whether the process sends what the rule needs. */
  isEvaluable(nowMs: number): boolean
  /** The derived values as of now, by the name of their metric. */
  derived(nowMs: number): ReadonlyMap<string, GaugePoint>
}
