import { z } from 'zod'

export const configSchema = z.strictObject({
  verbosity: z
    .enum(['basic', 'normal'])
    .default('basic')
    .describe(
      'basic: one line a batch with its item count; normal: for traces also one line a span that carries a finding.',
    ),
})

export type DebugConfig = z.output<typeof configSchema>
