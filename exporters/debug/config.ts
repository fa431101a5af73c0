import { z } from 'zod'

export const VERBOSITIES = ['basic', 'normal', 'detailed'] as const

export const configSchema = z.strictObject({
  verbosity: z
    .enum(VERBOSITIES)
    .default('basic')
    .describe(
      'basic: one line a batch. normal: about one line for each span, point and record. detailed: all there is. Findings are one readable line each in all three.',
    ),
  sampling_initial: z
    .int()
    .min(0)
    .default(2)
    .describe('Batches of each signal that are shown in every second before sampling begins.'),
  sampling_thereafter: z
    .int()
    .min(1)
    .default(1)
    .describe(
      'Of the further batches of that second, every so-manieth is shown; 1 shows all. Findings are always shown.',
    ),
  use_internal_logger: z
    .boolean()
    .default(false)
    .describe('Accepted for compatibility; the output always goes to stdout, the log to stderr.'),
})

export type DebugConfig = z.output<typeof configSchema>
