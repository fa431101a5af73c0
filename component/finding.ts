import type { MetricProducer } from '@opentelemetry/sdk-metrics'
import type { FindingSource } from './finding-source.ts'

/** How bad a finding is: `error` is wrong now, `warn` will be or loses value, `info` is worth knowing. */
export type Level = 'error' | 'warn' | 'info'

/** Where two services meet, told by attributes, scopes and kinds. */
export type Boundary = 'http' | 'grpc' | 'messaging' | 'other'

export interface Edge {
  readonly from: string
  readonly to: string
  readonly boundary: Boundary
}

/** Where a trouble is. With rule and cause it is the key of a finding: one trouble at one place is one finding. */
export interface Place {
  readonly service: string
  readonly instance: string | null
  readonly operation: string | null
  readonly edge: Edge | null
}

export type FindingValue = number | string | boolean

/** One occurrence that proves the finding: a span (with the other span it is about), or a metric point. */
export type Evidence =
  | {
      readonly kind: 'span'
      readonly traceId: string
      readonly spanId: string
      readonly relatedSpanId: string | null
      readonly values: Readonly<Record<string, FindingValue>>
    }
  | {
      readonly kind: 'metric'
      readonly timeUnixNano: bigint
      readonly metric: string
      readonly instance: string
      readonly values: Readonly<Record<string, FindingValue>>
    }

/** Below it a cause is `undetermined`, however sure a finding must be to be published. */
export const MIN_CAUSE_CONFIDENCE = 0.8

/**
 * What a detector says of one trouble at one place, with all totals up to now: said again it replaces what was said
 * before. The registry in findings/ turns it into an id, state changes, counters, log records and report rows.
 */
export interface FindingReport {
  readonly rule: string
  readonly cause: string
  readonly place: Place
  readonly level: Level
  /** How sure it is that rule and place are right, 0 to 1. */
  readonly confidence: number
  /** How sure it is that the cause is right; `undetermined` is always right. */
  readonly causeConfidence: number
  /** `resolved` and `superseded` are the registry's to decide. */
  readonly state: 'provisional' | 'confirmed' | 'retracted'
  readonly occurrences: number
  /** Of how many there could have been. */
  readonly population: number
  readonly firstUnixNano: bigint
  readonly lastUnixNano: bigint
  /** One sentence that a tired operator understands. */
  readonly message: string
  readonly values: Readonly<Record<string, FindingValue>>
  /** At most as many as `FindingSink.evidenceLimit`; earliest first. */
  readonly evidence: readonly Evidence[]
  /** The cause under which this trouble was published so far, when evidence has now decided for another. */
  readonly supersedesCause: string | null
  /** Rules that this finding outranks on the same spans. */
  readonly related: readonly string[]
  /** The trouble is the whole edge's: its operations make one finding, although the rule tells operations apart. */
  readonly ofWholeEdge?: boolean
}

/** A row of the report's `edges`. */
export interface EdgeRow extends Edge {
  readonly calls: number
  readonly connected: number
}

/** A row of the report's `clocks`; names as in the report, nanoseconds. */
export interface ClockRow {
  readonly domain: string
  readonly members: readonly string[]
  readonly reference: string
  readonly offsetNano: number
  readonly uncertaintyNano: number
  readonly boundsNano: readonly [number, number]
  readonly fromUnixNano: bigint
  readonly untilUnixNano: bigint
}

export interface Quantiles {
  readonly p50: number
  readonly p90: number
  readonly p99: number
}

/** A row of the report's `latency`; seconds. */
export interface LatencyRow {
  readonly service: string
  readonly operation: string
  readonly kind: string
  readonly count: number
  readonly reportedSeconds: Quantiles
  readonly effectiveSeconds: Quantiles
}

/** A row of the report's `resources`: derived values of one process, container or lock. */
export interface ResourceRow {
  readonly service: string
  readonly instance: string
  readonly values: Readonly<Record<string, number>>
}

/** A rule that cannot speak about a service, and what to switch on. */
export interface NotEvaluableRow {
  readonly rule: string
  readonly service: string
  readonly missing: string
  readonly switchOn: string
}

/** What a detector knows beside findings; each function is asked when a report or a page is made. */
export interface ReportSections {
  readonly edges?: () => readonly EdgeRow[]
  readonly clocks?: () => readonly ClockRow[]
  readonly latency?: () => readonly LatencyRow[]
  readonly resources?: () => readonly ResourceRow[]
  readonly notEvaluable?: () => readonly NotEvaluableRow[]
  readonly limits?: () => Readonly<Record<string, number>>
}

/** Where detectors bring what they found. */
export interface FindingSink {
  /** Where they can be read again; absent where nobody will (tests). */
  readonly source?: FindingSource
  /** How much evidence of each finding is kept: Infinity for `--evidence all`. */
  readonly evidenceLimit: number
  /** Takes in what was found together; who listens hears of it when all of it has been taken in. */
  publish(reports: readonly FindingReport[]): void
  /** Adds a detector's sections to reports; returns the function that takes them out again. */
  contribute(sections: ReportSections): () => void
  /**
   * Adds metrics that are summed outside the SDK (once a span): cumulative, their times are overwritten; a resource
   * without attributes is the gateway's. Returns the function that takes them out again.
   */
  addMetricProducer(producer: MetricProducer): () => void
}
