import type { DatedEvidence } from '../../../component/evidence.ts'
import type { ShardCounts } from '../../../component/shard-counts.ts'
import type { OrphanTrafficRow } from './orphan-traffic.ts'

export const RULE = 'CTX-001'

/** What one shard saw of an operation with orphans since its last summary. */
export interface OrphanRow extends OrphanTrafficRow {
  /** Where the finding is: a service and a span name, whatever the kind. */
  readonly key: string
  readonly service: string
  readonly name: string
  readonly kind: number
  /** Whether the spans are where work enters the service. */
  readonly entry: boolean
  readonly orphans: number
  readonly retracted: number
  /** Of these, whose parents came after `provisional_after`. */
  readonly belated: number
  /** `trace id/span id` of late parents, so that evidence they disprove is dropped. */
  readonly lateParents: readonly string[]
  readonly confirmed: number
  /** Confirmed orphans whose parents came after all. */
  readonly disproved: number
  /** Orphans whose parent is known to be local (flags). */
  readonly localParents: number
  /** Orphans whose parent may turn up under the trace id that theirs was cut from. */
  readonly looksCut: number
  /** Orphaned entries by what the rest of their trace tells of the missing parent (`MissingParent`). */
  readonly between: number
  readonly within: number
  readonly alone: number
  readonly beside: number
  readonly apart: number
  readonly firstUnixNano: bigint
  readonly lastUnixNano: bigint
  readonly evidence: readonly DatedEvidence[]
}

/** Most operations of most summaries have no orphans: of these there are counts only. */
export interface OrphanSummary {
  /** Spans with a parent id, by operation: where work enters the service, and inside of it. */
  readonly entries: ShardCounts
  readonly inner: ShardCounts
  /** The entries by service. */
  readonly entriesOf: ShardCounts
  readonly orphaned: readonly OrphanRow[]
}

/** Names an orphan by the parent that it misses. */
export function evidenceKey(traceId: string, spanId: string | null): string {
  return `${traceId}/${spanId}`
}
