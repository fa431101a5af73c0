import { BytesBatch } from '../../component/batch.ts'
import type { ReceiverSettings } from '../../component/component.ts'
import { type Consumer, type Outcome, refused } from '../../component/consumer.ts'
import { GatewayError } from '../../component/errors.ts'
import { Source } from '../../otlp/source.ts'

const WHAT = { metrics: 'derived metrics', logs: 'finding events' } as const

/**
 * Hands requests that the gateway made itself to the pipelines of a signal, within the byte budget; the ledger moves when
 * one is settled. Says when they begin to be refused and when they are taken again, and nothing between.
 */
export class HandOver {
  readonly #settings: ReceiverSettings
  readonly #next: Consumer<BytesBatch>
  readonly #signal: 'metrics' | 'logs'
  #isRefused = false

  constructor(settings: ReceiverSettings, next: Consumer<BytesBatch>, signal: 'metrics' | 'logs') {
    this.#settings = settings
    this.#next = next
    this.#signal = signal
  }

  async give(bytes: Uint8Array, items: number): Promise<Outcome> {
    const outcome = await this.#offer(bytes, items)
    const ledger = this.#settings.ledgers[this.#signal]
    ledger.received += items
    if (outcome.kind === 'refused') {
      ledger.refused += items
      ledger.requests.refused++
    } else {
      ledger.accepted += items
      ledger.requests.success++
    }
    this.#tellChange(outcome)
    return outcome
  }

  async #offer(bytes: Uint8Array, items: number): Promise<Outcome> {
    const { budget } = this.#settings
    if (!budget.reserve(bytes.length))
      return refused(new GatewayError('memory_exhausted', 'the byte budget is spent', { retryable: true }))
    const batch = new BytesBatch(this.#signal, new Source(bytes, () => budget.release(bytes.length)), items)
    try {
      return await this.#next.consume(batch)
    } finally {
      batch.release()
    }
  }

  #tellChange(outcome: Outcome): void {
    const isRefused = outcome.kind === 'refused'
    if (isRefused === this.#isRefused) return
    this.#isRefused = isRefused
    const what = WHAT[this.#signal]
    if (!isRefused) this.#settings.logger.info(`the ${this.#signal} pipelines take ${what} again`)
    else if (outcome.error.retryable)
      this.#settings.logger.warn(
        `the ${this.#signal} pipelines refuse ${what}; they are tried again until they are taken`,
        {
          error: outcome.error.message,
        },
      )
    else
      this.#settings.logger.warn(`the ${this.#signal} pipelines refuse ${what} for good; they are lost`, {
        error: outcome.error.message,
      })
  }
}
