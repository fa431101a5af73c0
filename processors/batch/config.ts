import { z } from 'zod'
import { durationMs } from '../../component/config-types.ts'

const NO_EFFECT = 'Accepted so that configurations of the Collector load; has no effect here.'

export const configSchema = z
  .strictObject({
    send_batch_size: z
      .int()
      .min(0)
      .default(8192)
      .describe('Items (spans, data points, log records) from which a batch goes on; 0 leaves it to the timeout.'),
    timeout: durationMs('200ms').describe('How long items wait for more at most; 0 hands on each request at once.'),
    send_batch_max_size: z
      .int()
      .min(0)
      .default(0)
      .describe(
        'Most items in a batch; larger ones are split. 0 sets no limit. A batch of whole traces that is split is one no more.',
      ),
    metadata_keys: z
      .array(z.string())
      .max(0, { error: 'is not supported; leave it out, all senders share one batch' })
      .default([])
      .describe('Only the empty list: batches are not kept apart by the metadata of the sender.'),
    metadata_cardinality_limit: z.int().optional().describe(NO_EFFECT),
  })
  .refine((config) => config.send_batch_max_size === 0 || config.send_batch_max_size >= config.send_batch_size, {
    error: 'send_batch_max_size must be greater or equal to send_batch_size; write a larger one, or 0 for no limit',
    path: ['send_batch_max_size'],
  })

export type BatchConfig = z.output<typeof configSchema>
