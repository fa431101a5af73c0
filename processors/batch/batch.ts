import type { Counter, Histogram } from '@opentelemetry/api'
import type { Batch } from '../../component/batch.ts'
import type { Timer } from '../../component/clock.ts'
import type { Component, ProcessorFactory, ProcessorSettings } from '../../component/component.ts'
import { ACCEPTED, type Consumer, type Outcome, refused } from '../../component/consumer.ts'
import { GatewayError } from '../../component/errors.ts'
import { SIGNALS } from '../../component/signal.ts'
import { Column } from '../../otlp/span-table.ts'
import { RareLines } from '../../telemetry/rare-lines.ts'
import { type BatchConfig, configSchema } from './config.ts'
import { join } from './join.ts'

/** How long it waits before it offers a refused batch again, unless the refusal says. */
const RETRY_MS = 100
/**
 * Share of the byte budget at which a batch goes on, however few items it has: joining needs both the requests and the
 * copy for a moment, and the copy must fit into what the budget keeps free.
 */
const MAX_BUDGET_SHARE = 1 / 32

/**
 * Gathers small requests into larger ones. It answers as soon as it holds a request, so nothing it holds may be lost: what
 * the next stage refuses stays here and is offered again, and until it is taken new data is refused.
 */
export class BatchProcessor implements Component, Consumer {
  readonly #settings: ProcessorSettings
  readonly #config: BatchConfig
  readonly #next: Consumer
  readonly #lines: RareLines
  readonly #metrics: { size: Histogram; bySize: Counter; byTimeout: Counter }
  #gathered: Batch[] = []
  #gatheredItems = 0
  #gatheredBytes = 0
  /** Joined and on their way, first to be sent first. */
  readonly #outbox: { readonly batch: Batch; readonly items: number }[] = []
  #sending: Promise<void> | null = null
  #refusedBefore = false
  #timer: Timer | null = null
  #retry: Timer | null = null
  #stopping = false

