import { attributeStep, type StepWitness } from './attribute-steps.ts'
import { type DomainPair, REACH_S, windowOf } from './domain-pair.ts'
import { findSteps, MAX_DRIFT, type SeenStep, type Step, steadiest } from './find-steps.ts'
import { HISTORY_S } from './pair-samples.ts'
import { meanOf, medianOf } from './robust.ts'

/** Jumps of several pairs are of one step when they are this close and of one size up to this share. */
const NEAR_S = 5
const ALIKE = 0.35
/** Calls nearest to a step on each side that say whether a pair saw it, how far they may be, and how few are enough. */
const WITNESSES = { most: 8, least: 4, withinS: 10 } as const
/** Who was set is looked at again every so many rounds: more calls come after a step. */
const AGAIN_ROUNDS = 5
/** A step that moved by less is where it was. */
const SAME_PLACE_S = 0.5
/** Steps of one domain. */
const MAX_STEPS = 100

/** A jump as calls between two domains show it. */
interface Jump extends SeenStep {
  readonly pair: DomainPair
}

/**
 * The steps of all clocks: each pair's jumps within the history are found anew as more is known after them, and told whose
 * clock it was; older steps stand. Bounded: of each clock the last steps, and beyond `maxDomains` the clock goes first
 * whose step is the oldest.
 */
export class ClockSteps {
  readonly #maxDomains: number
  readonly #found = new Map<DomainPair, readonly SeenStep[]>()
  #byDomain = new Map<string, Step[]>()
  /** Domains that a step of one makes uncertain: its own and those that it calls or is called by. */
  #touched = new Map<string, ReadonlySet<string>>()
  #said = ''
  #round = 0
  forgotten = 0

  constructor(maxDomains: number) {
    this.#maxDomains = maxDomains
  }

  of(domain: string): readonly Step[] {
    return this.#byDomain.get(domain) ?? []
  }

  /** Of both clocks. */
  ofPair({ first, second }: DomainPair): readonly Step[] {
    const own = this.#byDomain.get(first)
    const other = this.#byDomain.get(second)
    if (!own) return other ?? []
    return other ? [...own, ...other] : own
  }

