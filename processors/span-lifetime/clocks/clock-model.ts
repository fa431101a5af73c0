import type { ClockRow, Evidence } from '../../../component/finding.ts'
import { type ClockEdge, type ClockOffset, spreadOffsets } from './clock-graph.ts'
import { type ClockGroup, groupClocks, MAX_EQUAL_NANO } from './clock-groups.ts'
import { type ClockLimits, ClockSamples, type ClockSummary } from './clock-samples.ts'
import { segmentsOf } from './clock-segments.ts'
import { ClockSteps } from './clock-steps.ts'
import { type DomainPair, liveFit, settledFit } from './domain-pair.ts'
import { MAX_DRIFT } from './find-steps.ts'
import type { OffsetFit } from './offset-fit.ts'
import { SettledTracks } from './settled-tracks.ts'

/** Pairs that are estimated anew in one round; the others wait for the next. */
const FITS_A_ROUND = 256
/** Groups are made anew every so many rounds. */
const GROUP_ROUNDS = 5
/** Uncertainties by which members of a group may differ before one of them is taken to have left it. */
const SIGNIFICANCE = 3

/** An offset as of a time, for what is annotated and judged now. */
export interface LiveOffset extends ClockOffset {
  readonly atS: number
}

/** How far one clock was ahead of another, and by how much that may be wrong. */
export interface SettledDifference {
  readonly nano: number
  readonly uncertainNano: number
}

/**
 * Learns the offsets of all clocks from calls between them: samples by pair of sources, steps, an estimate each second
 * for each pair of domains, offsets along the most certain calls to a reference, a track of them for each domain, and
 * groups of domains that show the same time. Everything is bounded; what goes early is counted.
 */
export class ClockModel {
  readonly #samples: ClockSamples
  readonly #steps: ClockSteps
  readonly #tracks: SettledTracks
  #live: ReadonlyMap<string, LiveOffset> = new Map()
  /** By root the offset of the clock that is furthest behind. */
  readonly #least = new Map<string, number>()
  #groups: readonly ClockGroup[] = []
  #groupOf: ReadonlyMap<string, ClockGroup> = new Map()
  #round = 0
  #nextFit = 0

  constructor(limits: ClockLimits) {
    this.#samples = new ClockSamples(limits)
    this.#steps = new ClockSteps(limits.maxClocks)
    this.#tracks = new SettledTracks(limits)
  }

  add(summary: ClockSummary, nowMs: number): void {
    const nowS = nowMs / 1000
    this.#samples.add(summary, nowS, (second) => this.#tracks.lateCall(second, nowS))
  }

