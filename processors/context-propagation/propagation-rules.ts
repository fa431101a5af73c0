import type { FindingSink } from '../../component/finding.ts'
import type { TraceJudge, TraceRule } from '../../component/trace-rule.ts'
import { Operations } from '../../otlp/operations.ts'
import { CallFacts } from './call-facts.ts'
import type { ContextPropagationConfig } from './config.ts'
import { CallTraffic } from './context-lost/call-traffic.ts'
import { contextLost } from './context-lost/context-lost.ts'
import { doubleInstrumentation } from './double-instrumentation.ts'
import { droppedContext } from './dropped-context/dropped-context.ts'
import { duplicateId } from './duplicate-id.ts'
import { orphanSpan } from './orphan-span/orphan-span.ts'
import { FindingsGate } from './partial-view/findings-gate.ts'
import { partialView } from './partial-view/partial-view.ts'
import { gating, overheard } from './partial-view/view-judging.ts'
import { samplingDecision } from './sampling-decision.ts'
import { truncatedId } from './truncated-id.ts'
import { wrongParent } from './wrong-parent/wrong-parent.ts'

export interface ListedRule {
  readonly rule: TraceRule<CallFacts, unknown>
  readonly judge: TraceJudge<unknown>
}

export interface PropagationRules {
  facts(): CallFacts
  /** In the order in which they run. */
  readonly list: readonly ListedRule[]
  readonly calls: CallTraffic
  /** What all that they find passes on its way to the sink. */
  readonly gate: FindingsGate
}

/**
 * All rules of the processor. The order is the precedence: a span that one rule has claimed is no finding of the next.
 * The view comes first: whether anything may be said at all. A rule that takes more than a file has a folder: orphan-span
 * is CTX-001, context-lost CTX-002, dropped-context CTX-003, wrong-parent CTX-005, partial-view GW-001.
 */
export function propagationRules(config: ContextPropagationConfig, sink: FindingSink): PropagationRules {
  const limit = sink.evidenceLimit
  const calls = new CallTraffic(config.max_operations)
  const view = partialView(config, calls)
  const viewJudge = view.createJudge()
  const gate = new FindingsGate(sink, (report) => viewJudge.withholds(report))
  const orphans = orphanSpan(config, limit)
  const cuts = truncatedId(config, limit, () => calls.rows())
  return {
    facts: () => new CallFacts(new Operations(config.max_operations)),
    list: [
      listed(view, gating(viewJudge, gate)),
      listed(duplicateId(config, limit)),
      listed(doubleInstrumentation(config, limit, 'entries')),
      listed(doubleInstrumentation(config, limit, 'exits')),
      listed(samplingDecision(config, limit)),
      listed(
        cuts,
        overheard(cuts.createJudge(), (summaries, nowMs) => viewJudge.takeCuts(summaries, nowMs)),
      ),
      listed(wrongParent(config, limit)),
      listed(contextLost(config, limit, calls)),
      listed(droppedContext(config, limit)),
      listed(
        orphans,
        overheard(orphans.createJudge(), (summaries, nowMs) => viewJudge.takeOrphans(summaries, nowMs)),
      ),
    ],
    calls,
    gate,
  }
}

function listed<Summary>(rule: TraceRule<CallFacts, Summary>, judge = rule.createJudge()): ListedRule {
  return { rule: rule as unknown as TraceRule<CallFacts, unknown>, judge: judge as TraceJudge<unknown> }
}
