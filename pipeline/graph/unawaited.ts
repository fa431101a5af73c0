import type { Batch } from '../../component/batch.ts'
import { ACCEPTED, type Consumer, type Outcome } from '../../component/consumer.ts'
import type { PipelineLedger } from '../../telemetry/ledger.ts'

/** Batches that may be under way in an analysis at once; more are shed. */
const MAX_PENDING = 64

/**
 * The way into a pipeline that only analyses (all its exporters are `nop`): it never makes the sender wait or retry. What
 * it cannot take is counted as shed, and so it always answers that it has taken everything.
 */
export class Unawaited implements Consumer {
  readonly #next: Consumer
  readonly #ledger: PipelineLedger
  readonly #onDefect: (error: unknown) => void
  readonly #pending = new Set<Promise<void>>()

  constructor(next: Consumer, ledger: PipelineLedger, onDefect: (error: unknown) => void) {
    this.#next = next
    this.#ledger = ledger
    this.#onDefect = onDefect
  }

  consume(batch: Batch): Outcome {
    const items = batch.itemCount
    if (this.#pending.size >= MAX_PENDING) return this.#settle(items, false)
    try {
      const outcome = this.#next.consume(batch)
      if (!(outcome instanceof Promise)) return this.#settle(items, outcome.kind !== 'refused')
      this.#await(batch, items, outcome)
      return ACCEPTED
    } catch (error) {
      this.#onDefect(error)
      return this.#settle(items, false)
    }
  }

  /** Resolves when nothing is under way any more. */
  async drain(): Promise<void> {
    await Promise.all(this.#pending)
  }

  #await(batch: Batch, items: number, outcome: Promise<Outcome>): void {
    batch.retain()
    this.#ledger.accepted += items
    this.#ledger.held += items
    const done = outcome
      .catch((error: unknown) => {
        this.#onDefect(error)
        return null
      })
      .then((settled) => {
        this.#pending.delete(done)
        this.#ledger.held -= items
        if (settled === null || settled.kind === 'refused') this.#ledger.drop('shed', items)
        batch.release()
      })
    this.#pending.add(done)
  }

  #settle(items: number, taken: boolean): Outcome {
    this.#ledger.accepted += items
    if (!taken) this.#ledger.drop('shed', items)
    return ACCEPTED
  }
}