  /** Estimates anew; called after each round of summaries. */
  update(nowMs: number): void {
    const nowS = nowMs / 1000
    this.#samples.arrange(nowS)
    const { pairs, spansOf } = this.#samples
    const due = this.#due(pairs)
    for (const atS of this.#steps.update(pairs, due, spansOf, nowS)) this.#tracks.step(atS, nowS)
    for (const pair of due) pair.live = liveFit(pair, this.#steps.ofPair(pair), nowS)
    const live = this.#spread(pairs, (pair) => pair.live)
    this.#live = new Map([...live].map(([domain, offset]) => [domain, { ...offset, atS: nowS }]))
    this.#least.clear()
    for (const { root, offsetNano } of live.values())
      this.#least.set(root, Math.min(this.#least.get(root) ?? 0, offsetNano))
    this.#tracks.settle(
      pairs.length,
      () => this.#samples.firstSecond(),
      nowS,
      (timeS) => this.#spread(pairs, (pair) => settledFit(pair, this.#steps.ofPair(pair), timeS)),
    )
    if (this.#round++ % GROUP_ROUNDS === 0 || this.#groups.length === 0) this.#group()
  }

  /** Groups as of the last round that made them. */
  get groups(): readonly ClockGroup[] {
    return this.#groups
  }

  domainOf(source: string): string | null {
    return this.#samples.domainOf(source)
  }

  /** Whether several sources go by the clock of a domain. */
  isShared(domain: string): boolean {
    return this.#samples.isShared(domain)
  }

  sources(): Iterable<string> {
    return this.#samples.sources
  }

  /** The offset of a domain now: that of its group, so that pods of one machine agree, unless it has just left it. */
  liveOffset(domain: string): LiveOffset | null {
    const own = this.#live.get(domain)
    const group = this.#groupOf.get(domain)
    if (!own || !group || group.members.length === 1) return own ?? null
    const members = group.members.flatMap((member) => {
      const live = this.#live.get(member)
      return live && agree(own, live) ? [live] : []
    })
    return members.find(({ halfWidthNano }) => halfWidthNano === 0) ?? averageOf(members)
  }

  /** How far the clock of a domain is ahead of that which is furthest behind, of those that calls connect with it. */
  aheadNano(domain: string): number {
    const own = this.#live.get(domain)
    return own ? own.offsetNano - this.#least.get(own.root)! : 0
  }

  /**
   * How far the clock of one source was ahead of another's in a second that stands, or in the nearest one up to `reachS`
   * away in which that is known.
   */
  settledDifference(source: string, other: string, second: number, reachS: number): SettledDifference | null {
    const [own, its] = [this.domainOf(source), this.domainOf(other)]
    for (let apart = 0; apart <= reachS; apart++)
      for (const near of apart === 0 ? [second] : [second - apart, second + apart]) {
        const [point, reference] = [this.#tracks.at(own, near), this.#tracks.at(its, near)]
        if (!point || !reference || point.root !== reference.root) continue
        return {
          nano: point.offsetNano - reference.offsetNano,
          uncertainNano: Math.hypot(point.halfWidthNano, reference.halfWidthNano) + apart * MAX_DRIFT * 1e9,
        }
      }
    return null
  }

  /** By how much calls contradict the offset of a domain up to `reachS` from a second: its clock may have been set unseen. */
  contradictedNano(domain: string | null, second: number, reachS: number): number {
    let most = 0
    for (let near = second - reachS; near <= second + reachS; near++)
      most = Math.max(most, this.#tracks.at(domain, near)?.contradictedNano ?? 0)
    return most
  }

  /** How far one of the clocks was set at most between which the offsets of these domains are known. */
  setAroundNano(domains: readonly (string | null)[], fromS: number, untilS: number): number {
    return this.#steps.aroundNano(domains, fromS, untilS)
  }

  /** The least delayed calls between two groups, one a second and pair of sources, earliest first. */
  examplesOf(members: readonly string[], reference: readonly string[]): readonly Evidence[] {
    const examples: { readonly second: number; readonly example: Evidence }[] = []
    for (const { first, second, parts } of this.#samples.pairs) {
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
    const { refusedPairs, refusedClocks } = this.#samples
    return {
      refused_clock_pairs: refusedPairs,
      refused_clocks: refusedClocks,
      forgotten_clock_steps: this.#steps.forgotten,
      ...this.#tracks.limits,
    }
  }

  /** Pairs whose turn it is, so that a round takes a bounded time. */
  #due(pairs: readonly DomainPair[]): readonly DomainPair[] {
    if (pairs.length <= FITS_A_ROUND) return pairs
    const from = this.#nextFit % pairs.length
    this.#nextFit = from + FITS_A_ROUND
    return [...pairs, ...pairs].slice(from, from + FITS_A_ROUND)
  }

  #spread(pairs: readonly DomainPair[], fitOf: (pair: DomainPair) => OffsetFit | null) {
    const edges: ClockEdge[] = []
    for (const pair of pairs) {
      const fit = fitOf(pair)
      if (fit) edges.push({ first: pair.first, second: pair.second, fit })
    }
    return spreadOffsets(edges, this.#samples.spansOf)
  }

  #group(): void {
    this.#groups = groupClocks(this.#tracks.all, this.#samples.spansOf, (domain) => this.#steps.of(domain))
    this.#groupOf = new Map(this.#groups.flatMap((group) => group.members.map((member) => [member, group] as const)))
  }
}

function agree(a: LiveOffset, b: LiveOffset): boolean {
  const toleranceNano = Math.max(MAX_EQUAL_NANO, SIGNIFICANCE * Math.hypot(a.halfWidthNano, b.halfWidthNano))
  return a.root === b.root && Math.abs(a.offsetNano - b.offsetNano) <= toleranceNano
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
