import { boundaryOf } from '../../../component/boundary.ts'
import type { Boundary } from '../../../component/finding.ts'
import { PairTally } from '../../../component/pair-tally.ts'
import { rpcNameOf } from '../../../component/rpc-name.ts'
import type { TraceObserver, TraceRule, Verdicts } from '../../../component/trace-rule.ts'
import { attributeKey, stringAttribute } from '../../../otlp/attributes.ts'
import type { Operations } from '../../../otlp/operations.ts'
import { Column, SpanKind } from '../../../otlp/span-table.ts'
import { Parent, TraceState } from '../../../otlp/trace-index.ts'
import { widened } from '../../../otlp/widened.ts'
import { type CallFacts, Role } from '../call-facts.ts'
import type { ContextPropagationConfig } from '../config.ts'
import { Peers } from '../peers.ts'
import { CallIds } from './call-ids.ts'
import { CallSamples } from './call-samples.ts'
import type { CallTraffic } from './call-traffic.ts'
import { ContextLostJudge } from './context-lost-judge.ts'
import {
  type CallSummary,
  type EntryColumns,
  type EntryKind,
  type ExitColumns,
  type ExitKind,
  exitKey,
  RULE,
  wantedTopics,
} from './context-lost-summary.ts'

/**
 * CTX-002 context_lost_between_services: entry spans of a callee are roots without a link while the caller's exit spans
 * for them have no child. The two sides share no id, so what each side saw is counted here and matched in the judge.
 * Assumes that a root with a link is a new trace by design. A call and its answer may be in two pieces of their trace.
 */
export function contextLost(
  config: ContextPropagationConfig,
  evidenceLimit: number,
  traffic: CallTraffic,
): TraceRule<CallFacts, CallSummary> {
  return {
    rules: [RULE],
    createObserver: () => new ContextLostObserver(config),
    createJudge: () => new ContextLostJudge(config, evidenceLimit, traffic),
  }
}

/** What is taken from the first span of an operation for all of them. */
interface Traits {
  readonly boundary: Boundary
  readonly scope: string
  readonly destination: string
  readonly rpc: string | null
}

/** `messaging.source.name` is what consumers said until semantic conventions 1.25, kotel still does. */
const DESTINATION_KEYS = ['messaging.destination.name', 'messaging.destination', 'messaging.source.name'].map(
  attributeKey,
)

class ContextLostObserver implements TraceObserver<CallFacts, CallSummary> {
  readonly #peers: Peers
  /** Exit groups are an operation with a peer; interned through `#peers`. */
  #exits = new Counts()
  #entries = new Counts()
  /** Exit group and operation of the callee, for answered calls. */
  readonly #answers = new PairTally()
  /** By operation, entries whose call had left before and counts as unanswered. */
  readonly #lateAnswers = new Map<number, number>()
  /** By exit group, calls in late pieces whose answer may have come before. */
  readonly #lateExits = new Map<number, number>()
  readonly #answeredApart: CallIds
  readonly #exitSamples: CallSamples
  readonly #rootSamples: CallSamples
  readonly #messageSamples: CallSamples
  readonly #traits: (Traits | undefined)[] = []
  /** By exit group, and by operation. */
  readonly #exitKinds: (ExitKind | undefined)[] = []
  readonly #entryKinds: (EntryKind | undefined)[] = []
  /** Exit group + 1 by row of the batch that is being read: a call and its answer both ask for it. */
  #groups = new Int32Array(1024)
  #registry: Operations | null = null
  #verdicts: Verdicts = new Map()
  #topics: ReadonlySet<string> = new Set()

  constructor(config: ContextPropagationConfig) {
    this.#peers = new Peers(config.max_operations)
    this.#exitSamples = new CallSamples(config.max_samples)
    this.#rootSamples = new CallSamples(config.max_samples)
    this.#messageSamples = new CallSamples(config.max_samples)
    this.#answeredApart = new CallIds(config.max_samples)
  }

