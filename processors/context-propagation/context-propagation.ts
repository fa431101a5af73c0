import type { ProcessorFactory } from '../../component/component.ts'
import { TraceRuleProcessor } from '../../component/trace-rule-processor.ts'
import { Operations } from '../../otlp/operations.ts'
import { CallFacts } from './call-facts.ts'
import { type ContextPropagationConfig, configSchema } from './config.ts'
import { contextLost } from './context-lost.ts'
import { orphanSpan } from './orphan-span.ts'
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
      const limit = settings.findings.evidenceLimit
      const lost = contextLost(config, limit)
      const lostJudge = lost.createJudge()
      const facts = new CallFacts(new Operations(config.max_operations))
      const processor = new TraceRuleProcessor<CallFacts>(settings, next, {
        facts,
        judgeIntervalMs: config.judge_interval,
        sections: { edges: () => lostJudge.edges() },
        producers: [new TrafficMetrics({ edges: () => lostJudge.edges(), traces: () => facts.traces })],
      })
      // The order is the precedence: a span that one rule has claimed is no finding of the next.
      processor.add(lost, lostJudge)
      processor.add(orphanSpan(config, limit))
      return processor
    },
  },
}
