import { type DatedEvidence, EarliestEvidence } from '../../component/evidence.ts'
import type { Evidence, FindingReport, Level } from '../../component/finding.ts'
import type { TraceJudge, TraceObserver, TraceRule, Verdicts } from '../../component/trace-rule.ts'
import { markSpan } from '../../findings/mark-span.ts'
import type { Operation } from '../../otlp/operations.ts'
import { Column } from '../../otlp/span-table.ts'
import type { LifetimeFacts } from './lifetime-facts.ts'

/** What a rule says of one span: nothing, or the cause, the other span it is about, and the numbers. */
export interface Verdict {
  readonly cause: string
  readonly relatedRow: number | null
  readonly values: Readonly<Record<string, number>>
}

/** A rule that looks at one span (and its parent) at a time; its findings are by operation and cause. */
export interface SpanRule {
  readonly rule: string
  readonly level: Level
  readonly confidence: number
  /** Asked for every span; null for nearly all of them, which must cost nothing. */
  check(facts: LifetimeFacts, row: number, nowMs: number): Verdict | null
  message(cause: string, service: string, operation: string, occurrences: number, population: number): string
}

interface Row {
  readonly service: string
  readonly name: string
  /** Spans of the operation. */
  readonly spans: number
  readonly causes: readonly {
    readonly cause: string
    readonly occurrences: number
    readonly firstUnixNano: bigint
    readonly lastUnixNano: bigint
    readonly evidence: readonly DatedEvidence[]
  }[]
}

type Summary = readonly Row[]

/** The two halves of a rule on single spans: counts by operation and cause where the spans are, findings from the sums. */
export function traceRuleOf(rule: SpanRule, evidenceLimit: number): TraceRule<LifetimeFacts, Summary> {
  return {
    rules: [rule.rule],
    createObserver: () => new SpanRuleObserver(rule, evidenceLimit),
    createJudge: () => new SpanRuleJudge(rule, evidenceLimit),
  }
}

class Tally {
  occurrences = 0
  firstUnixNano = 0n
  lastUnixNano = 0n
  readonly evidence: EarliestEvidence

  constructor(evidenceLimit: number) {
    this.evidence = new EarliestEvidence(evidenceLimit)
  }

  add(occurrences: number, firstUnixNano: bigint, lastUnixNano: bigint): void {
    if (this.occurrences === 0 || firstUnixNano < this.firstUnixNano) this.firstUnixNano = firstUnixNano
    if (lastUnixNano > this.lastUnixNano) this.lastUnixNano = lastUnixNano
    this.occurrences += occurrences
  }
}

class SpanRuleObserver implements TraceObserver<LifetimeFacts, Summary> {
  readonly #rule: SpanRule
  readonly #evidenceLimit: number
  #spans = new Uint32Array(1024)
  readonly #tallies = new Map<number, Map<string, Tally>>()
  #operations: readonly Operation[] = []

  constructor(rule: SpanRule, evidenceLimit: number) {
    this.#rule = rule
    this.#evidenceLimit = evidenceLimit
  }

