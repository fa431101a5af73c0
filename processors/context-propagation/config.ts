import { z } from 'zod'
import { durationMs } from '../../component/config-types.ts'

export const configSchema = z.strictObject({
  judge_interval: durationMs('1s').describe('How often what was seen is judged and findings are published.'),
  late_grace: durationMs('60s').describe(
    'How long a late span may still disprove an orphan before the finding is confirmed; the same as late_grace of the trace_window.',
  ),
  provisional_after: durationMs('10s').describe(
    'How long an orphan waits for its parent, from when the window has given its trace up, before it is spoken of.',
  ),
  longest_parent: durationMs('10m').describe(
    'How long a span may last while others go on to begin below it, before those are confirmed as orphans; and for how long confirmed ones are taken back when their parent comes after all.',
  ),
  min_occurrences: z
    .int()
    .min(1)
    .default(5)
    .describe(
      'Occurrences from which CTX-002 (by edge), CTX-005 (by operation) and CTX-008 (by edge) speak: fewer may be chance, such as a client from outside that calls at that time.',
    ),
  match_tolerance: durationMs('50ms').describe(
    'How far a callee may lie outside of the call it is matched to: clock offsets between nodes, and the time on the way.',
  ),
  expected_elsewhere: z
    .array(z.string().min(1))
    .default([])
    .describe(
      'Services whose spans go to another backend: calls to them are never called broken, nor are spans that they may have called.',
    ),
  max_operations: z
    .int()
    .min(100)
    .default(20_000)
    .describe(
      'Operations (service, span name, kind) that are counted apart; beyond it the rest of a service counts as one.',
    ),
  max_awaited_parents: z
    .int()
    .min(1000)
    .default(200_000)
    .describe(
      'Missing parents that are remembered for late_grace (about 60 bytes each); beyond it the oldest are settled early.',
    ),
  max_recent_calls: z
    .int()
    .min(1000)
    .default(50_000)
    .describe(
      'Calls that are remembered for half a minute to find the other half of traces with cut ids, once there is one, and as many of those that carry a sampling threshold and left before their callee (about 60 bytes each).',
    ),
  max_ended_parents: z
    .int()
    .min(100)
    .default(10_000)
    .describe(
      'Spans that are remembered because others began below them after their end (about 200 bytes each); beyond it those without news go.',
    ),
  max_series: z.int().min(10).default(2000).describe('Series of one derived metric; the rest shares one.'),
  max_samples: z
    .int()
    .min(100)
    .default(4000)
    .describe(
      'Unanswered calls, parentless entries, and requests of services that lose context inside, each kept for a judgement to match them.',
    ),
})

export type ContextPropagationConfig = z.output<typeof configSchema>
