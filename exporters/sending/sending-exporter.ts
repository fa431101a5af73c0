import type { Batch } from '../../component/batch.ts'
import type { Exporter, ExporterSettings } from '../../component/component.ts'
import type { Outcome } from '../../component/consumer.ts'
import { SIGNALS, type Signal } from '../../component/signal.ts'
import type { RetryConfig, SendingQueueConfig } from './config.ts'
import type { Sender } from './sender.ts'
import { SendingLog } from './sending-log.ts'
import { SendingQueue } from './sending-queue.ts'

export interface SendingConfig {
  readonly sending_queue: SendingQueueConfig
  readonly retry_on_failure: RetryConfig
  readonly max_request_bytes: number
}

/**
 * An exporter that sends over a network: a queue with retries for each signal, so that none crowds out another, before
 * one sender that speaks the protocol.
 */
export class SendingExporter implements Exporter {
  readonly #sender: Sender
  readonly #queues: Readonly<Record<Signal, SendingQueue>>

  constructor(settings: ExporterSettings, config: SendingConfig, sender: Sender, random: () => number = Math.random) {
    const { clock, budget, ledgers, logger } = settings
    const log = new SendingLog(logger, clock)
    const shared = {
      config: config.sending_queue,
      retry: config.retry_on_failure,
      maxRequestBytes: config.max_request_bytes,
      clock,
      budget,
      log,
      sender,
      random,
    }
    const queueFor = (signal: Signal) => new SendingQueue({ ...shared, ledger: ledgers[signal] })
    this.#sender = sender
    this.#queues = {
      traces: queueFor('traces'),
      metrics: queueFor('metrics'),
      logs: queueFor('logs'),
      profiles: queueFor('profiles'),
    }
  }

  start(): Promise<void> {
    return this.#sender.start()
  }

  consume(batch: Batch): Outcome | Promise<Outcome> {
    return this.#queues[batch.signal].offer(batch)
  }

  async stop(deadlineMs: number): Promise<void> {
    await Promise.all(SIGNALS.map((signal) => this.#queues[signal].drain(deadlineMs)))
    await this.#sender.close()
  }
}
