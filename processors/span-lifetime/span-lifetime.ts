import type { ProcessorFactory } from '../../component/component.ts'
import { TraceRuleProcessor } from '../../component/trace-rule-processor.ts'
import { Operations } from '../../otlp/operations.ts'
import { clockCorrection } from './clock-correction.ts'
import { ClockJudge } from './clock-judge.ts'
import { clockRule } from './clock-rule.ts'
import { configSchema, type SpanLifetimeConfig } from './config.ts'
import { LatencyMetrics } from './latency-metrics.ts'
import { LifetimeFacts } from './lifetime-facts.ts'
import { LifetimeJudge } from './lifetime-judge.ts'
import { lifetimeRule } from './lifetime-rule.ts'

export const factory: ProcessorFactory<SpanLifetimeConfig> = {
  kind: 'processor',
  type: 'span_lifetime',
  aliases: [],
  description: 'Finds spans whose times lie about the work they stand for, and clocks that differ.',
  signals: ['traces'],
  config: configSchema,
  needsTraceWindow: true,
  create: {
    traces(settings, config, next) {
      const limit = settings.findings.evidenceLimit
      const clocks = new ClockJudge(config, limit)
      const latency = new LatencyMetrics(config.max_series)
      const lifetimes = new LifetimeJudge(config, limit, clocks.model)
      const operations = new Operations(config.max_operations)
      const facts = new LifetimeFacts(operations, config)
      const processor = new TraceRuleProcessor<LifetimeFacts>(settings, next, {
        facts,
        judgeIntervalMs: config.judge_interval,
        sections: {
          clocks: () => clocks.model.rows(),
          latency: () => latency.rows(),
          limits: () => ({
            ...clocks.model.limits,
            ...lifetimes.limits,
            overflowed_latency_series: latency.overflows,
            overflowed_clock_series: clocks.metrics.overflows,
            overflowed_operations: operations.overflowed,
            overflowed_services: operations.overflowedServices,
            overflowed_clock_sources: facts.clocks.overflowed,
          }),
        },
        producers: [clocks.metrics.producer, latency.producer],
      })
      // Clocks first, so that times are compared by what is known of them now.
      processor.add(clockRule(config, limit), clocks)
      processor.add(lifetimeRule(config, limit, clocks.model, latency), lifetimes)
      processor.add(clockCorrection(config))
      return processor
    },
  },
}
