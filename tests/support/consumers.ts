import type { Batch } from '../../component/batch.ts'
import { ACCEPTED, type Consumer, type Outcome, refused } from '../../component/consumer.ts'
import { GatewayError } from '../../component/errors.ts'

/** An answer of a scripted consumer: later ones come when the test says. */
export type Answer = 'accept' | 'full' | 'reject' | 'later' | 'throw'

/** A next stage that answers as it is told and keeps what it took. */
export class ScriptedConsumer implements Consumer {
  readonly taken: Batch[] = []
  offers = 0
  #standing: Answer
  readonly #once: Answer[]
  readonly #waiting: (() => void)[] = []

  /** Answers so from the start, and with `once` first, one each. */
  constructor(standing: Answer = 'accept', ...once: Answer[]) {
    this.#standing = standing
    this.#once = once
  }

  answer(standing: Answer): void {
    this.#standing = standing
  }

  get takenItems(): number {
    return this.taken.reduce((sum, batch) => sum + batch.itemCount, 0)
  }

  /** Answers everything that waits, as `accept` or `full`. */
  async settle(): Promise<void> {
    for (const resolve of this.#waiting.splice(0)) resolve()
    // The answers pass through a few promises before their effect is there.
    for (let i = 0; i < 20; i++) await null
  }

  consume(batch: Batch): Outcome | Promise<Outcome> {
    this.offers++
    const answer = this.#once.shift() ?? this.#standing
    if (answer !== 'later') return this.#answer(answer, batch)
    return new Promise((resolve) =>
      this.#waiting.push(() => resolve(this.#answer(this.#standing === 'later' ? 'accept' : this.#standing, batch))),
    )
  }

  #answer(answer: Exclude<Answer, 'later'>, batch: Batch): Outcome {
    switch (answer) {
      case 'accept':
        this.taken.push(batch)
        return ACCEPTED
      case 'full':
        return refused(new GatewayError('queue_full', 'the queue is full', { retryable: true }))
      case 'reject':
        return refused(new GatewayError('backend_rejected', 'no, never', { retryable: false }))
      case 'throw':
        throw new Error('a defect')
    }
  }
}
