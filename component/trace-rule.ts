import type { FindingReport } from './finding.ts'

/**
 * A rule over whole traces, in two halves. `observe` runs where the trace is and sees every trace of its share once;
 * `judge` runs once a process and sees all summaries, because causes, edges and clocks span traces. A summary is bounded,
 * can be transferred to another thread (structured clone) and merged in any order: the same traces give the same
 * findings however many observers they were spread over.
 */
export interface TraceRule<Facts, Summary> {
  /** The rules of the catalogue that it speaks for. */
  readonly rules: readonly string[]
  createObserver(): TraceObserver<Facts, Summary>
  createJudge(): TraceJudge<Summary>
}

/** `Facts` is a batch of whole traces with what the rules of one processor read off it once for all of them. */
export interface TraceObserver<Facts, Summary> {
  /** Reads a batch at `nowMs`, and marks its spans by the last verdicts. */
  observe(facts: Facts, nowMs: number): void
  /** What was seen since the last call. */
  takeSummary(nowMs: number): Summary
  /** The last verdicts of the judge. */
  learn(verdicts: Verdicts): void
}

export interface TraceJudge<Summary> {
  /** Takes in summaries, in any order, and says what is to be published. */
  judge(summaries: readonly Summary[], nowMs: number): readonly FindingReport[]
  verdicts(): Verdicts
}

/**
 * What observers need of the judge to mark spans: the cause that is known now, by rule and place. Keys are made by the
 * rule; the table can be transferred.
 */
export type Verdicts = ReadonlyMap<string, string>
