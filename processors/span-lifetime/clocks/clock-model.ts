import type { ClockRow, Evidence } from '../../../component/finding.ts'
import { type ClockEdge, type ClockOffset, spreadOffsets } from './clock-graph.ts'
import { type ClockGroup, groupClocks } from './clock-groups.ts'
import { segmentsOf } from './clock-segments.ts'
import { ClockDomains, type ClockSource } from './clock-source.ts'
import { ClockTrack } from './clock-track.ts'
import { findSteps, type Step } from './find-steps.ts'
import { fitOffset, MIN_CALLS, type OffsetFit } from './offset-fit.ts'
import { HISTORY_S, PairSamples } from './pair-samples.ts'
import type { BucketData } from './sample-bucket.ts'
import { SampleWindow } from './sample-window.ts'

/** What one shard saw since its last summary. */
export interface ClockSummary {
  readonly sources: readonly { readonly source: ClockSource; readonly spans: number }[]
  readonly pairs: readonly {
    readonly first: string
    readonly second: string
    readonly buckets: readonly BucketData[]
  }[]
}

/** Seconds of samples on each side of a time from which its offset is estimated. */
const REACH_S = 15
/** A second is settled when its traces have mostly left the window and a step in it would have been seen. */
const SETTLE_S = 12
/** Late calls: which seconds around they change, after how long without further ones, and how many a round. */
const LATE_REACH_S = 2
const LATE_QUIET_S = 3
const RESETTLED_A_ROUND = 8
/** Points of all tracks together, 56 bytes each, and how many of one are kept at least and at most. */
const MAX_POINTS = 500_000
const TRACK_POINTS = { min: 300, max: 8192 } as const
/** Pairs that are estimated anew in one round; the others wait for the next. */
const FITS_A_ROUND = 256
/** Groups are made anew every so many rounds. */
const GROUP_ROUNDS = 5
const SOURCE_MEMORY_S = 600
/** A pair without calls for so long gives its place to another when there is no room. */
const QUIET_S = 30
/** Of one pair. */
const MAX_STEPS = 100

/** Two domains with all samples of their sources, either way round. */
interface DomainPair {
  readonly first: string
  readonly second: string
  readonly parts: { readonly samples: PairSamples; readonly sign: 1 | -1 }[]
  live: OffsetFit | null
  /** Kept by the model, beyond the samples. */
  readonly steps: Step[]
}

/** An offset as of a time, for what is annotated and judged now. */
export interface LiveOffset extends ClockOffset {
  readonly atS: number
}

/**
 * Learns the offsets of all clocks from calls between them: samples by pair of sources, an estimate each second for each
 * pair of domains, offsets along the most certain calls to a reference, a track of them for each domain, and groups of
 * domains that show the same time. Everything is bounded; what goes early is counted.
 */
export class ClockModel {
  readonly #maxPairs: number
  readonly #sources = new Map<string, { source: ClockSource; spans: number; seenS: number }>()
  readonly #pairs = new Map<string, PairSamples>()
  readonly #tracks = new Map<string, ClockTrack>()
  #domains = new ClockDomains()
  #domainPairs = new Map<string, DomainPair>()
  #spans = new Map<string, number>()
  #live: ReadonlyMap<string, LiveOffset> = new Map()
  #groups: readonly ClockGroup[] = []
  #groupOf: ReadonlyMap<string, ClockGroup> = new Map()
  /** By pair of domains; stays when its calls are forgotten. Bounded as pairs are, the oldest pair goes first. */
  readonly #steps = new Map<string, Step[]>()
  #settledS = Number.NaN
  /** Seconds that late calls changed, with when they did. */
  readonly #unsettled = new Map<number, number>()
  #round = 0
  #nextFit = 0
  #stale = true
  /** Times that a pair found no room. */
  refusedPairs = 0

  constructor(maxPairs: number) {
    this.#maxPairs = maxPairs
  }

