import type { Batch } from '../../component/batch.ts'
import type { Exporter, ExporterFactory, ExporterSettings } from '../../component/component.ts'
import { ACCEPTED, type Outcome } from '../../component/consumer.ts'
import { SIGNALS } from '../../component/signal.ts'
import { configSchema, type NopConfig } from './config.ts'

/** Takes everything and sends nothing: the end of a pipeline that only analyses. */
class NopExporter implements Exporter {
  readonly #ledgers: ExporterSettings['ledgers']

  constructor(settings: ExporterSettings) {
    this.#ledgers = settings.ledgers
  }

  async start(): Promise<void> {}

  consume(batch: Batch): Outcome {
    const ledger = this.#ledgers[batch.signal]
    ledger.accepted += batch.itemCount
    ledger.sent += batch.itemCount
    return ACCEPTED
  }

  async stop(): Promise<void> {}
}

export const factory: ExporterFactory<NopConfig> = {
  kind: 'exporter',
  type: 'nop',
  aliases: [],
  description: 'Takes everything and sends nothing: the end of a pipeline that only analyses.',
  signals: SIGNALS,
  config: configSchema,
  create: (settings) => new NopExporter(settings),
}
