import type { TraceRule } from '../../component/trace-rule.ts'
import { ClockJudge } from './clock-judge.ts'
import { ClockObserver } from './clock-observer.ts'
import type { ClockSummary } from './clocks/clock-samples.ts'
import type { SpanLifetimeConfig } from './config.ts'
import type { LifetimeFacts } from './lifetime-facts.ts'

/**
 * CLOCK-001 clock_offset and CLOCK-002 clock_step. Observers read samples off calls, the judge estimates the offsets of
 * all clocks from the samples of all shards, and its verdicts are the offsets, by which other rules compare times.
 */
export function clockRule(config: SpanLifetimeConfig, evidenceLimit: number): TraceRule<LifetimeFacts, ClockSummary> {
  return {
    rules: ['CLOCK-001', 'CLOCK-002'],
    createObserver: () => new ClockObserver(config.max_clock_pairs),
    createJudge: () => new ClockJudge(config, evidenceLimit),
  }
}
