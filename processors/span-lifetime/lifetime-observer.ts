import { noCounts } from '../../component/shard-counts.ts'
import type { TraceObserver, Verdicts } from '../../component/trace-rule.ts'
import { SpanEdits } from '../../otlp/span-edits.ts'
import { Column, ROW_WORDS, SpanKind } from '../../otlp/span-table.ts'
import { Parent } from '../../otlp/trace-index.ts'
import type { SpanLifetimeConfig } from './config.ts'
import { CallerEnd, callerEnd, isCall } from './gave-up.ts'
import { ImpossibleTimes } from './impossible-times.ts'
import { LateStarts } from './late-starts.ts'
import type { LatencyMetrics } from './latency-metrics.ts'
import type { LifetimeFacts } from './lifetime-facts.ts'
import { Kind } from './lifetime-kinds.ts'
import type { LifetimeSummary } from './lifetime-summary.ts'
import { movedTime } from './moved-time.ts'
import { OccurrenceTallies } from './occurrence-tally.ts'
import { Early, OperationTallies } from './operation-tallies.ts'
import { RecentSpans } from './recent-spans.ts'

/** What is missing must be this long, and as long as what is reported: less than half of the work is shown. */
const MIN_MISSING_NANO = 0.1e6
const MIN_RATIO = 2
/** Against a slow network: the wait after the callee's end is that much longer than the one before its start. */
const MIN_END_GAP_RATIO = 4

/**
 * Looks at each span once, and closer at those that are odd: times that cannot be (LIFE-005), ends after the parent's
 * (LIFE-001, 002, 004, 006), and ends long before the work (LIFE-003), which the judge decides by operation.
 */
export class LifetimeObserver implements TraceObserver<LifetimeFacts, LifetimeSummary> {
  readonly #config: SpanLifetimeConfig
  readonly #latency: LatencyMetrics
  readonly #tallies: OccurrenceTallies
  readonly #operations: OperationTallies
  readonly #impossible: ImpossibleTimes
  readonly #lateStarts: LateStarts
  readonly #recent: RecentSpans
  #facts: LifetimeFacts | null = null

  constructor(config: SpanLifetimeConfig, evidenceLimit: number, latency: LatencyMetrics) {
    this.#config = config
    this.#latency = latency
    this.#tallies = new OccurrenceTallies(config, evidenceLimit)
    this.#operations = new OperationTallies(config.max_early_operations)
    this.#impossible = new ImpossibleTimes(config, this.#tallies)
    this.#lateStarts = new LateStarts(this.#tallies)
    this.#recent = new RecentSpans(config.max_recent_spans)
  }

  observe(facts: LifetimeFacts, nowMs: number): void {
    this.#facts = facts
    this.#operations.reserve(facts)
    this.#impossible.read(facts, this.#operations.spans, nowMs)
    const { overruns, overrunCount } = facts.ends
    for (let i = 0; i < overrunCount; i++) this.#overrun(facts, overruns[i]!)
    if (overrunCount > 0) this.#lateStarts.settle(facts, (parent) => this.#isOutranked(facts, parent))
    this.#readDurations(facts)
    this.#recent.remember(facts, facts.ends.extra)
  }

  takeSummary(): LifetimeSummary {
    const facts = this.#facts
    if (!facts) return { spans: noCounts(), calls: noCounts(), early: [], occurrences: [], limits: {} }
    const { spans, calls, early, overflowed } = this.#operations.take(facts)
    const { rows, dropped } = this.#tallies.take(facts)
    return {
      spans,
      calls,
      early,
      occurrences: rows,
      limits: { overflowed_early_operations: overflowed, overflowed_lifetime_occurrences: dropped },
    }
  }

  learn(verdicts: Verdicts): void {
    this.#operations.learn(this.#facts, verdicts)
  }

