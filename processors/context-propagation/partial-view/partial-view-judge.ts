import type { FindingReport } from '../../../component/finding.ts'
import type { OccurrenceSummary } from '../../../component/occurrence-rule.ts'
import { rpcNameOf } from '../../../component/rpc-name.ts'
import type { TraceJudge, Verdicts } from '../../../component/trace-rule.ts'
import { operationKey } from '../../../otlp/operations.ts'
import { type KnownExit, namesService } from '../callee-match.ts'
import type { ContextPropagationConfig } from '../config.ts'
import type { CallSummary } from '../context-lost/context-lost-summary.ts'
import type { OrphanSummary } from '../orphan-span/orphan-summary.ts'
import type { OutrankedRow } from '../outranked.ts'
import { RecentCounts, SLICES } from '../recent-counts.ts'
import { HeadlessOrphans } from './headless-orphans.ts'
import { OpenExits } from './open-calls.ts'
import {
  type EntryTraffic,
  type ExitTraffic,
  isPlainlyWhole,
  judgeView,
  type Verdict,
  type View,
} from './partial-view-decision.ts'

export const RULE = 'GW-001'
/** The verdict that the view is partial; while it is not, there are those of OpenExits. */
export const PARTIAL = 'partial'

/** How long a partial view must show before it is taken for sure: an agent that batches for ten seconds looks alike until then. */
const CONFIRM_AFTER_MS = 20_000

/** How long after the last spans the view is judged: an export interval. */
const TRAFFIC_WITHIN_MS = 5000
const NOBODY: ReadonlySet<string> = new Set()
const WHOLE: Verdict = { kind: 'whole' }
/** Share of the orphans of a service that must be explained where the others tell nothing. */
const EXPLAINED_FROM = 0.1

/** Calls on one edge without an answer, and their share, that are no chance. */
const ANSWERS_MISSING_FROM = 5
const MISSING_SHARE = 0.1

export interface ViewSummary {
  /** Orphans since the last summary that are the answers to calls of their trace: only what stood between is missing. */
  readonly bridged: readonly { readonly from: string; readonly to: string; readonly count: number }[]
  /**
   * By service, orphans below which all of the trace hangs, another service included, so that nobody else was called; and
   * those that miss a span of a service whose other spans are here.
   */
  readonly explained: readonly (readonly [service: string, count: number])[]
  /** By service, orphans that came without the rest of their trace and tell nothing. */
  readonly mute: readonly (readonly [service: string, count: number])[]
  /** Calls without an answer that stood around orphans, named for the first time. */
  readonly open: readonly string[]
  /** For the gate that the findings pass. */
  readonly outranked: readonly OutrankedRow[]
}

/** `suspected` withholds only; `partial` is certain. */
export type ViewState = 'whole' | 'suspected' | 'partial'

/** What is known of an exit for good. */
interface Exit extends Pick<KnownExit, 'service' | 'name' | 'peer' | 'boundary'> {
  readonly answeredBy: Map<string, { calls: number }>
  readonly rpc: string | null
}

interface OrphanTally {
  orphans: number
  explained: number
  mute: number
}

/** Weighs what is missing on all edges of the last minute; until orphans show up it only learns who calls whom. */
export class PartialViewJudge implements TraceJudge<ViewSummary> {
  state: ViewState = 'whole'
  readonly #limit: number
  readonly #elsewhere: readonly string[]
  readonly #exits = new Map<string, Exit>()
  readonly #callers = new Map<string, Set<string>>()
  /** Services by the RPCs that they serve. */
  readonly #servers = new Map<string, string>()
  /** The same by what the RPCs belong to, as `shop.Cart` of `shop.Cart/Get`. */
  readonly #interfaces = new Map<string, string>()
  /** Per exit: calls, unanswered. */
  readonly #recentExits: RecentCounts
  /** Per service: entries with a parent id, and orphans among them. */
  readonly #recentEntries: RecentCounts
  /**
   * Per service, answers that are here but not below their call; a slice longer than the calls, which are only known to be
   * unanswered when their trace has waited, so that no call is left when its answer has just faded.
   */
  readonly #recentLostAnswers: RecentCounts
  /** Per caller and callee: orphans whose call is here. */
  readonly #recentBridges: RecentCounts
  readonly #recentInner: RecentCounts
  /** Operations where work enters a service, and by service how many of its orphans do not speak for a hidden service. */
  readonly #entryOperations = new Set<string>()
  readonly #orphansOf = new Map<string, OrphanTally>()
  readonly #headless: HeadlessOrphans
  readonly #open: OpenExits<Exit>
  #answersMissing = false
  #partialSinceMs = 0
  #trafficMs = 0
  #judgements = 0
  #partialJudgements = 0
  #share = 1

