import { EarliestEvidence } from '../../../component/evidence.ts'
import type { Edge, FindingReport } from '../../../component/finding.ts'
import type { TraceJudge, Verdicts } from '../../../component/trace-rule.ts'
import { hexOfPacked } from '../../../otlp/hex.ts'
import { formatsDiffer, isForSeveral, type KnownExit } from '../callee-match.ts'
import type { ContextPropagationConfig } from '../config.ts'
import { type CallSample, keeps } from './call-samples.ts'
import type { CallEdge, CallTraffic, JudgedEntry } from './call-traffic.ts'
import { type CallSummary, RULE, topicVerdict } from './context-lost-summary.ts'
import { FORGET_AFTER_MS, type Held, HeldCalls, type Waiting, waitingBefore } from './held-calls.ts'
import { BROKEN, causeOf, type LostCause, WHOLE } from './lost-edge-cause.ts'
import type { Loss, LostOperation } from './lost-operation.ts'
import { TimedMatch } from './timed-match.ts'

/** How long both sides of a call may take to get here: the longest wait of a window, and an export interval. */
const MATCH_AFTER_MS = 10_000
/** Candidates that are looked at for one root: calls of the same group that overlap in time. */
const CANDIDATES = 64

/** Of an edge, what was counted lately or from the begin on. */
interface EdgeTraffic extends Edge {
  readonly connected: number
  readonly lost: number
}

interface ClosestCall {
  readonly exit: KnownExit
  readonly held: Held
  /** Between the middles of call and root, twice. */
  readonly distanceMs: number
}

/** A root, who may have called it, and the closest call. */
interface Match {
  readonly root: CallSample
  readonly entry: JudgedEntry
  readonly exits: readonly KnownExit[]
  readonly call: ClosestCall
}

/**
 * Matches parentless entries with unanswered calls: by what the caller says of its peer, by who answered before, by the
 * operation's name, and by time. Takes in the traffic of every edge.
 */
export class ContextLostJudge implements TraceJudge<CallSummary> {
  readonly #config: ContextPropagationConfig
  readonly #evidenceLimit: number
  readonly #traffic: CallTraffic
  readonly #lost = new Map<string, LostOperation>()
  readonly #heldExits = new HeldCalls()
  /** Messages that one service takes with their context and another without. */
  readonly #heldMessages = new HeldCalls()
  /** The topics of these. */
  readonly #topics = new Set<string>()
  #heldRoots: Waiting[] = []
  readonly #timed = new TimedMatch()
  /** Exits of the traffic that `#timed` has. */
  #timedExits = 0
  #nowMs = 0

  constructor(config: ContextPropagationConfig, evidenceLimit: number, traffic: CallTraffic) {
    this.#config = config
    this.#traffic = traffic
    this.#evidenceLimit = evidenceLimit
  }

  judge(summaries: readonly CallSummary[], nowMs: number): readonly FindingReport[] {
    this.#nowMs = nowMs
    // What one shard leaves out has no other side at the others.
    const share = summaries.reduce((least, summary) => Math.min(least, summary.share), 1)
    for (const summary of summaries) this.#takeIn(summary, share, nowMs)
    this.#match(nowMs)
    this.#heldExits.forget(nowMs)
    this.#heldMessages.forget(nowMs)
    return this.#reports()
  }