  /** A span that ends after its parent. */
  #overrun(facts: LifetimeFacts, row: number): void {
    const { table, traces } = facts.batch
    const parent = traces!.parentRow[row]!
    const impossible = this.#impossible.rows
    if (impossible[row] !== 0 || impossible[parent] !== 0 || facts.ends.ambiguous[parent] !== 0) return
    const isInside = facts.sameProcess(row, parent)
    const isServed = !isInside && isCall(table.kind(parent), table.kind(row))
    // What goes on by design need not notice that nobody waits for it.
    if (facts.ends.isDetached(facts, row)) return
    if (isServed && this.#gaveUp(facts, row, parent)) return
    if (!facts.comparable(row, parent)) return
    const kind = table.kind(row)
    // What a consumer does later is no part of what the producer did.
    if (kind === SpanKind.consumer || table.kind(parent) === SpanKind.producer) return
    const toleranceNano = this.#config.tolerance * 1e6 + facts.clockUncertaintyNano(row, parent)
    const overrunNano = facts.ends.overrunNano(facts, row, parent)
    if (overrunNano <= toleranceNano) return
    const gapNano = table.differenceNano(row, Column.start, parent, Column.end) - facts.clockDifferenceNano(row, parent)
    const isAfter = gapNano > toleranceNano - this.#config.tolerance * 1e6
    if (isAfter) {
      this.#lateStarts.add(facts, row, parent, gapNano)
      return
    }
    const outlives = isServed ? Kind.outlivesCaller : Kind.outlivesParent
    this.#tallies.record(facts, outlives, row, parent, parent, overrunNano, !this.#isOutranked(facts, parent))
  }