  constructor(config: ContextPropagationConfig) {
    this.#limit = config.max_operations
    this.#elsewhere = config.expected_elsewhere
    this.#recentExits = new RecentCounts(this.#limit)
    this.#recentEntries = new RecentCounts(this.#limit)
    this.#recentLostAnswers = new RecentCounts(this.#limit, SLICES + 1)
    this.#recentBridges = new RecentCounts(this.#limit)
    this.#recentInner = new RecentCounts(1)
    this.#headless = new HeadlessOrphans(this.#limit)
    this.#open = new OpenExits(this.#limit)
  }

  takeCalls(summaries: readonly CallSummary[], nowMs: number): void {
    for (const { exits, entries } of summaries) {
      if (exits.length + entries.length > 0) this.#trafficMs = nowMs
      for (const row of exits) {
        const exit = this.#exit(row)
        if (exit === null) continue
        for (const [service, , count] of row.answeredBy) {
          const known = exit.answeredBy.get(service)
          if (known) {
            known.calls += count
            continue
          }
          this.#callersOf(service).add(row.service)
          exit.answeredBy.set(service, { calls: count })
        }
        if (row.boundary !== 'messaging')
          this.#recentExits.add(nowMs, row.key, row.total - row.late, row.unanswered - row.late)
      }
      for (const { service, rpc, roots, lateAnswers } of entries) {
        if (rpc !== null && this.#servers.size < this.#limit) {
          this.#servers.set(rpc, service)
          this.#interfaces.set(interfaceOf(rpc), service)
        }
        if (roots + lateAnswers > 0) this.#recentLostAnswers.add(nowMs, service, roots + lateAnswers)
      }
    }
  }

  /** Calls whose callee goes on under half of the trace id: their answer is here, though not below them. */
  takeCuts(summaries: readonly OccurrenceSummary[], nowMs: number): void {
    for (const { rows } of summaries)
      for (const { service, count } of rows) this.#recentLostAnswers.add(nowMs, service, count)
  }

