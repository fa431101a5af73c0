import { TracesBatch } from '../../component/batch.ts'
import type { FindingReport } from '../../component/finding.ts'
import type { TraceJudge, TraceObserver, TraceRule } from '../../component/trace-rule.ts'
import type { FactsReader } from '../../component/trace-rule-processor.ts'
import { Column, ROW_WORDS, SpanTable } from '../../otlp/span-table.ts'
import { standing } from './replay-spans.ts'

/** A batch of whole traces as it left a window, and when. */
export interface TimedBatch {
  readonly batch: TracesBatch
  readonly nowMs: number
}

/** Keeps a batch beyond its hand-over, as it was before anybody marked its spans. */
export function kept({ table, traces }: TracesBatch, nowMs: number): TimedBatch {
  const batch = new TracesBatch(table, traces)
  batch.retain()
  return { batch, nowMs }
}

/** The rules of one processor as one process has them: shared judges, and for each shard facts and observers. */
export interface RuleSet<Facts> {
  readonly facts: () => Facts
  /** In the order of the processor; a judge is given where rules share one. */
  readonly rules: readonly { readonly rule: TraceRule<Facts, unknown>; readonly judge?: TraceJudge<unknown> }[]
}

/** A rule of any summary for a list of rules. */
export function anyRule<Facts, Summary>(rule: TraceRule<Facts, Summary>, judge?: TraceJudge<Summary>) {
  const entry = { rule: rule as unknown as TraceRule<Facts, unknown> }
  return judge ? { ...entry, judge: judge as TraceJudge<unknown> } : entry
}

/**
 * What stands at the end when the traces are spread over that many shards by the low 64 bits of their ids, judged every
 * second, with summaries and verdicts handed over as threads would (copied, and in another order each time).
 */
export function findingsOfShards<Facts extends FactsReader>(
  { facts, rules }: RuleSet<Facts>,
  batches: readonly TimedBatch[],
  shardCount: number,
): readonly FindingReport[] {
  const judges = rules.map(({ rule, judge }) => judge ?? rule.createJudge())
  const shards = Array.from({ length: shardCount }, () => ({
    facts: facts(),
    observers: rules.map(({ rule }): TraceObserver<Facts, unknown> => rule.createObserver()),
  }))
  const reports: FindingReport[] = []
  let round = 0
  const judge = (nowMs: number) => {
    round++
    judges.forEach((one, i) => {
      const summaries = shards.map(({ observers }) => structuredClone(observers[i]!.takeSummary(nowMs)))
      const turn = round % shardCount
      reports.push(...one.judge([...summaries.slice(turn), ...summaries.slice(0, turn)], nowMs))
      for (const { observers } of shards) observers[i]!.learn(structuredClone(one.verdicts()))
    })
  }
  let nextMs = batches[0]!.nowMs + 1000
  for (const { batch, nowMs } of batches) {
    for (; nextMs <= nowMs; nextMs += 1000) judge(nextMs)
    splitTraces(batch, shardCount).forEach((part, shard) => {
      if (part.table.count === 0) return
      shards[shard]!.facts.read(part)
      for (const observer of shards[shard]!.observers) observer.observe(shards[shard]!.facts, nowMs)
    })
  }
  for (const untilMs = nextMs + 120_000; nextMs < untilMs; nextMs += 1000) judge(nextMs)
  return [...standing(reports)].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
}

function keyOf({ rule, cause, place }: FindingReport): string {
  return JSON.stringify([rule, cause, place])
}

/** The traces of a batch by their owner, each part with a table and an index of its own. */
export function splitTraces(batch: TracesBatch, shardCount: number): TracesBatch[] {
  const { table, traces } = batch
  const rowsOf = Array.from({ length: shardCount }, (): number[][] => [])
  const states = Array.from({ length: shardCount }, (): number[] => [])
  for (let trace = 0; trace < traces!.traceCount; trace++) {
    const first = traces!.firstRow[trace]!
    const at = first * ROW_WORDS + Column.traceId
    const owner = ((table.words[at + 2]! ^ table.words[at + 3]!) >>> 0) % shardCount
    const rows = Array.from({ length: traces!.firstRow[trace + 1]! - first }, (_, i) => first + i)
    rowsOf[owner]!.push(rows)
    states[owner]!.push(traces!.state[trace]!)
  }
  return rowsOf.map((traceRows, owner) => {
    const part = new SpanTable(table.count)
    part.resources.push(...table.resources)
    part.scopes.push(...table.scopes)
    part.sources.push(...table.sources)
    const newRow = new Map<number, number>()
    for (const row of traceRows.flat()) newRow.set(row, part.addRowFrom(table, row))
    const firstRow = [0]
    for (const rows of traceRows) firstRow.push(firstRow.at(-1)! + rows.length)
    const parentRow = traceRows.flat().map((row) => {
      const parent = traces!.parentRow[row]!
      return parent < 0 ? parent : newRow.get(parent)!
    })
    return new TracesBatch(part, {
      traceCount: traceRows.length,
      firstRow: Uint32Array.from(firstRow),
      parentRow: Int32Array.from(parentRow),
      state: Uint8Array.from(states[owner]!),
    })
  })
}