  verdicts(): Verdicts {
    const verdicts = new Map<string, string>([...this.#topics].map(topicVerdict))
    for (const lost of this.#lost.values()) if (lost.reportedOccurrences > 0) verdicts.set(lost.entry.key, lost.cause)
    return verdicts
  }

  #takeIn(summary: CallSummary, share: number, nowMs: number): void {
    this.#traffic.takeIn(summary, nowMs)
    const { exits } = this.#traffic
    for (; this.#timedExits < exits.length; this.#timedExits++) this.#timed.add(exits[this.#timedExits]!)
    for (const sample of summary.exitSamples)
      if (keeps(sample.startMs, share)) this.#heldExits.add(withShare(sample, share), nowMs)
    for (const sample of summary.messageSamples)
      if (keeps(sample.startMs, share)) this.#heldMessages.add(withShare(sample, share), nowMs)
    for (const call of summary.answeredApart) this.#takeBack(this.#heldExits.answer(call, nowMs))
    for (const sample of summary.rootSamples)
      if (keeps(sample.startMs, share)) this.#heldRoots.push({ sample: withShare(sample, share), sinceMs: nowMs })
  }

  /**
   * Matches each root that has waited long enough to the closest unanswered call that it may answer, when that has waited
   * as long for an answer of its own. The closest pairs go first: of several roots within a call its answer fits best.
   */
  #match(nowMs: number): void {
    const waiting: Waiting[] = []
    const ready: Waiting[] = []
    for (const held of this.#heldRoots) (held.sinceMs + MATCH_AFTER_MS > nowMs ? waiting : ready).push(held)
    this.#heldRoots = waiting
    ready.sort((a, b) => a.sample.startMs - b.sample.startMs || (a.sample.spanId < b.sample.spanId ? -1 : 1))
    const callers = new Map<string, KnownExit[]>()
    const matches: Match[] = []
    this.#timed.begin()
    for (const root of ready) {
      const entry = this.#traffic.entries.get(root.sample.key)!
      if (this.#config.expected_elsewhere.includes(entry.service)) continue
      let exits = callers.get(entry.key)
      if (!exits) {
        exits = this.#traffic.index
          .callersOf(entry)
          .filter((exit) => exit.unanswered > 0 || this.#wantsTopicOf(exit, entry))
        callers.set(entry.key, exits)
      }
      if (exits.length === 0) this.#matchByTime(root.sample, entry)
      const call = this.#closestCall(root.sample, entry, exits)
      if (call) matches.push({ root: root.sample, entry, exits, call })
    }
    matches.sort((a, b) => a.call.distanceMs - b.call.distanceMs)
    for (const match of matches) this.#settle(match, nowMs)
  }

  #settle({ root, entry, exits, call }: Match, nowMs: number): void {
    const isFree = !call.held.done && !call.held.takenBy?.has(entry.service)
    const free = isFree ? call : this.#closestCall(root, entry, exits)
    if (!free) return
    const { sinceMs } = free.held
    if (sinceMs + MATCH_AFTER_MS > nowMs) this.#heldRoots.push({ sample: root, sinceMs })
    else this.#lose(root, entry, free)
  }

  /** Of messages that others take, the observers are asked for all. */
  #wantsTopicOf(exit: KnownExit, entry: JudgedEntry): boolean {
    if (!isForSeveral(exit, entry)) return false
    if (this.#topics.size < this.#config.max_operations) this.#topics.add(exit.peer)
    return true
  }

  /** Where nothing names the caller, time and counts may tell. */
  #matchByTime(root: CallSample, entry: JudgedEntry): void {
    let caller = this.#timed.callerOf(entry)
    let roots: readonly CallSample[] = [root]
    if (!caller) {
      roots = this.#timed.weigh(root, entry, (exit, untilMs, limit) => this.#callsBefore(exit, untilMs, limit))
      caller = this.#timed.callerOf(entry)
    }
    if (!caller) return
    for (const one of roots) {
      const call = this.#closestCall(one, entry, [caller])
      if (call) this.#lose(one, entry, call, true)
    }
  }

  #callsBefore(exit: KnownExit, untilMs: number, limit: number): readonly CallSample[] {
    const calls = [...waitingBefore(this.#heldExits.of(exit.key), untilMs, limit)]
    return calls.reverse().map(({ sample }) => sample)
  }

  #closestCall(root: CallSample, entry: JudgedEntry, exits: readonly KnownExit[]): ClosestCall | null {
    const tolerance = this.#config.match_tolerance
    let best: ClosestCall | null = null
    for (const exit of exits) {
      const calls = (isForSeveral(exit, entry) ? this.#heldMessages : this.#heldExits).of(exit.key)
      for (const held of waitingBefore(calls, root.startMs + tolerance, CANDIDATES)) {
        const call = held.sample
        if (held.takenBy?.has(entry.service)) continue
        // A message is handled whenever it is; a call waits for its answer, or gives up when that has begun.
        if (exit.boundary !== 'messaging' && call.endMs < root.startMs - tolerance) continue
        const distanceMs = Math.abs(call.startMs + call.endMs - root.startMs - root.endMs)
        if (best === null || distanceMs < best.distanceMs) best = { exit, held, distanceMs }
      }
    }
    return best
  }

  #lose(root: CallSample, entry: JudgedEntry, call: { exit: KnownExit; held: Held }, isByTime = false): void {
    const edge = this.#traffic.edge(
      call.exit.service,
      entry.service,
      call.exit.boundary === 'other' ? entry.boundary : call.exit.boundary,
    )
    const key = `${edge.from}\0${edge.to}\0${entry.name}`
    let lost = this.#lost.get(key)
    if (!lost) {
      lost = {
        edge,
        entry,
        formatsDiffer: formatsDiffer(call.exit, entry),
        isByTime,
        occurrences: 0,
        contained: 0,
        firstMs: root.startMs,
        lastMs: root.startMs,
        cause: 'undetermined',
        reportedOccurrences: 0,
        disprovedMs: Number.NEGATIVE_INFINITY,
        evidence: new EarliestEvidence(this.#evidenceLimit),
      }
      this.#lost.set(key, lost)
    }
    // One sample stands for all calls of the time that was left out.
    const weight = 1 / Math.min(root.share, call.held.sample.share)
    const isContained =
      call.exit.boundary === 'messaging' || call.held.sample.endMs >= root.endMs - this.#config.match_tolerance
    // It came when the connected calls did that are counted for then.
    const atMs = this.#nowMs - MATCH_AFTER_MS
    const loss = { lost, root, weight, contained: isContained ? weight : 0, atMs }
    if (isForSeveral(call.exit, entry)) {
      call.held.takenBy ??= new Set()
      call.held.takenBy.add(entry.service)
    } else this.#heldExits.lose(call.held, loss)
    this.#count(loss, 1)
    lost.firstMs = Math.min(lost.firstMs, root.startMs)
    lost.lastMs = Math.max(lost.lastMs, root.startMs)
    const at = BigInt(Math.round(root.startMs * 1000)) * 1000n
    if (lost.evidence.wants(at))
      lost.evidence.add(at, {
        kind: 'span',
        traceId: hexOfPacked(root.traceId),
        spanId: hexOfPacked(root.spanId),
        relatedSpanId: hexOfPacked(call.held.sample.spanId),
        values: { caller_trace_id: hexOfPacked(call.held.sample.traceId) },
      })
  }

  /** The answer to a call came, late: the root that was taken for it may answer another. */
  #takeBack(loss: Loss | null): void {
    if (loss === null) return
    this.#count(loss, -1)
    loss.lost.disprovedMs = this.#nowMs
    const spanId = hexOfPacked(loss.root.spanId)
    loss.lost.evidence.remove((evidence) => evidence.kind === 'span' && evidence.spanId === spanId)
    this.#heldRoots.push({ sample: loss.root, sinceMs: this.#nowMs - MATCH_AFTER_MS })
  }

  #count({ lost, weight, contained, atMs }: Loss, sign: 1 | -1): void {
    lost.occurrences += sign * weight
    lost.contained += sign * contained
    lost.edge.lost += sign * weight
    this.#traffic.recentEdges.add(atMs, lost.edge.key, 0, sign * weight)
  }

  /** Whether the callee's operation gets no context at all while its others do, from the same caller too. */
  #isOneRouteOnly({ edge, entry }: LostOperation): boolean {
    const enough = this.#config.min_occurrences
    const own = this.#recentOf(entry)
    if (edge.connected < enough || own.roots < own.total * BROKEN) return false
    const others = [...this.#traffic.entries.values()]
      .filter((other) => other !== entry && other.service === entry.service)
      .map((other) => this.#recentOf(other))
      .filter(({ total }) => total >= enough)
    return others.length > 0 && others.every((other) => other.roots <= other.total * WHOLE)
  }

  /** What counts of an entry: what it gets now, or all where that is too little. */
  #recentOf(entry: JudgedEntry): { readonly total: number; readonly roots: number } {
    const recent = this.#current(this.#traffic.recentEntries.seriesOf(entry.key, this.#nowMs))
    return recent ? { total: recent.whole + recent.broken, roots: recent.broken } : entry
  }

  /** The same of an edge: a fault that begins or ends in a gateway that lives long is judged by what is, not by what was. */
  #recentTraffic(edge: CallEdge): EdgeTraffic {
    const recent = this.#current(this.#traffic.recentEdges.seriesOf(edge.key, this.#nowMs - MATCH_AFTER_MS))
    const { from, to, boundary } = edge
    const { whole, broken } = recent ?? { whole: edge.connected, broken: edge.lost }
    return { from, to, boundary, connected: whole, lost: broken }
  }