  takeOrphans(summaries: readonly OrphanSummary[], nowMs: number): void {
    for (const { entriesOf, orphaned } of summaries) {
      this.#recentEntries.addAll(nowMs, entriesOf)
      for (const row of orphaned) {
        const { key, service, entry, orphans, retracted } = row
        if (!entry) {
          if (orphans > 0) this.#recentInner.add(nowMs, '', orphans - retracted)
          continue
        }
        this.#recentEntries.add(nowMs, service, 0, orphans - retracted)
        if (orphans === 0) continue
        if (this.#entryOperations.size < this.#limit) this.#entryOperations.add(key)
        this.#tallyOf(service).orphans += orphans
        this.#headless.add(row)
      }
    }
  }

  judge(summaries: readonly ViewSummary[], nowMs: number): readonly FindingReport[] {
    for (const { bridged, explained, mute, open } of summaries) {
      this.#open.ask(open, this.#exits.values())
      for (const [service, count] of explained) this.#tallyOf(service).explained += count
      for (const [service, count] of mute) this.#tallyOf(service).mute += count
      for (const { from, to, count } of bridged) {
        this.#recentBridges.add(nowMs, `${from}\0${to}`, count)
        this.#tallyOf(to).explained += count
      }
    }
    for (const counts of [
      this.#recentExits,
      this.#recentEntries,
      this.#recentLostAnswers,
      this.#recentBridges,
      this.#recentInner,
    ])
      counts.expire(nowMs)
    // Without traffic nothing is known to have changed; what fades from the counts is no news.
    if (nowMs - this.#trafficMs > TRAFFIC_WITHIN_MS) return []
    this.#open.begin()
    const view = this.#isPlainlyWhole() ? null : this.#view()
    this.#open.settle((exit) => this.#calleeOf(exit)?.name)
    this.#answersMissing = view?.exits.some(isUnanswered) ?? false
    const verdict = view ? judgeView(view) : WHOLE
    if (verdict.kind === 'too_little') return []
    this.#judgements++
    const before = this.state
    if (verdict.kind === 'whole') {
      this.state = 'whole'
      const takenBack = before === 'suspected' && this.#partialSinceMs > 0 ? [this.#report('retracted')] : []
      this.#partialSinceMs = 0
      return takenBack
    }
    if (verdict.kind === 'doubtful') {
      if (before === 'whole') this.state = 'suspected'
      return []
    }
    if (this.#partialSinceMs === 0) this.#partialSinceMs = nowMs
    this.#partialJudgements++
    this.#share = Math.round(verdict.share * 100) / 100
    this.state = nowMs - this.#partialSinceMs >= CONFIRM_AFTER_MS ? 'partial' : 'suspected'
    return [this.#report(this.state === 'partial' ? 'confirmed' : 'provisional')]
  }

  verdicts(): Verdicts {
    return new Map(this.state === 'whole' ? this.#open.verdicts : [[PARTIAL, 'split_traffic']])
  }

  /**
   * Whether it is not known that anything is broken: in a partial view nothing is. Nor is it known of orphans in a service
   * whose callers have not been seen at all, since these may well send their spans elsewhere, unless they look like the
   * work of an intermediary (a call with nothing but an unknown parent between, or all of the trace below it), or miss a span
   * of a service that is seen.
   */
  withholds({ rule, cause, place }: FindingReport): boolean {
    if (!rule.startsWith('CTX-')) return false
    if (this.state !== 'whole') return true
    if (rule !== 'CTX-001' || !this.#entryOperations.has(operationKey(place.service, place.operation!))) return false
    if (
      cause !== 'parent_dropped' &&
      this.#headless.mayBeElsewhere(place.service, place.operation!, this.#answersMissing)
    )
      return true
    if (this.#callers.has(place.service)) return false
    const { orphans, explained, mute } = this.#tallyOf(place.service)
    return explained < orphans * EXPLAINED_FROM || explained < (orphans - mute) / 2
  }

  /** As it mostly is: then nobody needs to know who is called by which of ten thousand exits. */
  #isPlainlyWhole(): boolean {
    if (this.#open.areAsked) return false
    const withParent = this.#recentEntries.total(0)
    const unanswered = this.#recentExits.total(1)
    return unanswered < ANSWERS_MISSING_FROM && isPlainlyWhole(withParent, unanswered)
  }

  #view(): View {
    const bridgedTo = new Map<string, number>()
    this.#recentBridges.forEach((key, count) => {
      const to = key.split('\0')[1]!
      bridgedTo.set(to, (bridgedTo.get(to) ?? 0) + count)
    })
    const entries: EntryTraffic[] = []
    this.#recentEntries.forEach((service, withParent, orphans) => {
      entries.push({
        service,
        withParent,
        orphans: Math.max(0, orphans - (bridgedTo.get(service) ?? 0)),
        callers: this.#callers.get(service) ?? NOBODY,
      })
    })
    return { entries, exits: this.#exitTraffic(), innerOrphans: this.#recentInner.firstOf('') }
  }

  /** Calls by caller and callee, without those whose answer is here but hangs elsewhere. */
  #exitTraffic(): readonly ExitTraffic[] {
    const edges = new Map<string, { from: string; to: string; seen: boolean; calls: number; unanswered: number }>()
    this.#recentExits.forEach((key, calls, unanswered) => {
      const exit = this.#exits.get(key)!
      const callee = this.#calleeOf(exit)
      if (callee === null) return
      const edgeKey = `${exit.service}\0${callee.name}`
      let edge = edges.get(edgeKey)
      if (!edge) {
        edge = { from: exit.service, to: callee.name, seen: callee.seen, calls: 0, unanswered: 0 }
        edges.set(edgeKey, edge)
      }
      edge.calls += calls
      edge.unanswered += unanswered
    })
    for (const [key, edge] of edges) {
      const lost = this.#recentLostAnswers.firstOf(edge.to)
      this.#open.compare(edge.to, edge.unanswered, lost)
      edge.unanswered = Math.max(0, edge.unanswered - lost - this.#recentBridges.firstOf(key))
    }
    return [...edges.values()]
  }

  /** Whom a call is for: who answers it as a rule, who serves that RPC, whom the caller names. Null where nobody need answer. */
  #calleeOf({ service, rpc, peer, boundary, answeredBy }: Exit): { name: string; seen: boolean } | null {
    let usual: string | null = null
    let most = 0
    for (const [service, { calls }] of answeredBy) {
      if (calls <= most) continue
      usual = service
      most = calls
    }
    usual ??= rpc === null ? null : (this.#servers.get(rpc) ?? null)
    if (usual !== null) return this.#isElsewhere(usual) ? null : { name: usual, seen: true }
    if (boundary !== 'grpc' || this.#isElsewhere(peer)) return null
    // Without kinds, work inside a service that is named like its RPCs is no call of anybody.
    if (rpc !== null && this.#interfaces.get(interfaceOf(rpc)) === service) return null
    return { name: rpc === null ? peer : interfaceOf(rpc), seen: false }
  }

  #isElsewhere(name: string): boolean {
    return this.#elsewhere.some((service) => service === name || namesService(name, service))
  }

  #exit(row: CallSummary['exits'][number]): Exit | null {
    let exit = this.#exits.get(row.key)
    if (!exit) {
      if (this.#exits.size >= this.#limit) return null
      const { service, name, peer, boundary } = row
      exit = { service, name, peer, boundary, answeredBy: new Map(), rpc: rpcNameOf(name) }
      this.#exits.set(row.key, exit)
      this.#open.add(exit)
    }
    return exit
  }

  #callersOf(service: string): Set<string> {
    let callers = this.#callers.get(service)
    if (!callers) {
      callers = new Set()
      this.#callers.set(service, callers)
    }
    return callers
  }

  #tallyOf(service: string): OrphanTally {
    let tally = this.#orphansOf.get(service)
    if (!tally) {
      tally = { orphans: 0, explained: 0, mute: 0 }
      this.#orphansOf.set(service, tally)
    }
    return tally
  }

  #report(state: FindingReport['state']): FindingReport {
    const percent = Math.round(this.#share * 100)
    const at = (ms: number) => BigInt(Math.round(ms)) * 1_000_000n
    return {
      rule: RULE,
      cause: 'split_traffic',
      place: { service: 'blindspot', instance: null, operation: null, edge: null },
      level: 'info',
      confidence: 0.9,
      causeConfidence: 0.9,
      state,
      occurrences: state === 'retracted' ? 0 : this.#partialJudgements,
      population: this.#judgements,
      firstUnixNano: at(this.#partialSinceMs),
      lastUnixNano: at(this.#partialSinceMs),
      message: `This gateway sees about ${percent} % of all spans; what is missing may be at another one, so the CTX rules are silent.`,
      values: { estimated_share: this.#share },
      evidence: [],
      supersedesCause: null,
      related: [],
    }
  }
}

function isUnanswered({ calls, unanswered }: ExitTraffic): boolean {
  return unanswered >= ANSWERS_MISSING_FROM && unanswered >= calls * MISSING_SHARE
}

function interfaceOf(rpc: string): string {
  return rpc.slice(0, rpc.indexOf('/'))
}
