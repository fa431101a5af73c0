import type { Batch } from '../../component/batch.ts'
import type { Consumer, Outcome } from '../../component/consumer.ts'

/** The way from one stage to the next, counting the items that were taken. */
export class StageEdge implements Consumer {
  items = 0
  readonly #next: Consumer

  constructor(next: Consumer) {
    this.#next = next
  }

  consume(batch: Batch): Outcome | Promise<Outcome> {
    const items = batch.itemCount
    const outcome = this.#next.consume(batch)
    if (outcome instanceof Promise) return outcome.then((settled) => this.#count(settled, items))
    return this.#count(outcome, items)
  }

  #count(outcome: Outcome, items: number): Outcome {
    if (outcome.kind !== 'refused') this.items += items
    return outcome
  }
}