  observe(facts: CallFacts, _nowMs: number): void {
    this.#registry = facts.registry
    const { table, traces } = facts.batch
    const { traceCount, firstRow, state } = traces!
    if (table.count > this.#groups.length) this.#groups = new Int32Array(Math.max(table.count, this.#groups.length * 2))
    this.#peers.groupsOf(facts, Role.exit, this.#groups)
    for (let trace = 0; trace < traceCount; trace++) {
      const isLate = state[trace] === TraceState.late
      const isKnown = state[trace] !== TraceState.unknown
      const end = firstRow[trace + 1]!
      for (let row = firstRow[trace]!; row < end; row++) {
        const role = facts.roles[row]!
        if ((role & Role.entry) !== 0) this.#entry(facts, row, role)
        const exits = (role & Role.exit) !== 0
        // Without kinds, a span without children may be a call whose callee was lost, unless it is where work entered.
        const mayExit =
          !exits &&
          (role & (Role.leaf | Role.root | Role.entry)) === Role.leaf &&
          table.kind(row) === SpanKind.unspecified
        if (isKnown && (exits || mayExit)) this.#exit(facts, row, role, isLate, trace)
      }
    }
  }

  takeSummary(): CallSummary {
    const answers = this.#takeAnswers()
    const exits = this.#takeExits()
    const entries = this.#takeEntries()
    return {
      shard: this.#registry?.shard ?? '',
      exits,
      entries,
      answers,
      exitSamples: this.#exitSamples.take((group) => exits.kinds[group]!.key),
      rootSamples: this.#rootSamples.take((operation) => entries.kinds[operation]!.key),
      messageSamples: this.#messageSamples.take((group) => exits.kinds[group]!.key),
      answeredApart: this.#answeredApart.take(),
      share: Math.min(this.#exitSamples.share, this.#rootSamples.share, this.#messageSamples.share),
    }
  }

  /** Calls of traces of which nothing is known are no exits, though they may have an answer. */
  #takeAnswers(): Uint32Array {
    const answers = this.#answers.take()
    let kept = 0
    for (let i = 0; i < answers.length; i += 3) {
      if (this.#exits.of(answers[i]!) === 0) continue
      answers.copyWithin(kept, i, i + 3)
      kept += 3
    }
    return answers.subarray(0, kept)
  }

  #takeExits(): ExitColumns {
    const { total, lost } = this.#exits.take()
    const late = new Uint32Array(total.length)
    for (const [group, count] of this.#lateExits) late[group] = count
    this.#lateExits.clear()
    for (let group = 0; group < total.length; group++)
      if (total[group] !== 0) this.#exitKinds[group] ??= this.#exitKind(group)
    return { kinds: this.#exitKinds, calls: total, unanswered: lost, late }
  }

  #takeEntries(): EntryColumns {
    const { total, lost } = this.#entries.take()
    const lateAnswers = new Uint32Array(total.length)
    for (const [operation, count] of this.#lateAnswers) lateAnswers[operation] = count
    this.#lateAnswers.clear()
    for (let operation = 0; operation < total.length; operation++)
      if (total[operation] !== 0) this.#entryKinds[operation] ??= this.#entryKind(operation)
    return { kinds: this.#entryKinds, calls: total, roots: lost, lateAnswers }
  }

  #exitKind(group: number): ExitKind {
    const operation = this.#peers.operationOf(group)
    const { service, name } = this.#registry!.all[operation]!
    const { boundary, scope } = this.#traits[operation]!
    const peer = this.#peers.peerOf(group)
    return { key: exitKey(service, name, peer), service, name, peer, boundary, scope }
  }

  #entryKind(operation: number): EntryKind {
    const { key, service, name } = this.#registry!.all[operation]!
    return { key, service, name, ...this.#traits[operation]! }
  }

  learn(verdicts: Verdicts): void {
    this.#verdicts = verdicts
    this.#topics = wantedTopics(verdicts)
  }

  #entry(facts: CallFacts, row: number, role: number): void {
    const { table, traces } = facts.batch
    const operation = facts.operations[row]!
    const isLost = (role & Role.root) !== 0 && table.linkCount(row) === 0
    this.#learnTraits(facts, row, operation)
    this.#entries.add(operation, isLost)
    if (!isLost) {
      const parent = traces!.parentRow[row]!
      if (parent >= 0) this.#answers.count(this.#groupOf(facts, parent), operation)
      else this.#answeredApart.add(table, row)
      if (parent === Parent.passed) this.#lateAnswers.set(operation, (this.#lateAnswers.get(operation) ?? 0) + 1)
      return
    }
    // Without the copies of spans that came twice.
    if (facts.claimed[row] === 0) this.#rootSamples.add(operation, table, row)
    if (this.#verdicts.size === 0) return
    const cause = this.#verdicts.get(facts.registry.all[operation]!.key)
    if (cause !== undefined && facts.claim(row, RULE)) facts.mark(row, RULE, cause)
  }

  #exit(facts: CallFacts, row: number, role: number, isLate: boolean, trace: number): void {
    const { table } = facts.batch
    const operation = facts.operations[row]!
    const group = this.#groupOf(facts, row)
    this.#learnTraits(facts, row, operation)
    const isUnanswered = (role & Role.answered) === 0
    this.#exits.add(group, isUnanswered)
    if (this.#topics.size > 0 && this.#traits[operation]!.boundary === 'messaging')
      if (this.#topics.has(this.#peers.peerOf(group))) this.#messageSamples.add(group, table, row)
    if (!isUnanswered) return
    this.#exitSamples.add(group, table, (role & Role.leaf) !== 0 ? row : lastAttempt(facts, row, trace))
    if (isLate) this.#lateExits.set(group, (this.#lateExits.get(group) ?? 0) + 1)
  }

  #groupOf(facts: CallFacts, row: number): number {
    const known = this.#groups[row]!
    if (known !== 0) return known - 1
    const group = this.#peers.groupOf(facts.batch.table, row, facts.operations[row]!)
    this.#groups[row] = group + 1
    return group
  }

  #learnTraits({ batch: { table }, registry }: CallFacts, row: number, operation: number): void {
    if (this.#traits[operation] !== undefined) return
    let destination: string | null = null
    for (const key of DESTINATION_KEYS) destination ??= stringAttribute(table, row, key)
    this.#traits[operation] = {
      boundary: boundaryOf(table, row),
      scope: table.scopeOf(row).name,
      destination: destination ?? '',
      rpc: rpcNameOf(registry.all[operation]!.name),
    }
  }
}

/** Of clients that have a span for each attempt at a call, the one whose id the callee was given; the call itself of others. */
function lastAttempt(facts: CallFacts, call: number, trace: number): number {
  const { table, traces } = facts.batch
  const { firstRow, parentRow } = traces!
  if (table.kind(call) !== SpanKind.client) return call
  let last = call
  for (let row = firstRow[trace]!; row < firstRow[trace + 1]!; row++) {
    if (parentRow[row] !== call || table.kind(row) !== SpanKind.internal) continue
    if (last === call || table.differenceNano(row, Column.start, last, Column.start) > 0) last = row
  }
  return last
}

/** How often something happened, and how often of these the other side was lost, by small number. */
class Counts {
  #total = new Uint32Array(1024)
  #lost = new Uint32Array(1024)
  #used = 0

  add(id: number, isLost: boolean): void {
    if (id >= this.#total.length) this.#grow(id)
    if (id >= this.#used) this.#used = id + 1
    this.#total[id]!++
    if (isLost) this.#lost[id]!++
  }

  of(id: number): number {
    return id < this.#used ? this.#total[id]! : 0
  }

  /** By number; begins anew. */
  take(): { total: Uint32Array; lost: Uint32Array } {
    const total = this.#total.slice(0, this.#used)
    const lost = this.#lost.slice(0, this.#used)
    this.#total.fill(0, 0, this.#used)
    this.#lost.fill(0, 0, this.#used)
    this.#used = 0
    return { total, lost }
  }

  #grow(id: number): void {
    this.#total = widened(this.#total, id + 1)
    this.#lost = widened(this.#lost, id + 1)
  }
}
