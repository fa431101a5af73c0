import type { EarliestEvidence } from '../../../component/evidence.ts'
import type { CallSample } from './call-samples.ts'
import type { CallEdge, JudgedEntry } from './call-traffic.ts'

/** An operation of a callee that gets calls without their context, from one caller. */
export interface LostOperation {
  readonly edge: CallEdge
  readonly entry: JudgedEntry
  readonly formatsDiffer: boolean
  /** Only time and counts say who called. */
  readonly isByTime: boolean
  occurrences: number
  /** Of these the roots that ended before their call did. */
  contained: number
  firstMs: number
  lastMs: number
  cause: string
  reportedOccurrences: number
  /** When the own answer of a call came last for which a root had been taken. */
  disprovedMs: number
  readonly evidence: EarliestEvidence
}

/** A root that was taken for the answer to a call, and what that counts for. */
export interface Loss {
  readonly lost: LostOperation
  readonly root: CallSample
  readonly weight: number
  /** The same where the root ended before its call did, else 0. */
  readonly contained: number
  /** When it was counted for the edge. */
  readonly atMs: number
}
