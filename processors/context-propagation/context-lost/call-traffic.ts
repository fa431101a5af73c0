import type { Boundary, EdgeRow } from '../../../component/finding.ts'
import { PairTally } from '../../../component/pair-tally.ts'
import { rpcNameOf } from '../../../component/rpc-name.ts'
import { UNPLACED } from '../../../component/shard-counts.ts'
import { type KnownEntry, type KnownExit, serviceNameOf } from '../callee-match.ts'
import { RecentCounts, SLICES } from '../recent-counts.ts'
import type { CallSummary, EntryKind, ExitKind } from './context-lost-summary.ts'
import { ExitIndex } from './exit-index.ts'

/** Calls of one exit that one operation of the callee answered. */
export interface AnsweredCalls {
  calls: number
  readonly edge: CallEdge
  /** Of the edge; here so that counting a call need not look at it. */
  readonly edgeKey: string
  /** Its place among the recent edges. */
  recent: number
}

/** `recent` is its place among the recent exits. */
export interface JudgedExit extends KnownExit {
  readonly answeredBy: Map<string, AnsweredCalls[]>
  readonly rpc: string | null
  recent: number
}

/** Its places among the recent entries, and among the services whose answers hang elsewhere. */
export interface JudgedEntry extends KnownEntry {
  recent: number
  lostAnswers: number
}

/** A pair of services and what is known of the calls between them. */
export class CallEdge {
  readonly key: string
  readonly from: string
  readonly to: string
  readonly boundary: Boundary
  lost = 0
  readonly answered: AnsweredCalls[] = []

  constructor(key: string, from: string, to: string, boundary: Boundary) {
    this.key = key
    this.from = from
    this.to = to
    this.boundary = boundary
  }

  get connected(): number {
    let calls = 0
    for (const answered of this.answered) calls += answered.calls
    return calls
  }
}

/** What the numbers of a shard stand for, so that what comes again is looked up by name no more. */
class ShardNumbers {
  readonly exits: (JudgedExit | undefined)[] = []
  readonly entries: (JudgedEntry | undefined)[] = []
  readonly answered: AnsweredCalls[] = []
  /** By exit and entry, the place in `answered` + 1. */
  readonly pairs = new PairTally()
}

/** Who calls whom, how often, and how often of late: all exits, entries and edges of all shards. */
export class CallTraffic {
  /** When calls came last. */
  lastMs = 0
  readonly exits: JudgedExit[] = []
  readonly entries = new Map<string, JudgedEntry>()
  readonly edges = new Map<string, CallEdge>()
  readonly index = new ExitIndex<JudgedExit>()
  /** Services by the RPCs that they serve. */
  readonly servers = new Map<string, string>()
  /** The same by what the RPCs belong to, as `shop.Cart` of `shop.Cart/Get`. */
  readonly interfaces = new Map<string, string>()
  /** Services that work was seen to enter, as serviceNameOf names them, and topics by which it came. */
  readonly services = new Set<string>()
  readonly topics = new Set<string>()
  /** Of the last minute. By edge: connected and lost calls. By entry: those with and without context. */
  readonly recentEdges: RecentCounts
  readonly recentEntries: RecentCounts
  /** By exit: calls, and those without an answer. */
  readonly recentExits: RecentCounts
  /**
   * By service, answers that are here but not below their call; a slice longer than the calls, which are only known to be
   * unanswered when their trace has waited, so that no call is left when its answer has just faded.
   */
  readonly recentLostAnswers: RecentCounts
  readonly #limit: number
  readonly #exitsByKey = new Map<string, JudgedExit>()
  readonly #shards = new Map<string, ShardNumbers>()

  constructor(limit: number) {
    this.#limit = limit
    this.recentEdges = new RecentCounts(limit)
    this.recentEntries = new RecentCounts(limit)
    this.recentExits = new RecentCounts(limit)
    this.recentLostAnswers = new RecentCounts(limit, SLICES + 1)
  }

  takeIn(summary: CallSummary, nowMs: number): void {
    let shard = this.#shards.get(summary.shard)
    if (!shard) {
      shard = new ShardNumbers()
      this.#shards.set(summary.shard, shard)
    }
    this.#addExits(summary.exits, shard, nowMs)
    this.#addAnswers(summary, shard, nowMs)
    this.#addEntries(summary.entries, shard, nowMs)
  }

  exitOf(key: string): JudgedExit {
    return this.#exitsByKey.get(key)!
  }

  knownExit(key: string): JudgedExit | undefined {
    return this.#exitsByKey.get(key)
  }

  /** Made where there is none. */
  edge(from: string, to: string, boundary: Boundary): CallEdge {
    const key = `${from}\0${to}\0${boundary}`
    let edge = this.edges.get(key)
    if (!edge) {
      edge = new CallEdge(key, from, to, boundary)
      this.edges.set(key, edge)
    }
    return edge
  }

