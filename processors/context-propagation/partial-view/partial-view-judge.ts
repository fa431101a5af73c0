import type { FindingReport } from '../../../component/finding.ts'
import type { OccurrenceSummary } from '../../../component/occurrence-rule.ts'
import type { TraceJudge, Verdicts } from '../../../component/trace-rule.ts'
import { operationKey } from '../../../otlp/operations.ts'
import { namesService } from '../callee-match.ts'
import type { ContextPropagationConfig } from '../config.ts'
import { type CallTraffic, interfaceOf, type JudgedExit } from '../context-lost/call-traffic.ts'
import type { OrphanSummary } from '../orphan-span/orphan-summary.ts'
import type { OutrankedRow } from '../outranked.ts'
import { RecentCounts } from '../recent-counts.ts'
import { CallsOutOfSight, type OrphansAmidCalls, unseenCallee } from './calls-out-of-sight.ts'
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

/** Until then one in ten is something else, and what is taken back is as sure as it was; of a partial view the cause is plain. */
const CONFIDENCE = { provisional: 0.9, confirmed: 0.97, retracted: 0.9 } as const

/** How long after the last spans the view is judged: an export interval. */
const TRAFFIC_WITHIN_MS = 5000
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
  /** Orphans by the calls without an answer that were under way around them. */
  readonly amidCalls: readonly OrphansAmidCalls[]
  /** Calls without an answer that stood around orphans, named for the first time. */
  readonly open: readonly string[]
  /** For the gate that the findings pass. */
  readonly outranked: readonly OutrankedRow[]
}

/** `suspected` withholds only; `partial` is certain. */
export type ViewState = 'whole' | 'suspected' | 'partial'

interface OrphanTally {
  orphans: number
  explained: number
  mute: number
}

/** Weighs what is missing on all edges of the last minute; until orphans show up it only counts them. */
export class PartialViewJudge implements TraceJudge<ViewSummary> {
  state: ViewState = 'whole'
  readonly #limit: number
  readonly #elsewhere: readonly string[]
  readonly #traffic: CallTraffic
  /** Per service: entries with a parent id, and orphans among them. */
  readonly #recentEntries: RecentCounts
  /** Per caller and callee: orphans whose call is here. */
  readonly #recentBridges: RecentCounts
  readonly #recentInner: RecentCounts
  /** Operations where work enters a service, and by service how many of its orphans do not speak for a hidden service. */
  readonly #entryOperations = new Set<string>()
  readonly #orphansOf = new Map<string, OrphanTally>()
  readonly #headless: HeadlessOrphans
  readonly #outOfSight: CallsOutOfSight
  readonly #open: OpenExits<JudgedExit>
  /** Exits of the traffic that `#open` has. */
  #openExits = 0
  #answersMissing = false
  #partialSinceMs = 0
  #judgements = 0
  #partialJudgements = 0
  #share = 1

  constructor(config: ContextPropagationConfig, traffic: CallTraffic) {
    this.#traffic = traffic
    this.#limit = config.max_operations
    this.#elsewhere = config.expected_elsewhere
    this.#recentEntries = new RecentCounts(this.#limit)
    this.#recentBridges = new RecentCounts(this.#limit)
    this.#recentInner = new RecentCounts(1)
    this.#headless = new HeadlessOrphans(this.#limit)
    this.#outOfSight = new CallsOutOfSight(this.#limit)
    this.#open = new OpenExits(this.#limit)
  }

  /** Calls whose callee goes on under half of the trace id: their answer is here, though not below them. */
  takeCuts(summaries: readonly OccurrenceSummary[], nowMs: number): void {
    for (const { rows } of summaries)
      for (const { service, count } of rows) this.#traffic.recentLostAnswers.add(nowMs, service, count)
  }