  add(summary: ClockSummary, nowMs: number): void {
    const nowS = nowMs / 1000
    for (const { source, spans } of summary.sources) {
      const known = this.#sources.get(source.key)
      if (known) {
        known.spans += spans
        known.seenS = nowS
        continue
      }
      this.#sources.set(source.key, { source, spans, seenS: nowS })
      this.#stale = true
    }
    for (const { first, second, buckets } of summary.pairs) {
      const pair = this.#pair(first, second)
      if (pair === null) continue
      pair.merge(buckets)
      for (const bucket of buckets) if (bucket.second <= this.#settledS) this.#unsettle(bucket.second, nowS)
    }
  }

  /** Estimates anew; called after each round of summaries. */
  update(nowMs: number): void {
    const nowS = nowMs / 1000
    this.#forget(nowS)
    if (this.#stale) this.#arrange()
    this.#countSpans()
    // Of fewer calls nothing is estimated, and most pairs of a large system have few.
    const pairs = [...this.#domainPairs.values()].filter(hasEnough)
    for (const pair of this.#due(pairs)) {
      this.#findSteps(pair, nowS)
      pair.live = this.#fit(pair, nowS)
    }
    this.#live = liveOffsets(
      this.#spread(pairs, (pair) => pair.live),
      nowS,
    )
    if (Number.isNaN(this.#settledS)) this.#settledS = this.#firstSecond() - 1
    const until = Math.floor(nowS) - SETTLE_S
    for (let second = Math.max(this.#settledS + 1, until - HISTORY_S); second <= until; second++)
      this.#settle(pairs, second)
    if (until > this.#settledS) this.#settledS = until
    this.#settleAgain(pairs, nowS)
    if (this.#round++ % GROUP_ROUNDS === 0 || this.#groups.length === 0) this.#group()
  }

  /** Groups as of the last round that made them. */
  get groups(): readonly ClockGroup[] {
    return this.#groups
  }

  /** The last second whose offsets stand. */
  get settledS(): number {
    return this.#settledS
  }

  domainOf(source: string): string | null {
    const known = this.#sources.get(source)
    return known ? this.#domains.nameOf(known.source) : null
  }

  sources(): Iterable<string> {
    return this.#sources.keys()
  }

  /** The offset of a domain now: that of its group, so that pods of one machine agree. */
  liveOffset(domain: string): LiveOffset | null {
    const own = this.#live.get(domain)
    const group = this.#groupOf.get(domain)
    if (!own || !group || group.members.length === 1) return own ?? null
    const members = group.members.flatMap((member) => this.#live.get(member) ?? [])
    const root = members.find((member) => member.root === own.root && member.halfWidthNano === 0)
    if (root) return root
    return averageOf(members.filter((member) => member.root === own.root))
  }

  /** How far the clocks of these domains, or one of theirs, were set at most between two times, all steps together. */
  steppedByNano(domains: readonly (string | null)[], fromS: number, untilS: number): number {
    let mostNano = 0
    for (const [key, steps] of this.#steps) {
      if (steps.length === 0 || !key.split('\0').some((domain) => domains.includes(domain))) continue
      let sumNano = 0
      for (const { atS, jumpNano } of steps) if (atS >= fromS && atS <= untilS) sumNano += Math.abs(jumpNano)
      mostNano = Math.max(mostNano, sumNano)
    }
    return mostNano
  }

  /** The least delayed calls between two groups, one a second and pair of sources, earliest first. */
  examplesOf(members: readonly string[], reference: readonly string[]): readonly Evidence[] {
    const examples: { readonly second: number; readonly example: Evidence }[] = []
    for (const { first, second, parts } of this.#domainPairs.values()) {
      const crosses =
        (members.includes(first) && reference.includes(second)) ||
        (members.includes(second) && reference.includes(first))
      if (!crosses) continue
      for (const { samples } of parts)
        for (const bucket of samples.buckets)
          if (bucket.example) examples.push({ second: bucket.second, example: bucket.example })
    }
    return examples.sort((a, b) => a.second - b.second).map(({ example }) => example)
  }

  rows(): readonly ClockRow[] {
    this.#group()
    return this.#groups.flatMap(segmentsOf)
  }

  get limits(): Readonly<Record<string, number>> {
    let forgotten = 0
    for (const track of this.#tracks.values()) forgotten += track.forgotten
    return { refused_clock_pairs: this.refusedPairs, forgotten_clock_points: forgotten }
  }

  /** Null where there is no room for another pair: those that have samples keep their place while they are busy. */
  #pair(first: string, second: string): PairSamples | null {
    const key = `${first}\0${second}`
    let pair = this.#pairs.get(key)
    if (!pair) {
      if (this.#pairs.size >= this.#maxPairs) {
        this.refusedPairs++
        return null
      }
      pair = new PairSamples(first, second)
      this.#pairs.set(key, pair)
      this.#stale = true
    }
    return pair
  }

  #forget(nowS: number): void {
    const isFull = this.#pairs.size >= this.#maxPairs
    for (const [key, pair] of this.#pairs) {
      pair.prune(nowS)
      if (!pair.isEmpty && !(isFull && pair.latestSecond < nowS - QUIET_S)) continue
      this.#pairs.delete(key)
      this.#stale = true
    }
    for (const [key, { seenS }] of this.#sources)
      if (seenS < nowS - SOURCE_MEMORY_S) {
        this.#sources.delete(key)
        this.#stale = true
      }
  }

  /** Names the domains and puts the pairs of sources together to pairs of domains. */
  #arrange(): void {
    this.#stale = false
    this.#domains = new ClockDomains()
    for (const { source } of this.#sources.values()) this.#domains.add(source)
    const before = this.#domainPairs
    this.#domainPairs = new Map()
    for (const samples of [...this.#pairs.values()].sort(byName)) {
      const from = this.domainOf(samples.first)
      const to = this.domainOf(samples.second)
      if (from === null || to === null || from === to) continue
      const sign = from < to ? 1 : -1
      const [first, second] = sign === 1 ? [from, to] : [to, from]
      const key = `${first}\0${second}`
      let pair = this.#domainPairs.get(key)
      if (!pair) {
        const old = before.get(key)
        pair = { first, second, parts: [], live: old?.live ?? null, steps: this.#stepsOf(key) }
        this.#domainPairs.set(key, pair)
      }
      pair.parts.push({ samples, sign })
    }
  }

  #countSpans(): void {
    this.#spans = new Map()
    for (const { source, spans } of this.#sources.values()) {
      const domain = this.#domains.nameOf(source)
      this.#spans.set(domain, (this.#spans.get(domain) ?? 0) + spans)
    }
  }

  /** Pairs whose turn it is, so that a round takes a bounded time. */
  #due(pairs: readonly DomainPair[]): readonly DomainPair[] {
    if (pairs.length <= FITS_A_ROUND) return pairs
    const from = this.#nextFit % pairs.length
    this.#nextFit = from + FITS_A_ROUND
    return [...pairs, ...pairs].slice(from, from + FITS_A_ROUND)
  }

  #fit(pair: DomainPair, atS: number): OffsetFit | null {
    let fromS = atS - 2 * REACH_S
    let untilS = atS + REACH_S
    for (const step of pair.steps) {
      if (step.atS <= atS && step.atS > fromS) fromS = step.atS
      if (step.atS > atS && step.atS < untilS) untilS = step.atS
    }
    return fitOffset(windowOf(pair, fromS, untilS), atS)
  }

  /** Steps within the history are found anew each round, as more is known after them; older ones stand. */
  #findSteps(pair: DomainPair, nowS: number): void {
    const from = nowS - HISTORY_S
    const standing = pair.steps.filter(({ atS }) => atS < from + REACH_S)
    const found = findSteps(windowOf(pair, from, nowS + REACH_S)).filter(({ atS }) => atS >= from + REACH_S)
    pair.steps.splice(0, pair.steps.length, ...standing.slice(-MAX_STEPS), ...found)
  }

  #stepsOf(key: string): Step[] {
    let steps = this.#steps.get(key)
    if (!steps) {
      steps = []
      if (this.#steps.size >= this.#maxPairs) this.#steps.delete(this.#steps.keys().next().value!)
      this.#steps.set(key, steps)
    }
    return steps
  }

  /** Calls that came late say more about a second that stands, and about those beside it. */
  #unsettle(second: number, nowS: number): void {
    for (let near = second - LATE_REACH_S; near <= second + LATE_REACH_S; near++)
      if (near <= this.#settledS) this.#unsettled.set(near, nowS)
  }

  #settleAgain(pairs: readonly DomainPair[], nowS: number): void {
    let left = RESETTLED_A_ROUND
    for (const [second, changedS] of [...this.#unsettled].sort((a, b) => a[0] - b[0])) {
      if (second < nowS - HISTORY_S) this.#unsettled.delete(second)
      else if (left > 0 && nowS - changedS >= LATE_QUIET_S) {
        this.#unsettled.delete(second)
        this.#settle(pairs, second)
        left--
      }
    }
  }

  #settle(pairs: readonly DomainPair[], second: number): void {
    const offsets = this.#spread(pairs, (pair) => this.#settledFit(pair, second + 0.5))
    const limit = Math.min(
      TRACK_POINTS.max,
      Math.max(TRACK_POINTS.min, Math.floor(MAX_POINTS / Math.max(1, offsets.size))),
    )
    for (const [domain, offset] of offsets) {
      let track = this.#tracks.get(domain)
      if (!track) {
        track = new ClockTrack(domain)
        this.#tracks.set(domain, track)
      }
      track.set({ ...offset, second }, limit)
    }
  }

  /** From both sides of the time, as far as no step lies between. */
  #settledFit(pair: DomainPair, atS: number): OffsetFit | null {
    let fromS = atS - REACH_S
    let untilS = atS + REACH_S
    for (const step of pair.steps) {
      if (step.atS <= atS && step.atS > fromS) fromS = step.atS
      if (step.atS > atS && step.atS < untilS) untilS = step.atS
    }
    const isNear = windowOf(pair, Math.max(fromS, atS - 5), Math.min(untilS, atS + 5)).size > 0
    return isNear ? fitOffset(windowOf(pair, fromS, untilS), atS) : null
  }

  #spread(pairs: readonly DomainPair[], fitOf: (pair: DomainPair) => OffsetFit | null) {
    const edges: ClockEdge[] = []
    for (const pair of pairs) {
      const fit = fitOf(pair)
      if (fit) edges.push({ first: pair.first, second: pair.second, fit })
    }
    return spreadOffsets(edges, (domain) => this.#spans.get(domain) ?? 0)
  }

  #firstSecond(): number {
    let first = Number.POSITIVE_INFINITY
    for (const pair of this.#pairs.values()) for (const { second } of pair.buckets) if (second < first) first = second
    return first === Number.POSITIVE_INFINITY ? Number.NaN : first
  }

  #group(): void {
    const seen = [...this.#steps.values()].flat()
    this.#groups = groupClocks([...this.#tracks.values()], (domain) => this.#spans.get(domain) ?? 0, seen)
    this.#groupOf = new Map(this.#groups.flatMap((group) => group.members.map((member) => [member, group] as const)))
  }
}

function hasEnough({ parts }: DomainPair): boolean {
  let calls = 0
  for (const { samples } of parts) calls += samples.calls
  return calls >= MIN_CALLS
}

function windowOf(pair: DomainPair, fromS: number, untilS: number): SampleWindow {
  const window = new SampleWindow()
  for (const { samples, sign } of pair.parts) samples.collect(window, sign, fromS, untilS)
  return window
}

function liveOffsets(offsets: ReadonlyMap<string, ClockOffset>, atS: number): ReadonlyMap<string, LiveOffset> {
  return new Map([...offsets].map(([domain, offset]) => [domain, { ...offset, atS }]))
}

function averageOf(offsets: readonly LiveOffset[]): LiveOffset {
  const mean = (of: (offset: LiveOffset) => number) =>
    offsets.reduce((sum, offset) => sum + of(offset), 0) / offsets.length
  return {
    ...offsets[0]!,
    offsetNano: mean((offset) => offset.offsetNano),
    slopeNanoPerS: mean((offset) => offset.slopeNanoPerS),
    halfWidthNano: Math.max(...offsets.map((offset) => offset.halfWidthNano)),
  }
}

function byName(a: PairSamples, b: PairSamples): number {
  if (a.first !== b.first) return a.first < b.first ? -1 : 1
  return a.second < b.second ? -1 : 1
}
