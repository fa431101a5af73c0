import { OccurrenceTally } from '../../../component/occurrence-rule.ts'
import { PairTally } from '../../../component/pair-tally.ts'
import type { TraceObserver, TraceRule, Verdicts } from '../../../component/trace-rule.ts'
import { operationKey } from '../../../otlp/operations.ts'
import { Column, ROW_WORDS, SpanFlag, SpanKind } from '../../../otlp/span-table.ts'
import { Parent, TraceState } from '../../../otlp/trace-index.ts'
import { widened } from '../../../otlp/widened.ts'
import { type CallFacts, Role } from '../call-facts.ts'
import type { ContextPropagationConfig } from '../config.ts'
import { type EndedParent, EndedParents, keepPending } from './ended-parents.ts'
import { isAfterRequest, isStepOf, waitingAncestor } from './sibling-parent.ts'
import { WrongParentJudge } from './wrong-parent-judge.ts'
import { type ParentRow, RULE, type WrongParentSummary } from './wrong-parent-summary.ts'

/** Spans of one trace that are held against all their siblings; each looks at the whole trace. */
const MAX_COMPARED = 64

/** Spans of an operation below one ended parent that may be steps of other requests; more of them are a kept context. */
const MAX_BELATED = 2

/**
 * CTX-005 wrong_parent: a span of the same process begins after its parent has ended, and fits elsewhere: as a step after
 * the one that it hangs below (sibling_parent), or as one more round of a loop that keeps an old context (context_reused).
 * Whether it is a step of another request than it says is left to the rule that knows the requests (dropped-context.ts).
 * Assumes that spans of one process have one clock. Work that comes in from elsewhere is never at fault.
 */
export function wrongParent(
  config: ContextPropagationConfig,
  evidenceLimit: number,
): TraceRule<CallFacts, WrongParentSummary> {
  return {
    rules: [RULE],
    createObserver: () => new WrongParentObserver(config, evidenceLimit),
    createJudge: () => new WrongParentJudge(config, evidenceLimit),
  }
}

class WrongParentObserver implements TraceObserver<CallFacts, WrongParentSummary> {
  readonly #evidenceLimit: number
  readonly #tally: OccurrenceTally
  readonly #endedParents: EndedParents
  /** By operation: 1 for those that hung below an ended parent, which are counted from then on. */
  #suspected = new Uint8Array(1024)
  /** Operation and that of its parent, for spans of these that are where they should be. */
  readonly #rightful = new PairTally()
  /** Operation and that of the parent where it belongs, for spans that hang below a sibling. */
  readonly #expected = new PairTally()
  #facts: CallFacts | null = null
  #verdicts: Verdicts = new Map()

  constructor(config: ContextPropagationConfig, evidenceLimit: number) {
    this.#evidenceLimit = evidenceLimit
    this.#tally = new OccurrenceTally(evidenceLimit)
    this.#endedParents = new EndedParents(config.max_ended_parents)
  }