  /** A parent that ends too early, as a rule, is the finding; the judge knows it too. */
  #isOutranked(facts: LifetimeFacts, parent: number): boolean {
    return this.#operations.earlyOf(facts.operations[parent]!) === Early.async
  }

  /** LIFE-004 and 006: whether the caller had given up. */
  #gaveUp(facts: LifetimeFacts, row: number, parent: number): boolean {
    const { table } = facts.batch
    const isComparable = facts.comparable(row, parent)
    const toleranceNano = this.#config.tolerance * 1e6 + facts.clockUncertaintyNano(row, parent)
    // Without a common clock: a callee began after its caller, so it outlived it by what it lasted longer at least.
    const overrunNano = isComparable
      ? facts.ends.overrunNano(facts, row, parent)
      : table.durationNano(row) - table.durationNano(parent)
    if (overrunNano <= toleranceNano) return false
    const end = callerEnd(table, parent)
    const startsAfter =
      isComparable &&
      table.differenceNano(row, Column.start, parent, Column.end) - facts.clockDifferenceNano(row, parent) >
        facts.clockUncertaintyNano(row, parent)
    if (end === CallerEnd.answered && !startsAfter) return false
    const isIgnored = end === CallerEnd.failed && overrunNano > this.#config.cancel_grace * 1e6
    const kind = isIgnored ? Kind.cancellationIgnored : Kind.callerGaveUp
    this.#tallies.record(facts, kind, row, parent, parent, overrunNano)
    this.#latency.overran(facts, row, overrunNano / 1e9)
    return true
  }

  /** Effective latencies, and LIFE-003. */
  #readDurations(facts: LifetimeFacts): void {
    const { table, traces } = facts.batch
    const { words } = table
    const parentRow = traces!.parentRow
    const { extra } = facts.ends
    const impossible = this.#impossible.rows
    const { operations } = facts
    for (let row = 0; row < table.count; row++) {
      if (impossible[row] !== 0) continue
      const at = row * ROW_WORDS
      const parent = parentRow[row]!
      if (parent >= 0 && words[at + Column.resource] !== words[parent * ROW_WORDS + Column.resource])
        this.#served(facts, row, parent)
      else if (parent === Parent.passed) this.#late(facts, row)
      const durationNano =
        (words[at + Column.end]! - words[at + Column.start]!) * 4294967296 +
        (words[at + Column.end + 1]! - words[at + Column.start + 1]!)
      const extraNano = extra[row]!
      if (extraNano >= MIN_MISSING_NANO) this.#endedEarly(facts, row, durationNano, extraNano)
      this.#latency.record(facts, operations[row]!, durationNano, durationNano + extraNano)
    }
  }

  #endedEarly(facts: LifetimeFacts, row: number, durationNano: number, extraNano: number): void {
    const { batch } = facts
    // By the clock that the span leaves with.
    const shiftNano = this.#config.clock_correction === 'rewrite' ? facts.appliedOffsetNano(row) : 0
    const effectiveEnd = movedTime(batch.table, row, Column.end, Math.round(extraNano - shiftNano))
    batch.edits ??= new SpanEdits(batch.table)
    batch.edits.appendInt64(row, 'blindspot.effective.end_time', effectiveEnd[0]!, effectiveEnd[1]!)
    const operation = facts.operations[row]!
    if (this.#operations.earlyOf(operation) === Early.response) return
    if (durationNano + extraNano >= MIN_RATIO * durationNano)
      this.#operations.addAsync(operation, durationNano, durationNano + extraNano)
    // Of an operation that ends too early this one does, too; else its child says it (LIFE-001).
    else if (extraNano <= this.#config.tolerance * 1e6) return
    const isJudged = this.#operations.earlyOf(operation) === Early.async
    this.#tallies.record(facts, Kind.endedBeforeAsyncWork, row, -1, facts.ends.last[row]!, extraNano, isJudged)
  }

  /** A span that came when its trace had left: LIFE-001 and 003 within a process are still told. */
  #late(facts: LifetimeFacts, row: number): void {
    const parent = this.#recent.parentOf(facts, row)
    if (parent < 0 || !isWithin(facts.batch.table.kind(row)) || facts.ends.isDetached(facts, row)) return
    const overrunNano = this.#recent.sinceEndNano(parent, facts, row, Column.end)
    if (overrunNano <= this.#config.tolerance * 1e6) return
    // What starts after its parent may well go on under a context that was kept (CTX-005): one batch does not tell.
    if (this.#recent.sinceEndNano(parent, facts, row, Column.start) > 0) return
    const operation = this.#recent.operationOf(parent)
    this.#tallies.recordLateChild(facts, Kind.outlivesParent, row, operation, overrunNano)
    if (this.#operations.earlyOf(operation) === Early.response || !this.#recent.countOnce(parent)) return
    const durationNano = this.#recent.durationNano(parent)
    if (durationNano + overrunNano >= MIN_RATIO * durationNano)
      this.#operations.addAsync(operation, durationNano, durationNano + overrunNano)
    this.#tallies.recordParentOf(facts, Kind.endedBeforeAsyncWork, row, operation, overrunNano)
  }

  /** A call that another process served: whether its caller went on waiting long after the span had ended. */
  #served(facts: LifetimeFacts, row: number, parent: number): void {
    const { table } = facts.batch
    if (
      !isCall(table.kind(parent), table.kind(row)) ||
      this.#impossible.rows[parent] !== 0 ||
      !facts.comparable(row, parent)
    )
      return
    const operation = facts.operations[row]!
    this.#operations.calls[operation]!++
    const endGapNano = -facts.ends.overrunNano(facts, row, parent)
    const toleranceNano = this.#config.tolerance * 1e6
    if (endGapNano <= toleranceNano) return
    const uncertaintyNano = facts.clockUncertaintyNano(row, parent)
    const startGapNano =
      table.differenceNano(row, Column.start, parent, Column.start) - facts.clockDifferenceNano(row, parent)
    // The way back is taken to be as long as the way there.
    const missingNano = endGapNano - Math.max(0, startGapNano) - uncertaintyNano
    const durationNano = table.durationNano(row)
    const isEarly =
      missingNano > toleranceNano &&
      durationNano + missingNano >= MIN_RATIO * durationNano &&
      endGapNano >= MIN_END_GAP_RATIO * Math.max(0, startGapNano)
    if (!isEarly || callerEnd(table, parent) === CallerEnd.failed) return
    this.#operations.addResponse(operation, durationNano, durationNano + missingNano)
    const isJudged = this.#operations.earlyOf(operation) === Early.response
    if (isJudged) facts.ends.extendTo(row, missingNano, parent)
    this.#tallies.record(facts, Kind.endedBeforeResponse, row, parent, parent, missingNano, isJudged)
  }
}

/** Kinds of spans that are part of what their process does for the parent, not a request of its own. */
function isWithin(kind: number): boolean {
  return kind !== SpanKind.server && kind !== SpanKind.consumer
}