  rows(): readonly EdgeRow[] {
    return [...this.edges.values()].map(({ from, to, boundary, connected, lost }) => ({
      from,
      to,
      boundary,
      calls: connected + lost,
      connected,
    }))
  }

  #addExits({ kinds, calls, unanswered, late }: CallSummary['exits'], shard: ShardNumbers, nowMs: number): void {
    for (let number = 0; number < calls.length; number++) {
      if (calls[number] === 0) continue
      this.lastMs = nowMs
      const exit = shard.exits[number] ?? this.#knownExit(kinds[number]!)
      shard.exits[number] = exit
      exit.total += calls[number]!
      exit.unanswered += unanswered[number]!
      if (exit.boundary === 'messaging') continue
      const known = calls[number]! - late[number]!
      const open = unanswered[number]! - late[number]!
      exit.recent = this.recentExits.add(nowMs, exit.key, known, open, exit.recent)
    }
  }

  #addAnswers({ exits, entries, answers }: CallSummary, shard: ShardNumbers, nowMs: number): void {
    for (let i = 0; i < answers.length; i += 3) {
      const known = shard.pairs.of(answers[i]!, answers[i + 1]!)
      const answered =
        known !== 0
          ? shard.answered[known - 1]!
          : this.#newAnswer(exits.kinds, entries.kinds, answers[i]!, answers[i + 1]!, shard)
      answered.calls += answers[i + 2]!
      answered.recent = this.recentEdges.add(nowMs, answered.edgeKey, answers[i + 2]!, 0, answered.recent)
    }
  }

  #addEntries({ kinds, calls, roots, lateAnswers }: CallSummary['entries'], shard: ShardNumbers, nowMs: number): void {
    for (let number = 0; number < calls.length; number++) {
      if (calls[number] === 0) continue
      this.lastMs = nowMs
      const entry = shard.entries[number] ?? this.#knownEntry(kinds[number]!)
      shard.entries[number] = entry
      const total = calls[number]!
      const rootless = roots[number]!
      entry.total += total
      entry.roots += rootless
      entry.recent = this.recentEntries.add(nowMs, entry.key, total - rootless, rootless, entry.recent)
      const lost = rootless + lateAnswers[number]!
      if (lost > 0) entry.lostAnswers = this.recentLostAnswers.add(nowMs, entry.service, lost, 0, entry.lostAnswers)
    }
  }

  #knownExit(kind: ExitKind): JudgedExit {
    let exit = this.#exitsByKey.get(kind.key)
    if (!exit) {
      const rpc = rpcNameOf(kind.name)
      exit = { ...kind, total: 0, unanswered: 0, answeredBy: new Map(), rpc, recent: UNPLACED }
      this.#exitsByKey.set(kind.key, exit)
      this.exits.push(exit)
      this.index.add(exit)
    }
    return exit
  }

  #knownEntry(kind: EntryKind): JudgedEntry {
    let entry = this.entries.get(kind.key)
    if (!entry) {
      entry = { ...kind, total: 0, roots: 0, recent: UNPLACED, lostAnswers: UNPLACED }
      this.entries.set(kind.key, entry)
      this.services.add(serviceNameOf(kind.service))
      if (kind.destination !== '') this.topics.add(kind.destination)
      if (kind.rpc !== null) this.#addServer(kind.rpc, kind.service)
    }
    return entry
  }

  #addServer(rpc: string, service: string): void {
    if (this.servers.size >= this.#limit) return
    this.servers.set(rpc, service)
    this.interfaces.set(interfaceOf(rpc), service)
  }

  #newAnswer(
    exits: CallSummary['exits']['kinds'],
    entries: CallSummary['entries']['kinds'],
    exitNumber: number,
    entryNumber: number,
    shard: ShardNumbers,
  ): AnsweredCalls {
    const exit = shard.exits[exitNumber]!
    const { service, boundary } = entries[entryNumber]!
    const own = exits[exitNumber]!.boundary
    const edge = this.edge(exit.service, service, own === 'other' ? boundary : own)
    const answered = { calls: 0, edge, edgeKey: edge.key, recent: UNPLACED }
    edge.answered.push(answered)
    const before = exit.answeredBy.get(service)
    if (before) before.push(answered)
    else {
      exit.answeredBy.set(service, [answered])
      this.index.addAnswer(exit, service)
    }
    shard.pairs.add(exitNumber, entryNumber, shard.answered.push(answered))
    return answered
  }
}

export function interfaceOf(rpc: string): string {
  return rpc.slice(0, rpc.indexOf('/'))
}
