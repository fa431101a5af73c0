import { operationKey } from '../../../otlp/operations.ts'
import type { SampleColumns } from './instance-samples.ts'

export const RULE = 'CTX-003'
/** What the spans of requests of before are said of. */
export const BELATED_RULE = 'CTX-005'
/** A verdict for the observer only: the roots of this operation are honest, they need not be looked at for a while. */
export const HONEST = 'honest'
/** Another: nothing is decided, and every shard is to sample what its service serves. */
export const SUSPECTED = 'suspected'

/** What a group number of the samples stands for: an operation in one service instance. */
export interface SampleGroup {
  readonly service: string
  readonly instance: string
  readonly name: string
  /** SpanKind as on the wire. */
  readonly kind: number
  readonly what: SampleKind
}

/**
 * Requests that were served; steps that kept their context, of operations of which others are one of the rest: roots;
 * spans below a request that was over; and such that came after it had left, and so may be.
 */
export type SampleKind = 'served' | 'kept' | 'root' | 'belated' | 'detached'

/** What one shard saw of an operation that began traces, or began too late, since its last summary. */
export interface RootRow {
  readonly service: string
  readonly name: string
  readonly what: 'root' | 'belated'
  readonly spans: number
  readonly roots: number
}

/** An operation and what is wrong with its spans, as verdicts name it. */
export function suspicionKey(service: string, name: string, what: 'root' | 'belated'): string {
  return what === 'root' ? operationKey(service, name) : `${operationKey(service, name)}\0${what}`
}

export interface DroppedSummary {
  readonly rows: readonly RootRow[]
  /** Of the samples, by their group number; sparse. */
  readonly groups: ReadonlyMap<number, SampleGroup>
  readonly samples: SampleColumns
  readonly share: number
}
