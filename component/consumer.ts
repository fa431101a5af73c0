import type { Batch } from './batch.ts'
import type { GatewayError } from './errors.ts'

/** Why items of an accepted batch went no further, by policy; a metric attribute and part of partial_success. */
export const DROP_REASONS = [
  'sampled_out',
  'filtered',
  'queue_full',
  'retries_exhausted',
  'rejected',
  'shutdown',
  'shed', // left out by an analysis that nobody waits for
] as const
export type DropReason = (typeof DROP_REASONS)[number]

/**
 * What became of a batch. `accepted`: the consumer is now responsible for it. `partial`: the same, but some items were
 * dropped by policy and the sender is told. `refused`: nothing was taken; the error says whether a retry helps.
 */
export type Outcome =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'partial'; readonly droppedItems: number; readonly reason: DropReason; readonly message: string }
  | { readonly kind: 'refused'; readonly error: GatewayError }

export const ACCEPTED: Outcome = Object.freeze({ kind: 'accepted' })

export function refused(error: GatewayError): Outcome {
  return { kind: 'refused', error }
}

/**
 * Takes batches of one signal. The caller holds its reference to the batch until the outcome is there and releases it
 * then; a consumer that keeps the batch longer retains it before it answers. A consumer answers with a value and throws
 * only on a defect. Whoever edits a batch must own its edits: fan-out gives each branch a fork.
 */
export interface Consumer<B extends Batch = Batch> {
  consume(batch: B): Outcome | Promise<Outcome>
}
