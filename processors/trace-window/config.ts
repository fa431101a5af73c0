import { z } from 'zod'
import { durationMs } from '../../component/config-types.ts'

export const configSchema = z.strictObject({
  quiet_complete: durationMs('1s').describe(
    'How long a complete trace (root there, no parent missing, no call left open that is known to be answered) waits for more spans before it goes on.',
  ),
  quiet: durationMs('6s').describe(
    'How long an incomplete trace waits without news before it goes on. SDKs export every 5 s, so less than that takes healthy traces apart.',
  ),
  max_wait: durationMs('20s').describe(
    'How long a trace waits at most, counted from its first span. For this long after a start an incomplete trace is unknown, not broken.',
  ),
  late_grace: durationMs('60s').describe(
    'How long the ids of spans that have gone on are remembered (about 3 bytes each), so that a late span is not taken for an orphan and takes back the findings that it disproves.',
  ),
  late_max_bytes: z
    .int()
    .min(65_536)
    .default(64 * 1024 * 1024)
    .describe(
      'Most bytes that the memory of late_grace may take; when it cuts the grace short, the gauge blindspot.window.late_grace tells.',
    ),
  max_bytes: z
    .int()
    .min(0)
    .default(0)
    .describe(
      'Most bytes of received requests that waiting traces may retain; 0 is half of the byte budget. Beyond it the oldest traces leave unjudged.',
    ),
  max_traces: z
    .int()
    .min(1)
    .default(500_000)
    .describe('Most traces that may wait at once. Beyond it the oldest traces leave unjudged.'),
  max_batch_spans: z
    .int()
    .min(1)
    .default(8192)
    .describe('Spans in a batch of whole traces from which the batch goes on; one trace is never split.'),
})

export type TraceWindowConfig = z.output<typeof configSchema>