  constructor(settings: ProcessorSettings, config: BatchConfig, next: Consumer) {
    this.#settings = settings
    this.#config = config
    this.#next = next
    this.#lines = new RareLines(settings.logger, settings.clock)
    const { meter } = settings
    const prefix = 'otelcol_processor_batch'
    this.#metrics = {
      size: meter.createHistogram(`${prefix}_batch_send_size`, {
        unit: '{items}',
        description: 'Items in the batches that went on.',
        advice: { explicitBucketBoundaries: [10, 100, 500, 1000, 2000, 4000, 8000, 16_000, 32_000, 100_000] },
      }),
      bySize: meter.createCounter(`${prefix}_batch_size_trigger_send`, {
        unit: '{times}',
        description: 'Batches that went because they were full.',
      }),
      byTimeout: meter.createCounter(`${prefix}_timeout_trigger_send`, {
        unit: '{times}',
        description: 'Batches that went because time was up.',
      }),
    }
  }

  async start(): Promise<void> {}

  consume(batch: Batch): Outcome {
    const { ledger, clock } = this.#settings
    if (this.#stopping)
      return refused(new GatewayError('shutting_down', 'the gateway is stopping', { retryable: true }))
    if (this.#isFull()) return refused(notNow())
    const items = batch.itemCount
    batch.retain()
    ledger.held += items
    this.#gathered.push(batch)
    this.#gatheredItems += items
    this.#gatheredBytes += bytesOf(batch)
    if (this.#config.timeout === 0 || this.#isDue()) this.#flush('bySize')
    else this.#timer ??= clock.after(this.#config.timeout, () => this.#flush('byTimeout'))
    return ACCEPTED
  }

  /** Hands on all that is held; gives up at the deadline what the next stage still refuses. */
  async stop(deadlineMs: number): Promise<void> {
    const { clock } = this.#settings
    this.#stopping = true
    this.#flush('byTimeout')
    while (this.#outbox.length > 0) {
      const leftMs = deadlineMs - clock.nowMs()
      if (this.#sending !== null) await this.#sending
      else if (leftMs <= 0) this.#settleFirst('shutdown')
      else {
        await new Promise<void>((resolve) => clock.after(Math.min(RETRY_MS, leftMs), resolve))
        this.#send()
      }
    }
    this.#retry?.cancel()
  }

  /** The next stage has refused, or takes its time while another batch has filled up. */
  #isFull(): boolean {
    if (this.#outbox.length === 0) return false
    // Without a size nothing fills up, so then one batch under way is enough.
    return this.#refusedBefore || this.#isDue() || this.#config.send_batch_size === 0
  }

  #isDue(): boolean {
    const { send_batch_size } = this.#config
    if (send_batch_size > 0 && this.#gatheredItems >= send_batch_size) return true
    return this.#gatheredBytes >= this.#settings.budget.limitBytes * MAX_BUDGET_SHARE
  }

  #flush(trigger: 'bySize' | 'byTimeout'): void {
    this.#timer?.cancel()
    this.#timer = null
    // What is under way goes first; then this is called again.
    if (this.#gathered.length === 0 || (this.#outbox.length > 0 && !this.#stopping)) return
    const parts = this.#gathered
    this.#gathered = []
    this.#gatheredItems = 0
    this.#gatheredBytes = 0
    for (const batch of join(parts, this.#config.send_batch_max_size, this.#settings.budget)) {
      this.#outbox.push({ batch, items: batch.itemCount })
    }
    for (const part of parts) part.release()
    this.#metrics[trigger].add(1, this.#attributes)
    this.#send()
  }

  get #attributes() {
    return { processor: this.#settings.id }
  }

  #send(): void {
    while (this.#sending === null && this.#outbox.length > 0) {
      const outcome = this.#next.consume(this.#outbox[0]!.batch)
      if (outcome instanceof Promise) {
        this.#sending = outcome.then((settled) => {
          this.#sending = null
          if (this.#settle(settled)) this.#goOn()
        })
      } else if (!this.#settle(outcome)) return
    }
    this.#refill()
  }

  #goOn(): void {
    if (this.#outbox.length > 0) this.#send()
    else this.#refill()
  }

  /** What was gathered while a batch was under way and is due goes now. */
  #refill(): void {
    if (this.#outbox.length > 0 || this.#gathered.length === 0) return
    if (this.#timer === null || this.#isDue()) this.#flush('bySize')
  }

  /** False where the first batch stays. */
  #settle(outcome: Outcome): boolean {
    if (outcome.kind !== 'refused') {
      this.#refusedBefore = false
      this.#settleFirst(null)
      return true
    }
    const { clock, logger } = this.#settings
    if (!outcome.error.retryable) {
      this.#lines.warn('batches were refused for good by the next stage', {
        items: this.#outbox[0]!.items,
        error: outcome.error,
      })
      this.#settleFirst('rejected')
      return true
    }
    if (!this.#refusedBefore) logger.warn(`the next stage takes no data at the moment: ${outcome.error.message}`)
    this.#refusedBefore = true
    this.#retry?.cancel()
    this.#retry = clock.after(outcome.error.retryAfterMs ?? RETRY_MS, () => this.#send())
    return false
  }

  #settleFirst(lost: 'rejected' | 'shutdown' | null): void {
    const { batch, items } = this.#outbox.shift()!
    const { ledger } = this.#settings
    ledger.held -= items
    if (lost !== null) ledger.drop(lost, items)
    else this.#metrics.size.record(items, this.#attributes)
    batch.release()
  }
}

/** What a copy of a batch would take: the bytes of its spans, whatever else stands in their requests. */
function bytesOf(batch: Batch): number {
  if (batch.signal !== 'traces') return batch.source.bytes.length
  const { table } = batch
  if (table.wholeSource) return table.sources[0]!.bytes.length
  let bytes = 0
  for (let row = 0; row < table.count; row++)
    bytes += table.get(row, Column.bodyEnd) - table.get(row, Column.recordStart)
  return bytes
}

function notNow(): GatewayError {
  return new GatewayError('queue_full', 'the stage after batch takes no data at the moment', { retryable: true })
}

type Create = (settings: ProcessorSettings, config: BatchConfig, next: Consumer) => BatchProcessor
const create: Create = (settings, config, next) => new BatchProcessor(settings, config, next)

export const factory: ProcessorFactory<BatchConfig> = {
  kind: 'processor',
  type: 'batch',
  aliases: [],
  description: 'Gathers small requests into larger ones, which compress better and cost the backend less.',
  signals: SIGNALS,
  config: configSchema,
  needsTraceWindow: false,
  create: {
    traces: (settings, config, next) => create(settings, config, next as Consumer),
    metrics: (settings, config, next) => create(settings, config, next as Consumer),
    logs: (settings, config, next) => create(settings, config, next as Consumer),
    profiles: (settings, config, next) => create(settings, config, next as Consumer),
  },
}
