import { EarliestEvidence } from '../../../component/evidence.ts'
import { noCounts } from '../../../component/shard-counts.ts'
import type { TraceObserver, TraceRule, Verdicts } from '../../../component/trace-rule.ts'
import { hexOf } from '../../../otlp/hex.ts'
import type { Operation, Operations } from '../../../otlp/operations.ts'
import { Column, ROW_WORDS, SpanFlag, type SpanTable } from '../../../otlp/span-table.ts'
import { Parent, TraceState } from '../../../otlp/trace-index.ts'
import { widened } from '../../../otlp/widened.ts'
import { AwaitedParents } from '../awaited-parents.ts'
import { type CallFacts, Role } from '../call-facts.ts'
import type { ContextPropagationConfig } from '../config.ts'
import { callOfOrphan } from './bridged-orphan.ts'
import { GivenUpParents } from './given-up-parents.ts'
import { OrphanJudge } from './orphan-judge.ts'
import { evidenceKey, type OrphanRow, type OrphanSummary, RULE } from './orphan-summary.ts'
import { OrphanTraffic, type OrphanTrafficRow } from './orphan-traffic.ts'

/** Late parents named in one summary, to drop evidence; the count is exact whatever their number. */
const MAX_LATE_PARENTS = 1000

/**
 * CTX-001 orphan_span: the parent id of a span is not in its trace when the window closes, nor comes within the grace
 * for late spans. Assumes that a trace that was seen in part by nature (after a start, under memory pressure) is marked
 * `unknown` by the window. A parent id that passed with an earlier piece of the trace is not missing.
 */
export function orphanSpan(
  config: ContextPropagationConfig,
  evidenceLimit: number,
): TraceRule<CallFacts, OrphanSummary> {
  return {
    rules: [RULE],
    createObserver: () => new OrphanObserver(config, evidenceLimit),
    createJudge: () => new OrphanJudge(config, evidenceLimit),
  }
}

interface Tally {
  orphans: number
  retracted: number
  belated: number
  readonly lateParents: string[]
  confirmed: number
  disproved: number
  localParents: number
  looksCut: number
  between: number
  within: number
  alone: number
  beside: number
  apart: number
  firstUnixNano: bigint
  lastUnixNano: bigint
  readonly evidence: EarliestEvidence
}

class OrphanObserver implements TraceObserver<CallFacts, OrphanSummary> {
  readonly #config: ContextPropagationConfig
  readonly #evidenceLimit: number
  readonly #awaited: AwaitedParents
  readonly #givenUp: GivenUpParents
  /** By operation id: spans with a parent since the last summary. */
  #withParent = new Uint32Array(1024)
  /** By operation id: whether work enters the service there, and the service that called it last + 1. */
  #isEntry = new Uint8Array(1024)
  #callerOf = new Uint32Array(1024)
  readonly #traffic: OrphanTraffic
  readonly #tallies = new Map<number, Tally>()
  #facts: CallFacts | null = null
  #verdicts: Verdicts = new Map()

  constructor(config: ContextPropagationConfig, evidenceLimit: number) {
    this.#config = config
    this.#evidenceLimit = evidenceLimit
    this.#awaited = new AwaitedParents(config.max_awaited_parents)
    this.#givenUp = new GivenUpParents(config.longest_parent)
    this.#traffic = new OrphanTraffic(config.match_tolerance)
  }

