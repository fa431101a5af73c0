import type { Attributes } from '@opentelemetry/api'
import type { ScopeMetrics } from '@opentelemetry/sdk-metrics'
import type { Evidence, FindingValue, Level, Place, ReportSections } from './finding.ts'

/**
 * `provisional`: a late span could still overturn it. `confirmed`: nothing can. `resolved`: quiet for `resolve_after`.
 * `retracted`: disproved. `superseded`: evidence has decided for another cause, under which it goes on.
 */
export const FINDING_STATES = ['provisional', 'confirmed', 'resolved', 'retracted', 'superseded'] as const
export type FindingState = (typeof FINDING_STATES)[number]

/** One trouble at one place, as it is published: what detectors said, with its id and its state. */
export interface Finding {
  /** Stable: the same trouble has it in every run and on every machine. */
  readonly id: string
  readonly rule: string
  readonly name: string
  readonly level: Level
  readonly cause: string
  readonly confidence: number
  readonly causeConfidence: number
  readonly state: FindingState
  readonly supersededBy: string | null
  readonly place: Place
  readonly occurrences: number
  readonly population: number
  readonly firstUnixNano: bigint
  readonly lastUnixNano: bigint
  readonly message: string
  readonly page: string
  readonly related: readonly string[]
  readonly values: Readonly<Record<string, FindingValue>>
  readonly evidence: readonly Evidence[]
}

/** A finding opened (there was no state before), changed its state or its level. */
export interface FindingEvent {
  readonly finding: Finding
  readonly previousState: FindingState | null
  readonly timeUnixNano: bigint
}

/** Derived metrics of one resource, cumulative, with times of the gateway's clock; null is the gateway itself. */
export interface CollectedMetrics {
  readonly resource: Attributes | null
  readonly scopeMetrics: ScopeMetrics[]
}

/** Where findings are read again: by the `findings` receiver, the report and the page. */
export interface FindingSource {
  /** All that are known, closed ones too, by id. */
  findings(): readonly Finding[]
  /** What detectors contribute to reports beside findings. */
  sections(): readonly ReportSections[]
  /** Calls back at each event, in order, at once; returns the function that ends it. */
  subscribe(listener: (event: FindingEvent) => void): () => void
  /** Every derived metric as of now. */
  collect(): Promise<readonly CollectedMetrics[]>
}
