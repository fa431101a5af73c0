import { z } from 'zod'
import { durationMs } from '../../component/config-types.ts'

export const configSchema = z.strictObject({
  stale_after: durationMs('5m').describe(
    'How long the last value of a metric stands without a new one: five intervals of an SDK that exports every minute.',
  ),
  max_processes: z
    .int()
    .min(1)
    .default(2000)
    .describe('Go processes that are watched; beyond it those that were silent for longest are forgotten.'),
})

export type GoRuntimeConfig = z.output<typeof configSchema>