  observe(facts: CallFacts, _nowMs: number): void {
    this.#facts = facts
    const { table, traces } = facts.batch
    const { traceCount, firstRow, parentRow, state } = traces!
    const { words } = table
    const { operations } = facts
    if (facts.registry.all.length > this.#suspected.length) this.#grow(facts.registry.all.length)
    const suspected = this.#suspected
    for (let trace = 0; trace < traceCount; trace++) {
      const first = firstRow[trace]!
      const end = firstRow[trace + 1]!
      const isLate = state[trace] === TraceState.late
      let compared = 0
      for (let row = first; row < end; row++) {
        const parent = parentRow[row]!
        if (parent === Parent.none) continue
        if (parent < 0) {
          if (isLate || (parent === Parent.missing && state[trace] !== TraceState.unknown))
            this.#late(facts, row, parent)
          continue
        }
        const at = row * ROW_WORDS
        const up = parent * ROW_WORDS
        const gapNano =
          (words[at + Column.start]! - words[up + Column.end]!) * 4294967296 +
          (words[at + Column.start + 1]! - words[up + Column.end + 1]!)
        if (suspected[operations[row]!] === 1) this.#tally.countSpan(facts, row)
        // A parent whose end is not set, as Zipkin has them, has not ended before anything.
        if (gapNano <= 0 || words[up + Column.end] === 0) {
          if (suspected[operations[row]!] === 1) this.#rightful.add(operations[row]!, operations[parent]!)
        } else if (words[at + Column.resource] === words[up + Column.resource] && this.#isWork(facts, row)) {
          const ancestor = waitingAncestor(facts, row)
          if (ancestor >= 0 && ++compared > MAX_COMPARED) continue
          const isStep = ancestor >= 0 && isStepOf(facts, row, ancestor, first, end)
          this.#afterParent(facts, row, parent, isStep ? ancestor : -1, gapNano)
        }
      }
    }
  }

  takeSummary(): WrongParentSummary {
    const rightful = this.#takePairs(this.#rightful)
    const expected = this.#takePairs(this.#expected)
    return { occurrences: this.#tally.take(), rightful, expected }
  }

  learn(verdicts: Verdicts): void {
    this.#verdicts = verdicts
  }

  /** Work of the process itself: what comes in from elsewhere may come when it will. */
  #isWork(facts: CallFacts, row: number): boolean {
    const kind = facts.batch.table.kind(row)
    return (facts.roles[row]! & Role.entry) === 0 && kind !== SpanKind.server && kind !== SpanKind.consumer
  }

  #afterParent(facts: CallFacts, row: number, parent: number, expected: number, gapNano: number): void {
    const { table } = facts.batch
    const operation = facts.operations[row]!
    this.#suspected[operation] = 1
    if (expected < 0) {
      this.#rightful.add(operation, facts.operations[parent]!)
      const endMs = table.timeMs(parent, Column.end)
      const entry = this.#endedParents.add(table, row, operation, endMs)
      this.#afterEnd(facts, row, entry, false)
      if (entry.children <= MAX_BELATED && isAfterRequest(facts, row)) facts.belatedRows.push(row)
      return
    }
    this.#tally.add(facts, row, {
      cause: 'sibling_parent',
      relatedSpanId: table.parentIdHex(row),
      detail: facts.registry.all[facts.operations[parent]!]!.name,
      values: { gap_seconds: gapNano / 1e9 },
    })
    this.#expected.add(operation, facts.operations[expected]!)
    if (!this.#isJudged(facts, row, 'sibling_parent') || !facts.claim(row, RULE)) return
    facts.mark(row, RULE, 'sibling_parent')
    facts.batch.edits?.appendString(row, 'blindspot.expected_parent', table.spanIdHex(expected))
  }

  /** A piece of a trace that left before: its parents have left too, and may have ended long ago. */
  #late(facts: CallFacts, row: number, parent: number): void {
    const { table } = facts.batch
    const isRemote = (table.get(row, Column.flags) & SpanFlag.isRemote) !== 0
    if (isRemote || !this.#isWork(facts, row)) return
    const operation = facts.operations[row]!
    // The window forgets ids after a while; a parent that is known here has been there, and the span is no orphan.
    const isForgotten = parent === Parent.missing
    if (isForgotten && !this.#endedParents.find(table, row, operation)) return
    this.#suspected[operation] = 1
    this.#tally.countSpan(facts, row)
    const entry = this.#endedParents.add(table, row, operation, null)
    this.#afterEnd(facts, row, entry, isForgotten)
    if (entry.children <= MAX_BELATED) facts.detachedRows.push(row)
  }

  #afterEnd(facts: CallFacts, row: number, entry: EndedParent, isForgotten: boolean): void {
    if (entry.isReused) this.#reused(facts, row, entry)
    else keepPending(entry, facts.batch.table, row, this.#evidenceLimit)
    const isJudged = this.#isJudged(facts, row, 'context_reused') && entry.isReused
    if ((isJudged || isForgotten) && facts.claim(row, RULE) && isJudged) facts.mark(row, RULE, 'context_reused')
  }

  #reused(facts: CallFacts, row: number, entry: EndedParent): void {
    const { table } = facts.batch
    const occurrence = {
      cause: 'context_reused',
      relatedSpanId: table.parentIdHex(row),
      detail: table.traceIdHex(row) + table.parentIdHex(row),
    }
    const gap = (startMs: number) => ({ values: { gap_seconds: (startMs - entry.endMs) / 1000 } })
    const earlier = entry.children - 1
    entry.pending.forEach((span, i) => {
      const count = i === 0 ? earlier - entry.pending.length + 1 : 1
      const startMs = Number(span.startUnixNano / 1000n) / 1000
      this.#tally.addPassed(facts.registry, span, { ...occurrence, ...gap(startMs) }, count)
    })
    entry.pending = []
    this.#tally.add(facts, row, { ...occurrence, ...gap(table.timeMs(row, Column.start)) })
  }

  #takePairs(pairs: PairTally): readonly ParentRow[] {
    const rows: ParentRow[] = []
    const all = this.#facts?.registry.all ?? []
    pairs.forEach((operation, parent, count) => {
      const { service, name } = all[operation]!
      rows.push({ service, name, parent: all[parent]!.name, count })
    })
    pairs.clear()
    return rows
  }

  #isJudged({ registry, operations }: CallFacts, row: number, cause: string): boolean {
    if (this.#verdicts.size === 0) return false
    const { service, name } = registry.all[operations[row]!]!
    return this.#verdicts.get(operationKey(service, name)) === cause
  }

  #grow(operations: number): void {
    this.#suspected = widened(this.#suspected, operations)
  }
}