  takeOrphans(summaries: readonly OrphanSummary[], nowMs: number): void {
    for (const { entriesOf, orphaned } of summaries) {
      this.#recentEntries.addAll(nowMs, entriesOf)
      for (const row of orphaned) {
        const { key, service, entry, orphans, retracted, apart } = row
        if (!entry) {
          if (orphans > 0) this.#recentInner.add(nowMs, '', orphans - retracted)
          continue
        }
        this.#recentEntries.add(nowMs, service, 0, orphans - retracted)
        if (orphans === 0) continue
        if (this.#entryOperations.size < this.#limit) this.#entryOperations.add(key)
        this.#tallyOf(service).orphans += orphans
        this.#headless.add(row)
        this.#outOfSight.addOrphans(key, orphans - apart)
      }
    }
  }

  judge(summaries: readonly ViewSummary[], nowMs: number): readonly FindingReport[] {
    const { exits, lastMs } = this.#traffic
    for (; this.#openExits < exits.length; this.#openExits++) this.#open.add(exits[this.#openExits]!)
    for (const { bridged, explained, mute, amidCalls, open } of summaries) {
      for (const row of amidCalls) this.#outOfSight.add(row)
      this.#open.ask(open, exits)
      for (const [service, count] of explained) this.#tallyOf(service).explained += count
      for (const [service, count] of mute) this.#tallyOf(service).mute += count
      for (const { from, to, count } of bridged) {
        this.#recentBridges.add(nowMs, `${from}\0${to}`, count)
        this.#tallyOf(to).explained += count
      }
    }
    for (const counts of [
      this.#traffic.recentExits,
      this.#recentEntries,
      this.#traffic.recentLostAnswers,
      this.#recentBridges,
      this.#recentInner,
    ])
      counts.expire(nowMs)
    // Without traffic nothing is known to have changed; what fades from the counts is no news.
    if (nowMs - lastMs > TRAFFIC_WITHIN_MS) return []
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
   * whose callers have not been seen at all, or that began amid calls to one that is not seen, since these may well send
   * their spans elsewhere, unless they look like the work of an intermediary (a call with nothing but an unknown parent
   * between, or all of the trace below it), or miss a span of a service that is seen.
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
    const unseen = (exit: string) => unseenCallee(this.#traffic, exit)
    if (this.#outOfSight.mayBeElsewhere(place.service, place.operation!, unseen)) return true
    if (this.#traffic.index.hasAnswered(place.service)) return false
    const { orphans, explained, mute } = this.#tallyOf(place.service)
    return explained < orphans * EXPLAINED_FROM || explained < (orphans - mute) / 2
  }

  /** As it mostly is: then nobody needs to know who is called by which of ten thousand exits. */
  #isPlainlyWhole(): boolean {
    if (this.#open.areAsked) return false
    const withParent = this.#recentEntries.total(0)
    const unanswered = this.#traffic.recentExits.total(1)
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
        callers: new Set([...this.#traffic.index.answeredBy(service)].map((exit) => exit.service)),
      })
    })
    return { entries, exits: this.#exitTraffic(), innerOrphans: this.#recentInner.firstOf('') }
  }

  /** Calls by caller and callee, without those whose answer is here but hangs elsewhere. */
  #exitTraffic(): readonly ExitTraffic[] {
    const edges = new Map<string, { from: string; to: string; seen: boolean; calls: number; unanswered: number }>()
    this.#traffic.recentExits.forEach((key, calls, unanswered) => {
      const exit = this.#traffic.exitOf(key)
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
      const lost = this.#traffic.recentLostAnswers.firstOf(edge.to)
      this.#open.compare(edge.to, edge.unanswered, lost)
      edge.unanswered = Math.max(0, edge.unanswered - lost - this.#recentBridges.firstOf(key))
    }
    return [...edges.values()]
  }

  /** Whom a call is for: who answers it as a rule, who serves that RPC, whom the caller names. Null where nobody need answer. */
  #calleeOf({ service, rpc, peer, boundary, answeredBy }: JudgedExit): { name: string; seen: boolean } | null {
    const { servers, interfaces } = this.#traffic
    let usual: string | null = null
    let most = 0
    for (const [service, answered] of answeredBy) {
      const calls = answered.reduce((sum, part) => sum + part.calls, 0)
      if (calls <= most) continue
      usual = service
      most = calls
    }
    usual ??= rpc === null ? null : (servers.get(rpc) ?? null)
    if (usual !== null) return this.#isElsewhere(usual) ? null : { name: usual, seen: true }
    if (boundary !== 'grpc' || this.#isElsewhere(peer)) return null
    // Without kinds, work inside a service that is named like its RPCs is no call of anybody.
    if (rpc !== null && interfaces.get(interfaceOf(rpc)) === service) return null
    return { name: rpc === null ? peer : interfaceOf(rpc), seen: false }
  }

  #isElsewhere(name: string): boolean {
    return this.#elsewhere.some((service) => service === name || namesService(name, service))
  }

  #tallyOf(service: string): OrphanTally {
    let tally = this.#orphansOf.get(service)
    if (!tally) {
      tally = { orphans: 0, explained: 0, mute: 0 }
      this.#orphansOf.set(service, tally)
    }
    return tally
  }

  #report(state: keyof typeof CONFIDENCE): FindingReport {
    const percent = Math.round(this.#share * 100)
    const at = (ms: number) => BigInt(Math.round(ms)) * 1_000_000n
    return {
      rule: RULE,
      cause: 'split_traffic',
      place: { service: 'blindspot', instance: null, operation: null, edge: null },
      level: 'info',
      confidence: CONFIDENCE[state],
      causeConfidence: CONFIDENCE.confirmed,
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
