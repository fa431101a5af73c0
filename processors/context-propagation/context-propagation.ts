import type { ProcessorFactory } from '../../component/component.ts'
import { TraceRuleProcessor } from '../../component/trace-rule-processor.ts'
import type { CallFacts } from './call-facts.ts'
import { type ContextPropagationConfig, configSchema } from './config.ts'
import { propagationRules } from './propagation-rules.ts'
import { TrafficMetrics } from './traffic-metrics.ts'

export const factory: ProcessorFactory<ContextPropagationConfig> = {
  kind: 'processor',
  type: 'context_propagation',
  aliases: [],
  description: 'Finds where the trace context breaks: between which services, how often, and why.',
  signals: ['traces'],
  config: configSchema,
  needsTraceWindow: true,
  create: {
    traces(settings, config, next) {
      const rules = propagationRules(config, settings.findings)
      const { calls, gate } = rules
      const facts = rules.facts()
      const processor = new TraceRuleProcessor<CallFacts>({ ...settings, findings: gate }, next, {
        facts,
        judgeIntervalMs: config.judge_interval,
        sections: { edges: () => calls.rows() },
        producers: [new TrafficMetrics({ edges: () => calls.rows(), traces: () => facts.traces }, config.max_series)],
      })
      for (const { rule, judge } of rules.list) processor.add(rule, judge)
      return processor
    },
  },
}
