import { z } from 'zod'
import { durationMs } from '../../component/config-types.ts'

export const configSchema = z
  .strictObject({
    check_interval: durationMs('0').describe('How often the memory is looked at; must be set, 1s is a good value.'),
    limit_mib: z
      .int()
      .min(0)
      .default(0)
      .describe('Most memory, in MiB, that the heap and the buffers of the process may take.'),
    spike_limit_mib: z
      .int()
      .min(0)
      .default(0)
      .describe(
        'How much may come in between two looks, in MiB; data is refused from limit_mib less this. 0 is a fifth of the limit.',
      ),
    limit_percentage: z
      .int()
      .min(0)
      .max(100)
      .default(0)
      .describe('The limit as percentage of the memory of the container or host; limit_mib goes before it.'),
    spike_limit_percentage: z
      .int()
      .min(0)
      .max(100)
      .default(0)
      .describe('The spike limit as percentage of the same memory.'),
    min_gc_interval_when_soft_limited: durationMs('10s').describe(
      'Least time between two forced collections above the soft limit.',
    ),
    min_gc_interval_when_hard_limited: durationMs('0').describe(
      'Least time between two forced collections above the limit.',
    ),
    max_gc_interval_when_soft_limited: durationMs('30s').describe(
      'Most time between them when collecting frees next to nothing.',
    ),
    max_gc_interval_when_hard_limited: durationMs('30s').describe('The same above the limit.'),
  })
  .superRefine((config, context) => {
    const complain = (key: keyof typeof config, message: string) =>
      context.addIssue({ code: 'custom', path: [key], message })
    if (config.check_interval <= 0) complain('check_interval', 'checkInterval must be greater than zero; write 1s')
    if (config.limit_mib === 0 && config.limit_percentage === 0) {
      complain(
        'limit_mib',
        'limit_mib or limit_percentage must be greater than zero; write the limit in MiB, such as 512',
      )
    }
    if (config.limit_mib > 0 && config.spike_limit_mib >= config.limit_mib) {
      complain('spike_limit_mib', 'spike_limit_mib must be smaller than limit_mib; write a fifth of it')
    }
    if (
      config.limit_mib === 0 &&
      config.limit_percentage > 0 &&
      config.spike_limit_percentage >= config.limit_percentage
    ) {
      complain(
        'spike_limit_percentage',
        'spike_limit_percentage must be smaller than limit_percentage; write a fifth of it',
      )
    }
  })

export type MemoryLimiterConfig = z.output<typeof configSchema>
