import type { TraceObserver, Verdicts } from '../../component/trace-rule.ts'
import { markSpan } from '../../findings/mark-span.ts'
import { SpanEdits } from '../../otlp/span-edits.ts'
import { Column, ROW_WORDS, SpanKind } from '../../otlp/span-table.ts'
import type { SpanLifetimeConfig } from './config.ts'
import { EffectiveEnds, HANDOVER_NANO } from './effective-ends.ts'
import { eventOutsideNano } from './event-times.ts'
import { CallerEnd, callerEnd, isCall } from './gave-up.ts'
import type { LatencyMetrics } from './latency-metrics.ts'
import type { LifetimeFacts } from './lifetime-facts.ts'
import { KINDS, Kind } from './lifetime-kinds.ts'
import { type EarlyDurations, type LifetimeSummary, type OperationRow, operationKey } from './lifetime-summary.ts'
import { LogHistogram } from './log-histogram.ts'
import { OccurrenceTallies } from './occurrence-tally.ts'

/** What is missing must be this long, and as long as what is reported: less than half of the work is shown. */
const MIN_MISSING_NANO = 0.1e6
const MIN_RATIO = 2
/** Against a slow network: the wait after the callee's end is that much longer than the one before its start. */
const MIN_END_GAP_RATIO = 4

/** As many spans of an operation start later and later after one parent, over a second at least: a context was kept. */
const REUSED = 3
const REUSED_OVER_NANO = 1e9

/** More than the operations that there can be. */
const OPERATION_STRIDE = 1 << 24

/** What the judge says of an operation: nothing, or for what reason its spans end too early. */
const Early = { no: 0, async: 1, response: 2 } as const

class EarlyTally {
  count = 0
  readonly reported = new LogHistogram()
  readonly effective = new LogHistogram()

  add(reportedNano: number, effectiveNano: number): void {
    this.count++
    this.reported.record(reportedNano)
    this.effective.record(effectiveNano)
  }

  get row(): EarlyDurations {
    return { count: this.count, reported: this.reported.counts, effective: this.effective.counts }
  }
}

/**
 * Looks at each span once, and closer at those that are odd: times that cannot be (LIFE-005), ends after the parent's
 * (LIFE-001, 002, 004, 006), and ends long before the work (LIFE-003), which the judge decides by operation.
 */
export class LifetimeObserver implements TraceObserver<LifetimeFacts, LifetimeSummary> {
  readonly #config: SpanLifetimeConfig
  readonly #latency: LatencyMetrics
  readonly #ends: EffectiveEnds
  readonly #tallies: OccurrenceTallies
  #facts: LifetimeFacts | null = null
  /** By operation. */
  #spans = new Uint32Array(1024)
  #calls = new Uint32Array(1024)
  #early = new Uint8Array(1024)
  #async = new Map<number, EarlyTally>()
  #response = new Map<number, EarlyTally>()
  /** By row: times that cannot be, from which nothing more is read. */
  #impossible = new Uint8Array(1024)
  #verdicts: Verdicts = new Map()
  /** Rows of this batch that start after their parent, by parent and operation, in order of their start. */
  readonly #starters = new Map<number, number[]>()

  constructor(config: SpanLifetimeConfig, evidenceLimit: number, latency: LatencyMetrics) {
    this.#config = config
    this.#latency = latency
    this.#ends = new EffectiveEnds(config)
    this.#tallies = new OccurrenceTallies(config, evidenceLimit)
  }