  /** How far a clock was set between two times, all its steps together. */
  #ownNano(domain: string, fromS: number, untilS: number): number {
    let sumNano = 0
    for (const { atS, jumpNano } of this.of(domain)) if (atS >= fromS && atS <= untilS) sumNano += Math.abs(jumpNano)
    return sumNano
  }

  /** How far one of the clocks between which these are compared was set at most. */
  aroundNano(domains: readonly (string | null)[], fromS: number, untilS: number): number {
    let mostNano = 0
    for (const [domain, touched] of this.#touched)
      if (domains.some((one) => one !== null && touched.has(one)))
        mostNano = Math.max(mostNano, this.#ownNano(domain, fromS, untilS))
    return mostNano
  }

  /** Looks at the pairs whose turn it is; returns the times around which offsets must be estimated anew. */
  update(
    pairs: readonly DomainPair[],
    due: readonly DomainPair[],
    spansOf: (domain: string) => number,
    nowS: number,
  ): readonly number[] {
    const fromS = nowS - HISTORY_S
    const standsS = fromS + REACH_S
    for (const pair of due) {
      const { steps, fromS: judgedS } = findSteps(windowOf(pair, fromS, nowS + REACH_S))
      const found = steps.filter(({ atS }) => atS >= standsS)
      // As calls are forgotten, a step that was found stays, unless those that are left contradict it.
      const kept = (this.#found.get(pair) ?? []).filter(
        (step) =>
          step.atS >= standsS &&
          !found.some((other) => isNear(step, other)) &&
          (step.atS < judgedS || directionAt(pair, step.atS, step.gapS / 2, Math.abs(step.jumpNano)) !== 0),
      )
      const all = [...kept, ...found]
      if (all.length > 0) this.#found.set(pair, all)
      else this.#found.delete(pair)
    }
    const known = new Set(pairs)
    const jumps: Jump[] = []
    for (const [pair, found] of this.#found) {
      if (!known.has(pair)) this.#found.delete(pair)
      else for (const step of found) if (step.atS >= standsS) jumps.push({ ...step, pair })
    }
    const said = jumps.map(({ pair, atS }) => `${pair.first} ${pair.second} ${atS.toFixed(1)}`).join('\n')
    const isAgain = jumps.length > 0 && this.#round++ % AGAIN_ROUNDS === 0
    if (said === this.#said && !isAgain) return []
    this.#said = said
    return this.#attribute(pairs, jumps, spansOf, standsS)
  }

  #attribute(
    pairs: readonly DomainPair[],
    jumps: readonly Jump[],
    spansOf: (domain: string) => number,
    standsS: number,
  ): readonly number[] {
    const before = this.#byDomain
    const after = new Map<string, Step[]>()
    for (const [domain, steps] of before) {
      const standing = steps.filter(({ atS }) => atS < standsS)
      if (standing.length > 0) after.set(domain, standing)
    }
    // A pair that saw a step last still sees it when the others have forgotten it.
    const isStanding = ({ pair, atS, jumpNano }: Jump) =>
      [pair.first, pair.second].some((domain) =>
        after.get(domain)?.some((step) => isNear(step, { atS, jumpNano }) && isAlike(jumpNano, step.jumpNano)),
      )
    for (const event of eventsOf(jumps.filter((jump) => !isStanding(jump)))) {
      const best = event.reduce((least, jump) => (jump.gapS < least.gapS ? jump : least))
      const sizeNano = medianOf(event.map(({ jumpNano }) => Math.abs(jumpNano)))
      const set = attributeStep(witnessesOf(pairs, event, best, sizeNano), spansOf)
      for (const [domain, direction] of set) {
        const steps = after.get(domain) ?? []
        steps.push({ atS: best.atS, jumpNano: direction * sizeNano })
        after.set(domain, steps)
      }
    }
    this.#keep(after)
    this.#touched = new Map([...this.#byDomain.keys()].map((domain) => [domain, neighboursOf(domain, pairs)]))
    return changedTimes(before, this.#byDomain)
  }

  #keep(steps: Map<string, Step[]>): void {
    for (const list of steps.values()) {
      list.sort((a, b) => a.atS - b.atS)
      if (list.length > MAX_STEPS) this.forgotten += list.splice(0, list.length - MAX_STEPS).length
    }
    if (steps.size > this.#maxDomains) {
      const byAge = [...steps.keys()].sort((a, b) => steps.get(a)!.at(-1)!.atS - steps.get(b)!.at(-1)!.atS)
      for (const domain of byAge.slice(0, steps.size - this.#maxDomains)) {
        this.forgotten += steps.get(domain)!.length
        steps.delete(domain)
      }
    }
    this.#byDomain = steps
  }
}

/** Parts jumps by time and size: each part is one step, as several pairs saw it. */
function eventsOf(jumps: readonly Jump[]): readonly Jump[][] {
  const events: Jump[][] = []
  for (const jump of [...jumps].sort((a, b) => a.atS - b.atS)) {
    const event = events.find(
      (one) =>
        jump.atS - one[0]!.atS <= NEAR_S + (jump.gapS + one[0]!.gapS) / 2 &&
        isAlike(jump.jumpNano, one[0]!.jumpNano) &&
        !one.some(({ pair }) => pair === jump.pair),
    )
    if (event) event.push(jump)
    else events.push([jump])
  }
  return events
}

/** Every pair of a domain that jumped says whether it did, too. */
function witnessesOf(
  pairs: readonly DomainPair[],
  event: readonly Jump[],
  { atS, gapS }: Jump,
  sizeNano: number,
): readonly StepWitness[] {
  const directions = new Map(event.map(({ pair, jumpNano }) => [pair, jumpNano > 0 ? 1 : -1] as const))
  const concerned = new Set(event.flatMap(({ pair }) => [pair.first, pair.second]))
  return pairs.flatMap((pair): readonly StepWitness[] => {
    if (!concerned.has(pair.first) && !concerned.has(pair.second)) return []
    const direction = directions.get(pair) ?? directionAt(pair, atS, gapS / 2, sizeNano)
    return direction === null ? [] : [{ first: pair.first, second: pair.second, direction }]
  })
}

/**
 * Whether the offset of a pair jumped by that much at that time, more than it drifts; null where its calls do not tell.
 */
function directionAt(pair: DomainPair, atS: number, marginS: number, sizeNano: number): 1 | 0 | -1 | null {
  const window = windowOf(pair, atS - WITNESSES.withinS, atS + WITNESSES.withinS)
  const { times, offsets } = window.leastDelayed(steadiest(window.calls))
  let before = 0
  let after = 0
  for (const timeS of times) {
    if (timeS < atS - marginS) before++
    if (timeS <= atS + marginS) after++
  }
  if (Math.min(before, times.length - after) < WITNESSES.least) return null
  const last = Math.max(0, before - WITNESSES.most)
  const first = Math.min(times.length, after + WITNESSES.most)
  const apartS = meanOf(times, after, first) - meanOf(times, last, before)
  const slope = (slopeWithin(times, offsets, 0, before) + slopeWithin(times, offsets, after, times.length)) / 2
  const driftNano = Math.max(-MAX_DRIFT, Math.min(MAX_DRIFT, slope)) * 1e9 * apartS
  const jumpNano = medianOf(offsets, after, first) - medianOf(offsets, last, before) - driftNano
  if (isAlike(jumpNano, sizeNano)) return jumpNano > 0 ? 1 : -1
  return Math.abs(jumpNano) <= ALIKE * sizeNano ? 0 : null
}

/** How the samples from one to before another drift, from half to half; zero where they are too few. */
function slopeWithin(times: Float64Array, offsets: Float64Array, from: number, until: number): number {
  const middle = (from + until) >> 1
  if (middle - from < WITNESSES.least) return 0
  const seconds = meanOf(times, middle, until) - meanOf(times, from, middle)
  return seconds <= 0 ? 0 : (medianOf(offsets, middle, until) - medianOf(offsets, from, middle)) / (1e9 * seconds)
}

function isNear(a: Step, b: Step): boolean {
  return Math.abs(a.atS - b.atS) <= NEAR_S
}

function isAlike(jumpNano: number, otherNano: number): boolean {
  return Math.abs(Math.abs(jumpNano) - Math.abs(otherNano)) <= ALIKE * Math.abs(otherNano)
}

function neighboursOf(domain: string, pairs: readonly DomainPair[]): ReadonlySet<string> {
  const neighbours = new Set([domain])
  for (const { first, second } of pairs) {
    if (first === domain) neighbours.add(second)
    if (second === domain) neighbours.add(first)
  }
  return neighbours
}

/** Times of steps that came, went or moved. */
function changedTimes(
  before: ReadonlyMap<string, readonly Step[]>,
  after: ReadonlyMap<string, readonly Step[]>,
): readonly number[] {
  const changed: number[] = []
  const compare = (some: typeof before, others: typeof before) => {
    for (const [domain, steps] of some)
      for (const { atS } of steps)
        if (!others.get(domain)?.some((step) => Math.abs(step.atS - atS) < SAME_PLACE_S)) changed.push(atS)
  }
  compare(before, after)
  compare(after, before)
  return changed
}
