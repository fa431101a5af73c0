import type { Batch } from '../../component/batch.ts'
import type { Clock } from '../../component/clock.ts'
import { type Consumer, type Outcome, refused } from '../../component/consumer.ts'
import { GatewayError } from '../../component/errors.ts'
import type { Logger } from '../../telemetry/logger.ts'
import { RareLines } from '../../telemetry/rare-lines.ts'

/**
 * The way from one stage to the next: counts the items that were taken, and turns a defect of the next stage into a
 * refusal for good, so that a stage that hands on by a timer need not fear for the process.
 */
export class StageEdge implements Consumer {
  items = 0
  readonly #next: Consumer
  readonly #name: string
  readonly #lines: RareLines

  /** `name` is the next stage's, as messages say it: `processor "batch"`. */
  constructor(next: Consumer, name: string, logger: Logger, clock: Clock) {
    this.#next = next
    this.#name = name
    this.#lines = new RareLines(logger, clock)
  }

  consume(batch: Batch): Outcome | Promise<Outcome> {
    const items = batch.itemCount
    try {
      const outcome = this.#next.consume(batch)
      if (!(outcome instanceof Promise)) return this.#count(outcome, items)
      return outcome.then(
        (settled) => this.#count(settled, items),
        (error: unknown) => this.#defect(error),
      )
    } catch (error) {
      return this.#defect(error)
    }
  }

  #count(outcome: Outcome, items: number): Outcome {
    if (outcome.kind !== 'refused') this.items += items
    return outcome
  }

  #defect(error: unknown): Outcome {
    this.#lines.error(`${this.#name} met a defect of the gateway; what it was given is refused`, { error })
    const message = `${this.#name} failed; the log of the gateway says more`
    return refused(new GatewayError('internal', message, { retryable: false, cause: error }))
  }
}
