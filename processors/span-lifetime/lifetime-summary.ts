import type { DatedEvidence } from '../../component/evidence.ts'
import type { Edge } from '../../component/finding.ts'
import type { ShardCounts } from '../../component/shard-counts.ts'

/** Spans of an operation that ended too early since the last summary, as one shard saw them. */
export interface EarlyRow {
  /** Service and name, as `operationKey` puts them. */
  readonly key: string
  /** Buckets of LogHistogram over them, by cause; null where there are none. */
  readonly async: EarlyDurations | null
  readonly response: EarlyDurations | null
}

export interface EarlyDurations {
  readonly count: number
  readonly reported: Uint32Array
  readonly effective: Uint32Array
}

/** Occurrences of one kind at one place in one second, alike in size, which a clock that was set in it would explain. */
export interface OccurrenceRow {
  /** Of `Kind`. */
  readonly kind: number
  readonly service: string
  readonly name: string
  readonly edge: Edge | null
  /** Service and name of the parent, as `operationKey` puts them. */
  readonly parent: string | null
  readonly second: number
  /** By how much they exceed at least what is allowed: a clock must have been set by as much to explain them. */
  readonly excessNano: number
  /** The difference of both clocks by which the first of them was compared; null where it was not. */
  readonly clockDifferenceNano: number | null
  /** Keys of the clock sources of span and parent. */
  readonly sources: readonly string[]
  readonly count: number
  readonly firstUnixNano: bigint
  readonly lastUnixNano: bigint
  readonly evidence: readonly DatedEvidence[]
}

export interface LifetimeSummary {
  /** By operation: its spans, and the calls whose wait can be compared with the span that served them. */
  readonly spans: ShardCounts
  readonly calls: ShardCounts
  readonly early: readonly EarlyRow[]
  readonly occurrences: readonly OccurrenceRow[]
  /** By limit, what it cut short. */
  readonly limits: Readonly<Record<string, number>>
}
