import type { TraceRule } from '../../component/trace-rule.ts'
import type { ClockModel } from './clocks/clock-model.ts'
import type { SpanLifetimeConfig } from './config.ts'
import type { LatencyMetrics } from './latency-metrics.ts'
import type { LifetimeFacts } from './lifetime-facts.ts'
import { LifetimeJudge } from './lifetime-judge.ts'
import { LifetimeObserver } from './lifetime-observer.ts'
import type { LifetimeSummary } from './lifetime-summary.ts'

/**
 * LIFE-001 to LIFE-006. Times of two clocks are compared only where their offset is known, and only what exceeds it with
 * its uncertainty counts. LIFE-005 > 003 > 002 > 001 on the same spans.
 */
export function lifetimeRule(
  config: SpanLifetimeConfig,
  evidenceLimit: number,
  clocks: ClockModel,
  latency: LatencyMetrics,
): TraceRule<LifetimeFacts, LifetimeSummary> {
  return {
    rules: ['LIFE-001', 'LIFE-002', 'LIFE-003', 'LIFE-004', 'LIFE-005', 'LIFE-006'],
    createObserver: () => new LifetimeObserver(config, evidenceLimit, latency),
    createJudge: () => new LifetimeJudge(config, evidenceLimit, clocks),
  }
}
