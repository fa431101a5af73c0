import { z } from 'zod'
import { durationMs } from '../../component/config-types.ts'

export const configSchema = z.strictObject({
  interval: durationMs('10s').describe('How often derived metrics are collected and handed to the metrics pipelines.'),
  temporality: z
    .enum(['cumulative', 'delta'])
    .default('cumulative')
    .describe('Of sums and histograms: all since the start, or what came since the last interval.'),
  resource: z
    .record(z.string(), z.string())
    .default({ 'service.name': 'blindspot' })
    .describe(
      'Resource attributes of the finding events and of metrics about findings and edges. service.instance.id is added where it is not set. Metrics about a process carry that process.',
    ),
  log_delay: durationMs('1s').describe('How long a finding event waits for others to go with it.'),
  max_pending_events: z
    .int()
    .min(1)
    .default(10_000)
    .describe('Finding events that are kept while the logs pipeline refuses them; beyond it the oldest are dropped.'),
})

export type FindingsReceiverConfig = z.output<typeof configSchema>
