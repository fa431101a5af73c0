import type { SampleColumns } from './instance-samples.ts'

export const RULE = 'CTX-003'
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
  /** Whether requests are served here; otherwise its samples are roots. */
  readonly serves: boolean
}

/** What one shard saw of an operation that began traces since its last summary. */
export interface RootRow {
  readonly service: string
  readonly name: string
  readonly spans: number
  readonly roots: number
}

export interface DroppedSummary {
  readonly rows: readonly RootRow[]
  /** Of the samples, by their group number; sparse. */
  readonly groups: ReadonlyMap<number, SampleGroup>
  readonly samples: SampleColumns
  readonly share: number
}