  /**
   * Of whole and broken calls in the slices of the last minute, those since the break: without the slice in which it came,
   * of which a part was before it, unless there is too little after. Null where there is too little at all.
   */
  #current(series: readonly Float64Array[]): { readonly whole: number; readonly broken: number } | null {
    const first = series.findIndex((amounts) => amounts[1]! > 0)
    for (const since of [first + 1, Math.max(0, first)]) {
      let [whole, broken] = [0, 0]
      for (const amounts of series.slice(since)) {
        whole += amounts[0]!
        broken += amounts[1]!
      }
      if (whole + broken >= this.#config.min_occurrences) return { whole, broken }
    }
    return null
  }

  #reports(): FindingReport[] {
    const reports: FindingReport[] = []
    this.#traffic.recentEdges.expire(this.#nowMs)
    this.#traffic.recentEntries.expire(this.#nowMs)
    let edges: readonly EdgeTraffic[] | null = null
    for (const lost of this.#lost.values()) {
      const isEnough = lost.contained >= this.#config.min_occurrences
      const occurrences = isEnough ? Math.round(lost.occurrences) : 0
      if (occurrences === lost.reportedOccurrences) continue
      // As long as answers come that late, more of them may.
      if (lost.reportedOccurrences === 0 && lost.disprovedMs + FORGET_AFTER_MS > this.#nowMs) continue
      edges ??= [...this.#traffic.edges.values()].map((edge) => this.#recentTraffic(edge))
      const before = lost.reportedOccurrences > 0 ? lost.cause : null
      const decided = causeOf(
        {
          ...this.#recentTraffic(lost.edge),
          formatsDiffer: lost.formatsDiffer,
          oneRouteOnly: this.#isOneRouteOnly(lost),
        },
        edges,
        this.#config.min_occurrences,
      )
      lost.cause = decided.cause
      lost.reportedOccurrences = occurrences
      reports.push(report(lost, occurrences, decided, before === decided.cause ? null : before))
    }
    return reports
  }
}

function report(
  lost: LostOperation,
  occurrences: number,
  decided: LostCause,
  supersedesCause: string | null,
): FindingReport {
  const { edge } = lost
  const population = Math.round(edge.connected + edge.lost)
  return {
    rule: RULE,
    cause: lost.cause,
    place: {
      service: edge.to,
      instance: null,
      operation: lost.entry.name,
      edge: { from: edge.from, to: edge.to, boundary: edge.boundary },
    },
    level: 'error',
    confidence: lost.isByTime ? 0.85 : 0.97,
    causeConfidence: decided.confidence,
    state: occurrences > 0 ? 'confirmed' : 'retracted',
    occurrences,
    population,
    firstUnixNano: BigInt(Math.round(lost.firstMs * 1000)) * 1000n,
    lastUnixNano: BigInt(Math.round(lost.lastMs * 1000)) * 1000n,
    message: `${occurrences} of ${population} calls from ${edge.from} to ${edge.to} begin a new trace in ${edge.to}: the trace context is lost on the way.`,
    values: { connected_share: population === 0 ? 0 : edge.connected / population },
    evidence: lost.evidence.list,
    supersedesCause,
    related: [],
    ofWholeEdge: decided.ofRoute !== true,
  }
}

/** One sample stands for the calls that any of the shards leaves out. */
function withShare(sample: CallSample, share: number): CallSample {
  return sample.share === share ? sample : { ...sample, share }
}