  observe(facts: LifetimeFacts, nowMs: number): void {
    this.#facts = facts
    this.#reserve(facts)
    this.#readTimes(facts, nowMs)
    this.#ends.compute(facts)
    for (let i = 0; i < this.#ends.overrunCount; i++) this.#overrun(facts, this.#ends.overruns[i]!)
    if (this.#starters.size > 0) this.#startedAfter(facts)
    this.#readDurations(facts)
  }

  takeSummary(): LifetimeSummary {
    const facts = this.#facts
    if (!facts) return { operations: [], occurrences: [] }
    const operations: OperationRow[] = []
    const { all } = facts.registry
    for (let id = 0; id < Math.min(all.length, this.#spans.length); id++) {
      if (this.#spans[id] === 0) continue
      const { service, name } = all[id]!
      operations.push({
        service,
        name,
        spans: this.#spans[id]!,
        calls: this.#calls[id]!,
        async: this.#async.get(id)?.row ?? null,
        response: this.#response.get(id)?.row ?? null,
      })
    }
    this.#spans.fill(0)
    this.#calls.fill(0)
    this.#async = new Map()
    this.#response = new Map()
    return { operations, occurrences: this.#tallies.take(facts) }
  }

  learn(verdicts: Verdicts): void {
    this.#verdicts = verdicts
    this.#early.fill(Early.no)
    if (verdicts.size > 0) for (let id = 0; id < (this.#facts?.registry.all.length ?? 0); id++) this.#learnOf(id)
  }

  #learnOf(id: number): void {
    if (this.#verdicts.size === 0) return
    const { service, name } = this.#facts!.registry.all[id]!
    const cause = this.#verdicts.get(operationKey(service, name))
    if (cause !== undefined) this.#early[id] = cause === 'ended_before_response' ? Early.response : Early.async
  }

  /** LIFE-005, and how many spans each operation has. */
  #readTimes(facts: LifetimeFacts, nowMs: number): void {
    const { table } = facts.batch
    const { words } = table
    const impossible = this.#impossible
    const spans = this.#spans
    const latestStartMs = nowMs + this.#config.future_tolerance
    const maxDurationNano = this.#config.max_duration * 1e6
    for (let row = 0; row < table.count; row++) {
      const at = row * ROW_WORDS
      const startHi = words[at + Column.start]!
      const startLo = words[at + Column.start + 1]!
      const durationNano = (words[at + Column.end]! - startHi) * 4294967296 + (words[at + Column.end + 1]! - startLo)
      spans[facts.operations[row]!]!++
      impossible[row] = 0
      const hasEvents = words[at + Column.meta]! >>> 24 !== 0
      const isOdd =
        durationNano < 0 || durationNano > maxDurationNano || startHi * 4294.967296 + startLo / 1e6 > latestStartMs
      if (isOdd || hasEvents) this.#impossibleTimes(facts, row, durationNano, nowMs)
    }
  }

  #impossibleTimes(facts: LifetimeFacts, row: number, durationNano: number, nowMs: number): void {
    const { table } = facts.batch
    const { future_tolerance, max_duration, tolerance } = this.#config
    const aheadMs = table.timeMs(row, Column.start) - nowMs
    if (durationNano < 0) this.#claim(facts, Kind.endBeforeStart, row, durationNano)
    else if (aheadMs > future_tolerance) this.#claim(facts, Kind.inTheFuture, row, aheadMs * 1e6)
    else if (durationNano > max_duration * 1e6 && table.eventCount(row) === 0)
      this.#claim(facts, Kind.tooLong, row, durationNano)
    else if (table.eventCount(row) > 0) {
      const outsideNano = eventOutsideNano(table, row)
      if (outsideNano > tolerance * 1e6) this.#record(facts, Kind.eventOutside, row, -1, -1, outsideNano)
    }
  }

  #claim(facts: LifetimeFacts, kind: number, row: number, nano: number): void {
    this.#impossible[row] = 1
    this.#record(facts, kind, row, -1, -1, nano)
  }

  /** A span that ends after its parent. */
  #overrun(facts: LifetimeFacts, row: number): void {
    const { table, traces } = facts.batch
    const parent = traces!.parentRow[row]!
    if (this.#impossible[row] !== 0 || this.#impossible[parent] !== 0 || this.#ends.ambiguous[parent] !== 0) return
    const isInside = facts.sameProcess(row, parent)
    const isServed = !isInside && isCall(table.kind(parent), table.kind(row))
    if (isServed && this.#gaveUp(facts, row, parent)) return
    if (!facts.comparable(row, parent)) return
    const kind = table.kind(row)
    // What a consumer does later is no part of what the producer did.
    if (kind === SpanKind.consumer || table.kind(parent) === SpanKind.producer) return
    if (this.#ends.isDetached(facts, row)) return
    const toleranceNano = this.#config.tolerance * 1e6 + facts.clockUncertaintyNano(row, parent)
    const overrunNano = this.#ends.overrunNano(facts, row, parent)
    if (overrunNano <= toleranceNano) return
    const gapNano = table.differenceNano(row, Column.start, parent, Column.end) - facts.clockDifferenceNano(row, parent)
    const isAfter = gapNano > toleranceNano - this.#config.tolerance * 1e6
    if (isAfter) {
      if (!this.#followsParent(facts, row, parent, gapNano)) this.#startsAfter(facts, row, parent)
      return
    }
    const outlives = isServed ? Kind.outlivesCaller : Kind.outlivesParent
    this.#record(facts, outlives, row, parent, parent, overrunNano, !this.#isOutranked(facts, parent))
  }

  /** A parent that ends too early, as a rule, is the finding; the judge knows it too. */
  #isOutranked(facts: LifetimeFacts, parent: number): boolean {
    return this.#early[facts.operations[parent]!] === Early.async
  }

  #startsAfter(facts: LifetimeFacts, row: number, parent: number): void {
    const key = parent * OPERATION_STRIDE + facts.operations[row]!
    const rows = this.#starters.get(key)
    if (rows) rows.push(row)
    else this.#starters.set(key, [row])
  }

  /**
   * LIFE-002, once all spans that start after their parent are known: where many of one operation do, again and again, a
   * loop keeps a context that it should not (CTX-005), and none of them was handed over.
   */
  #startedAfter(facts: LifetimeFacts): void {
    const { table, traces } = facts.batch
    for (const rows of this.#starters.values()) {
      const spreadNano = table.differenceNano(rows.at(-1)!, Column.start, rows[0]!, Column.start)
      if (rows.length >= REUSED && spreadNano >= REUSED_OVER_NANO) continue
      for (const row of rows) {
        const parent = traces!.parentRow[row]!
        const gapNano =
          table.differenceNano(row, Column.start, parent, Column.end) - facts.clockDifferenceNano(row, parent)
        this.#record(facts, Kind.startsAfterParent, row, parent, parent, gapNano, !this.#isOutranked(facts, parent))
      }
    }
    this.#starters.clear()
  }

  /**
   * Whether a span looks like the next step after the one that it names as its parent: it starts at once, and their common
   * grandparent waits for it. Then the parent is wrong (CTX-005), and nothing ended too early.
   */
  #followsParent(facts: LifetimeFacts, row: number, parent: number, gapNano: number): boolean {
    const { table, traces } = facts.batch
    const grandparent = traces!.parentRow[parent]!
    return (
      gapNano < HANDOVER_NANO &&
      grandparent >= 0 &&
      facts.sameProcess(row, grandparent) &&
      table.differenceNano(row, Column.end, grandparent, Column.end) <= 0
    )
  }

  /** LIFE-004 and 006: whether the caller had given up. */
  #gaveUp(facts: LifetimeFacts, row: number, parent: number): boolean {
    const { table } = facts.batch
    const end = callerEnd(table, parent)
    const isComparable = facts.comparable(row, parent)
    const toleranceNano = this.#config.tolerance * 1e6 + facts.clockUncertaintyNano(row, parent)
    // Without a common clock: a callee began after its caller, so it outlived it by what it lasted longer at least.
    const overrunNano = isComparable
      ? this.#ends.overrunNano(facts, row, parent)
      : table.durationNano(row) - table.durationNano(parent)
    if (overrunNano <= toleranceNano) return false
    const startsAfter =
      isComparable &&
      table.differenceNano(row, Column.start, parent, Column.end) - facts.clockDifferenceNano(row, parent) >
        facts.clockUncertaintyNano(row, parent)
    if (end === CallerEnd.answered && !startsAfter) return false
    const isIgnored = end === CallerEnd.failed && overrunNano > this.#config.cancel_grace * 1e6
    const kind = isIgnored ? Kind.cancellationIgnored : Kind.callerGaveUp
    this.#record(facts, kind, row, parent, parent, overrunNano)
    this.#latency.overran(facts, row, overrunNano / 1e9)
    return true
  }

  /** Effective latencies, and LIFE-003. */
  #readDurations(facts: LifetimeFacts): void {
    const { table, traces } = facts.batch
    const { words } = table
    const parentRow = traces!.parentRow
    const { extra } = this.#ends
    const { operations } = facts
    for (let row = 0; row < table.count; row++) {
      if (this.#impossible[row] !== 0) continue
      const at = row * ROW_WORDS
      const parent = parentRow[row]!
      if (parent >= 0 && words[at + Column.resource] !== words[parent * ROW_WORDS + Column.resource])
        this.#served(facts, row, parent)
      const durationNano =
        (words[at + Column.end]! - words[at + Column.start]!) * 4294967296 +
        (words[at + Column.end + 1]! - words[at + Column.start + 1]!)
      const extraNano = extra[row]!
      if (extraNano >= MIN_MISSING_NANO) this.#endedEarly(facts, row, durationNano, extraNano)
      this.#latency.record(facts, operations[row]!, durationNano / 1e9, (durationNano + extraNano) / 1e9)
    }
  }

  #endedEarly(facts: LifetimeFacts, row: number, durationNano: number, extraNano: number): void {
    const { batch } = facts
    // By the clock that the span leaves with.
    const shiftNano = this.#config.clock_correction === 'rewrite' ? facts.appliedOffsetNano(row) : 0
    const effectiveEnd = batch.table.timeUnixNano(row, Column.end) + BigInt(Math.round(extraNano - shiftNano))
    batch.edits ??= new SpanEdits(batch.table)
    batch.edits.appendInt(row, 'blindspot.effective.end_time', effectiveEnd)
    const operation = facts.operations[row]!
    if (this.#early[operation] === Early.response) return
    if (durationNano + extraNano >= MIN_RATIO * durationNano)
      tallyOf(this.#async, operation).add(durationNano, durationNano + extraNano)
    // Of an operation that ends too early this one does, too; else its child says it (LIFE-001).
    else if (extraNano <= this.#config.tolerance * 1e6) return
    const isJudged = this.#early[operation] === Early.async
    this.#record(facts, Kind.endedBeforeAsyncWork, row, -1, this.#ends.last[row]!, extraNano, isJudged)
  }

  /** A call that another process served: whether its caller went on waiting long after the span had ended. */
  #served(facts: LifetimeFacts, row: number, parent: number): void {
    const { table } = facts.batch
    if (
      !isCall(table.kind(parent), table.kind(row)) ||
      this.#impossible[parent] !== 0 ||
      !facts.comparable(row, parent)
    )
      return
    const operation = facts.operations[row]!
    this.#calls[operation]!++
    const endGapNano = -this.#ends.overrunNano(facts, row, parent)
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
    tallyOf(this.#response, operation).add(durationNano, durationNano + missingNano)
    const isJudged = this.#early[operation] === Early.response
    if (isJudged) this.#ends.extendTo(row, missingNano, parent)
    this.#record(facts, Kind.endedBeforeResponse, row, parent, parent, missingNano, isJudged)
  }

  #record(
    facts: LifetimeFacts,
    kind: number,
    row: number,
    parent: number,
    related: number,
    nano: number,
    isMarked = true,
  ): void {
    this.#tallies.add(facts, kind, row, parent, related, nano)
    if (isMarked) markSpan(facts.batch, row, KINDS[kind]!.rule, KINDS[kind]!.cause)
  }

  #reserve(facts: LifetimeFacts): void {
    const { count } = facts.batch.table
    if (count > this.#impossible.length) this.#impossible = new Uint8Array(Math.max(count, this.#impossible.length * 2))
    const operations = facts.registry.all.length
    const before = this.#spans.length
    if (operations <= before) return
    const size = Math.max(operations, before * 2)
    this.#spans = widened(this.#spans, new Uint32Array(size))
    this.#calls = widened(this.#calls, new Uint32Array(size))
    this.#early = widened(this.#early, new Uint8Array(size))
  }
}

function widened<T extends Uint32Array | Uint8Array>(values: T, wider: T): T {
  wider.set(values)
  return wider
}

function tallyOf(tallies: Map<number, EarlyTally>, operation: number): EarlyTally {
  let tally = tallies.get(operation)
  if (!tally) {
    tally = new EarlyTally()
    tallies.set(operation, tally)
  }
  return tally
}
