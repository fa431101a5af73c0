import { z } from 'zod'
import { durationMs } from '../../component/config-types.ts'

export const configSchema = z.strictObject({
  judge_interval: durationMs('1s').describe('How often what was seen is judged and findings are published.'),
  tolerance: durationMs('2ms').describe(
    'How far a child may end after its parent on one machine: SDKs that take the end of a span in milliseconds are off by up to one on each side.',
  ),
  future_tolerance: durationMs('60s').describe(
    'How far ahead of the gateway a span may start: more is a clock that is wrong.',
  ),
  max_duration: durationMs('1h').describe('Longest time that a span may take.'),
  cancel_grace: durationMs('1s').describe('How long a callee may take to notice that its caller has given up.'),
  detached_operations: z
    .array(z.string())
    .default(['http.dns', 'http.connect', 'http.tls'])
    .describe(
      'Names of spans that go on after their parent by design; by default those of otelhttptrace, as net/http goes on dialling when another connection comes free.',
    ),
  offset_tolerance: durationMs('1ms').describe('How far two clocks may differ.'),
  step_tolerance: durationMs('5ms').describe('How far the offset of a clock may jump at once.'),
  clock_correction: z
    .enum(['annotate', 'rewrite'])
    .default('annotate')
    .describe(
      'What becomes of spans whose clock is known to differ from the reference: annotate says by how much (corrected time = time − blindspot.clock.applied_offset), rewrite also corrects start, end and events, and keeps what was sent in blindspot.original.start_time and .end_time.',
    ),
  max_clock_pairs: z
    .int()
    .min(16)
    .default(4096)
    .describe('Pairs of clocks whose calls are compared; the one that was quiet for longest goes first.'),
  max_clocks: z
    .int()
    .min(16)
    .max(65_536)
    .default(20_000)
    .describe(
      'Clocks (hosts, or instances where no host is named) that are told apart; further ones are not compared.',
    ),
  max_clock_points: z
    .int()
    .min(100)
    .default(500_000)
    .describe(
      'Seconds of all clocks together whose offsets are remembered, about 150 bytes each; the oldest go first.',
    ),
  max_series: z.int().min(10).default(2000).describe('Series of one derived metric; the rest shares one.'),
  max_operations: z
    .int()
    .min(100)
    .default(20_000)
    .describe(
      'Operations (service, span name, kind) that are counted apart; beyond it the rest of a service counts as one.',
    ),
  max_early_operations: z
    .int()
    .min(10)
    .default(1000)
    .describe(
      'Operations with spans that end before their work, whose durations are remembered, 9 KiB each; the one that ends too early least often goes first.',
    ),
  max_places: z
    .int()
    .min(10)
    .default(4096)
    .describe(
      'Places (rule, operation, edge and the parent operation) whose occurrences are remembered, about 5 KiB each; the one that was quiet for longest goes first.',
    ),
  max_recent_spans: z
    .int()
    .min(1)
    .default(262_144)
    .describe(
      'Spans that have gone on and are remembered, 44 bytes each, to be compared with children that come later; younger ones take the place of older ones. A power of two.',
    ),
  max_occurrence_rows: z
    .int()
    .min(10)
    .default(4096)
    .describe('Places and seconds of occurrences between two judgements; further ones are not counted.'),
})

export type SpanLifetimeConfig = z.output<typeof configSchema>
