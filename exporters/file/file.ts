import { resolve } from 'node:path'
import type { Batch } from '../../component/batch.ts'
import type { Exporter, ExporterFactory, ExporterSettings } from '../../component/component.ts'
import type { Outcome } from '../../component/consumer.ts'
import { SIGNALS } from '../../component/signal.ts'
import { maxRequestBytes, retryOnFailure, sendingQueue } from '../sending/config.ts'
import { SendingExporter } from '../sending/sending-exporter.ts'
import { configSchema, type FileConfig } from './config.ts'
import { FileSender } from './file-sender.ts'

/** Requests of each signal that may wait for the disk. All of them are handed to the sender, which makes chunks of them. */
const QUEUE_SIZE = 1000

/** A disk that is full may be cleared: what cannot be written is tried again for five minutes. */
const SENDING = {
  sending_queue: sendingQueue.parse({ queue_size: QUEUE_SIZE, num_consumers: QUEUE_SIZE }),
  retry_on_failure: retryOnFailure.parse({ initial_interval: '1s' }),
  // A line of JSON is a string, and strings have a limit.
  max_request_bytes: maxRequestBytes.parse(undefined),
}

/** Writes requests into a file, behind the queue that exporters over a network have too. */
class FileExporter implements Exporter {
  readonly #sender: FileSender
  readonly #sending: SendingExporter

  constructor(settings: ExporterSettings, config: FileConfig) {
    this.#sender = new FileSender(config, settings.clock)
    this.#sending = new SendingExporter(settings, SENDING, this.#sender)
  }

  start(): Promise<void> {
    return this.#sending.start()
  }

  consume(batch: Batch): Outcome | Promise<Outcome> {
    return this.#sending.consume(batch)
  }

  stop(deadlineMs: number): Promise<void> {
    this.#sender.hurry()
    return this.#sending.stop(deadlineMs)
  }
}

export const factory: ExporterFactory<FileConfig> = {
  kind: 'exporter',
  type: 'file',
  aliases: [],
  description: 'Writes traces, metrics, logs and profiles into a file, with rotation.',
  signals: SIGNALS,
  config: configSchema,
  create: (settings, config) => new FileExporter(settings, config),
  fileOf: (config) => resolve(config.path),
}