  observe(facts: CallFacts, nowMs: number): void {
    const { table, traces } = facts.batch
    const { traceCount, firstRow, parentRow, state } = traces!
    this.#facts = facts
    this.#reserve(facts.registry.all.length)
    const latestStart = this.#givenUp.latestStart(nowMs, this.#config.late_grace)
    for (let trace = 0; trace < traceCount; trace++) {
      const traceState = state[trace]!
      const end = firstRow[trace + 1]!
      this.#traffic.nextTrace()
      for (let row = firstRow[trace]!; row < end; row++) {
        const parent = parentRow[row]!
        const at = row * ROW_WORDS
        if (traceState === TraceState.late) this.#retract(table.words, at, at + Column.spanId, nowMs)
        if (table.words[at + Column.start]! <= latestStart) this.#disprove(table, row, nowMs)
        if (parent === Parent.none) continue
        const operation = facts.operations[row]!
        // Whether spans of unknown traces miss their parents is not asked, so they are none of those that could.
        if (traceState !== TraceState.unknown) this.#withParent[operation]!++
        if ((facts.roles[row]! & Role.entry) !== 0) {
          this.#isEntry[operation] = 1
          if (parent >= 0) this.#callerOf[operation] = facts.serviceOf(parent) + 1
        }
        if (traceState === TraceState.unknown) continue
        if (parent !== Parent.missing) {
          if (this.#traffic.isArmed(operation, nowMs)) this.#traffic.whole(facts, row, parent)
          continue
        }
        if (!this.#mayComeFromElsewhere(facts, row, firstRow[trace]!, end) && facts.claim(row, RULE))
          this.#orphan(facts, row, firstRow[trace]!, end, nowMs)
      }
    }
  }

  takeSummary(nowMs: number): OrphanSummary {
    const facts = this.#facts
    if (!facts) return { entries: noCounts(), inner: noCounts(), entriesOf: noCounts(), orphaned: [] }
    this.#retractFound(facts, nowMs)
    const { late_grace, longest_parent } = this.#config
    const confirm = (operation: number, words: Uint32Array, traceAt: number) => {
      this.#tally(operation).confirmed++
      this.#givenUp.add(words, traceAt, traceAt + 4, operation, nowMs)
    }
    this.#awaited.expire(nowMs - late_grace, confirm, nowMs - longest_parent)
    const { all } = facts.registry
    const traffic = this.#traffic.take(facts)
    const ids = [...new Set([...this.#tallies.keys(), ...traffic.keys()])].sort((a, b) => a - b)
    const orphaned = ids.map((id) => rowOf(all[id]!, this.#isEntry[id] === 1, this.#tallies.get(id), traffic.get(id)))
    this.#tallies.clear()
    return { ...this.#takeWithParent(facts.registry), orphaned }
  }

  #takeWithParent({ shard, all, keys, serviceNames }: Operations) {
    const entries = new Uint32Array(all.length)
    const inner = new Uint32Array(all.length)
    const entriesOf = new Uint32Array(serviceNames.length)
    for (let id = 0; id < all.length; id++) {
      const count = this.#withParent[id]!
      if (count === 0) continue
      if (this.#isEntry[id] === 1) {
        entries[id] = count
        entriesOf[all[id]!.serviceId]! += count
      } else inner[id] = count
    }
    this.#withParent.fill(0)
    return {
      entries: { shard, keys, counts: entries },
      inner: { shard, keys, counts: inner },
      entriesOf: { shard, keys: serviceNames, counts: entriesOf },
    }
  }

  learn(verdicts: Verdicts): void {
    this.#verdicts = verdicts
  }

  #orphan(facts: CallFacts, row: number, traceFirst: number, traceEnd: number, nowMs: number): void {
    const { table } = facts.batch
    const id = facts.operations[row]!
    const tally = this.#tally(id)
    const startUnixNano = table.timeUnixNano(row, Column.start)
    tally.orphans++
    if (tally.firstUnixNano === 0n || startUnixNano < tally.firstUnixNano) tally.firstUnixNano = startUnixNano
    if (startUnixNano > tally.lastUnixNano) tally.lastUnixNano = startUnixNano
    const flags = table.get(row, Column.flags)
    if ((flags & (SpanFlag.hasIsRemote | SpanFlag.isRemote)) === SpanFlag.hasIsRemote) tally.localParents++
    const missing = facts.missingParents.get(row)
    if (missing !== undefined && missing !== 'behind') tally[missing]++
    this.#traffic.orphan(facts, row, traceFirst, traceEnd, this.#callerOf[id]! - 1, nowMs)
    if (tally.evidence.wants(startUnixNano))
      tally.evidence.add(startUnixNano, {
        kind: 'span',
        traceId: table.traceIdHex(row),
        spanId: table.spanIdHex(row),
        relatedSpanId: table.parentIdHex(row),
        values: {},
      })
    const at = row * ROW_WORDS
    this.#awaited.add(table.words, at, at + Column.parentId, id, nowMs)
    if (facts.looksCut(row)) tally.looksCut++
    else facts.mark(row, RULE, this.#verdicts.get(facts.registry.all[id]!.key) ?? 'undetermined')
  }

  /** Where some services send their spans elsewhere, what entered from outside may be theirs unless its call is here. */
  #mayComeFromElsewhere(facts: CallFacts, row: number, traceFirst: number, traceEnd: number): boolean {
    const { expected_elsewhere, match_tolerance } = this.#config
    if (expected_elsewhere.length === 0 || (facts.roles[row]! & Role.entry) === 0) return false
    return callOfOrphan(facts, row, traceFirst, traceEnd, match_tolerance * 1e6) < 0
  }

  /** Parents that have been found under another trace id. */
  #retractFound({ foundParents }: CallFacts, nowMs: number): void {
    if (foundParents.length === 0) return
    const words = Uint32Array.from(foundParents)
    for (let at = 0; at < words.length; at += 6) this.#retract(words, at, at + 4, nowMs)
    foundParents.length = 0
  }

  /** A parent that came after all, its trace id at `at` and its span id at `spanAt`: whatever waited for it is no orphan. */
  #retract(words: Uint32Array, at: number, spanAt: number, nowMs: number): void {
    for (;;) {
      const operation = this.#awaited.takeArrived(words, at, spanAt)
      if (operation < 0) return
      const tally = this.#tally(operation)
      tally.retracted++
      if (nowMs - this.#awaited.takenSinceMs >= this.#config.provisional_after) tally.belated++
      if (tally.lateParents.length < MAX_LATE_PARENTS)
        tally.lateParents.push(evidenceKey(hexOf(words, at, 4), hexOf(words, spanAt, 2)))
    }
  }

  /** A span of long ago: orphans that have been confirmed may have been its children. */
  #disprove({ words }: SpanTable, row: number, nowMs: number): void {
    const at = row * ROW_WORDS
    for (;;) {
      const operation = this.#givenUp.takeArrived(words, at, at + Column.spanId, nowMs)
      if (operation < 0) return
      const tally = this.#tally(operation)
      tally.disproved += this.#givenUp.takenOrphans
      if (tally.lateParents.length < MAX_LATE_PARENTS)
        tally.lateParents.push(evidenceKey(hexOf(words, at, 4), hexOf(words, at + Column.spanId, 2)))
    }
  }

  #tally(operation: number): Tally {
    let tally = this.#tallies.get(operation)
    if (!tally) {
      tally = {
        orphans: 0,
        retracted: 0,
        belated: 0,
        lateParents: [],
        confirmed: 0,
        disproved: 0,
        localParents: 0,
        looksCut: 0,
        between: 0,
        within: 0,
        alone: 0,
        beside: 0,
        apart: 0,
        firstUnixNano: 0n,
        lastUnixNano: 0n,
        evidence: new EarliestEvidence(this.#evidenceLimit),
      }
      this.#tallies.set(operation, tally)
    }
    return tally
  }

  #reserve(operations: number): void {
    if (operations <= this.#withParent.length) return
    this.#withParent = widened(this.#withParent, operations)
    this.#traffic.reserve(this.#withParent.length)
    this.#isEntry = widened(this.#isEntry, operations)
    this.#callerOf = widened(this.#callerOf, operations)
  }
}

function rowOf(
  operation: Operation,
  entry: boolean,
  tally: Tally | undefined,
  traffic: OrphanTrafficRow | undefined,
): OrphanRow {
  const { key, service, name, kind } = operation
  return {
    key,
    service,
    name,
    kind,
    entry,
    orphans: tally?.orphans ?? 0,
    retracted: tally?.retracted ?? 0,
    belated: tally?.belated ?? 0,
    lateParents: tally?.lateParents ?? [],
    confirmed: tally?.confirmed ?? 0,
    disproved: tally?.disproved ?? 0,
    localParents: tally?.localParents ?? 0,
    looksCut: tally?.looksCut ?? 0,
    between: tally?.between ?? 0,
    within: tally?.within ?? 0,
    alone: tally?.alone ?? 0,
    beside: tally?.beside ?? 0,
    apart: tally?.apart ?? 0,
    slices: traffic?.slices ?? [],
    contexts: traffic?.contexts ?? [],
    instances: traffic?.instances ?? [],
    firstUnixNano: tally?.firstUnixNano ?? 0n,
    lastUnixNano: tally?.lastUnixNano ?? 0n,
    evidence: tally?.evidence.take() ?? [],
  }
}
