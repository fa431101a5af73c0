import type { DatedEvidence } from '../../component/evidence.ts'

export const RULE = 'CTX-001'

/** What one shard saw of an operation since its last summary. */
export interface OrphanRow {
  readonly service: string
  readonly name: string
  readonly kind: number
  /** Whether the spans are where work enters the service. */
  readonly entry: boolean
  readonly withParent: number
  readonly orphans: number
  readonly retracted: number
  /** `trace id/span id` of late parents, so that evidence they disprove is dropped. */
  readonly lateParents: readonly string[]
  readonly confirmed: number
  /** Orphans whose parent is known to be local (flags). */
  readonly localParents: number
  /** Orphans whose usual caller (a service) is known, and of these those with no span of it in their trace. */
  readonly callerKnown: number
  readonly callerAbsent: number
  readonly firstUnixNano: bigint
  readonly lastUnixNano: bigint
  readonly evidence: readonly DatedEvidence[]
}

export type OrphanSummary = readonly OrphanRow[]

/** Names an orphan by the parent that it misses. */
export function evidenceKey(traceId: string, spanId: string | null): string {
  return `${traceId}/${spanId}`
}

/** Where the finding is: a service and a span name, whatever the kind. */
export function keyOf(operation: { readonly service: string; readonly name: string }): string {
  return `${operation.service}\0${operation.name}`
}