  observe(facts: LifetimeFacts, nowMs: number): void {
    this.#operations = facts.registry.all
    if (this.#operations.length > this.#spans.length) {
      const grown = new Uint32Array(Math.max(this.#operations.length, this.#spans.length * 2))
      grown.set(this.#spans)
      this.#spans = grown
    }
    for (let row = 0; row < facts.batch.table.count; row++) {
      this.#spans[facts.operations[row]!]!++
      if (facts.claimed[row] === 1) continue
      const verdict = this.#rule.check(facts, row, nowMs)
      if (verdict) this.#record(facts, row, verdict)
    }
  }

  takeSummary(): Summary {
    const rows: Row[] = []
    for (let id = 0; id < this.#operations.length; id++) {
      if (this.#spans[id] === 0) continue
      const { service, name } = this.#operations[id]!
      const causes = [...(this.#tallies.get(id) ?? [])].map(
        ([cause, { occurrences, firstUnixNano, lastUnixNano, evidence }]) => ({
          cause,
          occurrences,
          firstUnixNano,
          lastUnixNano,
          evidence: evidence.take(),
        }),
      )
      rows.push({ service, name, spans: this.#spans[id]!, causes })
    }
    this.#spans.fill(0)
    this.#tallies.clear()
    return rows
  }

  /** These rules decide span by span; there is nothing to learn. */
  learn(): void {}

  #record(facts: LifetimeFacts, row: number, verdict: Verdict): void {
    const { table } = facts.batch
    const id = facts.operations[row]!
    let byCause = this.#tallies.get(id)
    if (!byCause) {
      byCause = new Map()
      this.#tallies.set(id, byCause)
    }
    let tally = byCause.get(verdict.cause)
    if (!tally) {
      tally = new Tally(this.#evidenceLimit)
      byCause.set(verdict.cause, tally)
    }
    const at = table.timeUnixNano(row, Column.start)
    tally.add(1, at, at)
    if (tally.evidence.wants(at)) tally.evidence.add(at, evidenceOf(facts, row, verdict))
    facts.claimed[row] = 1
    markSpan(facts.batch, row, this.#rule.rule, verdict.cause)
  }
}

function evidenceOf(facts: LifetimeFacts, row: number, verdict: Verdict): Evidence {
  const { table } = facts.batch
  return {
    kind: 'span',
    traceId: table.traceIdHex(row),
    spanId: table.spanIdHex(row),
    relatedSpanId: verdict.relatedRow === null ? null : table.spanIdHex(verdict.relatedRow),
    values: verdict.values,
  }
}

interface Known {
  readonly service: string
  readonly name: string
  spans: number
  readonly causes: Map<string, Tally & { reported?: number }>
}

class SpanRuleJudge implements TraceJudge<Summary> {
  readonly #rule: SpanRule
  readonly #evidenceLimit: number
  readonly #known = new Map<string, Known>()

  constructor(rule: SpanRule, evidenceLimit: number) {
    this.#rule = rule
    this.#evidenceLimit = evidenceLimit
  }

  judge(summaries: readonly Summary[]): readonly FindingReport[] {
    for (const summary of summaries) for (const row of summary) this.#add(row)
    const reports: FindingReport[] = []
    for (const known of this.#known.values())
      for (const [cause, tally] of known.causes) {
        if (tally.occurrences === tally.reported) continue
        tally.reported = tally.occurrences
        reports.push(this.#report(known, cause, tally))
      }
    return reports
  }

  verdicts(): Verdicts {
    return new Map()
  }

  #add(row: Row): void {
    const key = `${row.service}\0${row.name}`
    let known = this.#known.get(key)
    if (!known) {
      known = { service: row.service, name: row.name, spans: 0, causes: new Map() }
      this.#known.set(key, known)
    }
    known.spans += row.spans
    for (const { cause, occurrences, firstUnixNano, lastUnixNano, evidence } of row.causes) {
      let tally = known.causes.get(cause)
      if (!tally) {
        tally = new Tally(this.#evidenceLimit)
        known.causes.set(cause, tally)
      }
      tally.add(occurrences, firstUnixNano, lastUnixNano)
      tally.evidence.addAll(evidence)
    }
  }

  #report({ service, name, spans }: Known, cause: string, tally: Tally): FindingReport {
    const { rule, level, confidence } = this.#rule
    return {
      rule,
      cause,
      place: { service, instance: null, operation: name, edge: null },
      level,
      confidence,
      causeConfidence: confidence,
      state: 'confirmed',
      occurrences: tally.occurrences,
      population: spans,
      firstUnixNano: tally.firstUnixNano,
      lastUnixNano: tally.lastUnixNano,
      message: this.#rule.message(cause, service, name, tally.occurrences, spans),
      values: { share: spans === 0 ? 0 : tally.occurrences / spans },
      evidence: tally.evidence.list,
      supersedesCause: null,
      related: [],
    }
  }
}
