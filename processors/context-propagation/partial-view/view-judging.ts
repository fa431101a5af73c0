import type { TraceJudge } from '../../../component/trace-rule.ts'
import type { FindingsGate } from './findings-gate.ts'
import type { PartialViewJudge, ViewSummary } from './partial-view-judge.ts'

/** A judge whose summaries another one hears too. */
export function overheard<Summary>(
  judge: TraceJudge<Summary>,
  hear: (summaries: readonly Summary[], nowMs: number) => void,
): TraceJudge<Summary> {
  return {
    judge(summaries, nowMs) {
      hear(summaries, nowMs)
      return judge.judge(summaries, nowMs)
    },
    verdicts: () => judge.verdicts(),
  }
}

/** The judge of the view together with the gate that it opens and closes. */
export function gating(judge: PartialViewJudge, gate: FindingsGate): TraceJudge<ViewSummary> {
  return {
    judge(summaries, nowMs) {
      const before = judge.state
      const reports = judge.judge(summaries, nowMs)
      // What was only suspected has turned out whole: then all that was counted meanwhile is true.
      if (before === 'partial' && judge.state === 'whole') gate.taintHeld()
      for (const { outranked } of summaries) gate.relate(outranked)
      gate.review()
      return reports
    },
    verdicts: () => judge.verdicts(),
  }
}
