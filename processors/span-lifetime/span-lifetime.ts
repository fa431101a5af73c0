import type { ProcessorFactory } from '../../component/component.ts'
import { TraceRuleProcessor } from '../../component/trace-rule-processor.ts'
import { Operations } from '../../otlp/operations.ts'
import { childOutlivesParent } from './child-outlives-parent.ts'
import { ClockJudge } from './clock-judge.ts'
import { clockRule } from './clock-rule.ts'
import { configSchema, type SpanLifetimeConfig } from './config.ts'
import { impossibleTimes } from './impossible-times.ts'
import { LifetimeFacts } from './lifetime-facts.ts'
import { traceRuleOf } from './span-rule.ts'

export const factory: ProcessorFactory<SpanLifetimeConfig> = {
  kind: 'processor',
  type: 'span_lifetime',
  aliases: [],
  description: 'Finds spans whose times lie about the work they stand for.',
  signals: ['traces'],
  config: configSchema,
  needsTraceWindow: true,
  create: {
    traces(settings, config, next) {
      const limit = settings.findings.evidenceLimit
      const clockJudge = new ClockJudge(config, limit)
      const processor = new TraceRuleProcessor<LifetimeFacts>(settings, next, {
        facts: new LifetimeFacts(new Operations(config.max_operations)),
        judgeIntervalMs: config.judge_interval,
        sections: clockJudge.sections,
        producers: [clockJudge.metrics.producer],
      })
      // First, so that the other rules compare times by what is known of the clocks now.
      processor.add(clockRule(config, limit), clockJudge)
      // The order is the precedence: a span that one rule has claimed is no finding of the next.
      processor.add(traceRuleOf(impossibleTimes(config), limit))
      processor.add(traceRuleOf(childOutlivesParent(config), limit))
      return processor
    },
  },
}
