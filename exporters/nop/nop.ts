import type { ExporterFactory } from '../../component/component.ts'
import { ACCEPTED } from '../../component/consumer.ts'
import { configSchema, type NopConfig } from './config.ts'

export const factory: ExporterFactory<NopConfig> = {
  kind: 'exporter',
  type: 'nop',
  aliases: [],
  description: 'Takes everything and sends it nowhere: the end of a pipeline that only analyses.',
  signals: ['traces', 'metrics', 'logs', 'profiles'],
  config: configSchema,
  create(settings) {
    return {
      async start() {},
      async stop() {},
      consume(batch) {
        const ledger = settings.ledgers[batch.signal]
        ledger.accepted += batch.itemCount
        ledger.sent += batch.itemCount
        return ACCEPTED
      },
    }
  },
}
