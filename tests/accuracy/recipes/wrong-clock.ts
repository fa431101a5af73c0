import { clockDomains } from '../model/clock-domains.ts'
import { groupBy } from '../model/recording.ts'
import type { Span } from '../model/span.ts'
import type { Break, Needed } from '../model/truth.ts'
import { usualOffsetNano } from '../model/usual-offset.ts'
import type { Ground, Recipe } from './recipe.ts'

const KEY = 'clock domain'
const IDENTIFIABLE = 'at least 60 calls between the domain and others'
const CALLS_FROM = 60
/** To tell a step from a load takes 16 calls on each side that hardly waited, as half of them do; in one pair, since ways differ. */
const CALLS_BESIDE_STEP = 32
/** A call that waited more than so many times what the best quarter of its pair did says more of a queue than of a clock. */
const MOST_DELAYED = 2
/** A drift is told from a load on the way by that many seconds, each with a call; in one pair, too. */
const SECONDS_OF_DRIFT = 20
/** From what two clocks are said to differ, and what estimates of that scatter by. */
const TOLERANCE_NANO = 1_500_000

/** A clock that is wrong by the same amount all the time. */
export const shiftedClock: Recipe = {
  name: 'clock shifted',
  rule: 'CLOCK-001',
  what: 'the clock of one domain is off by 20, 5 or 2 ms (in the columns of the shares 1, 0.3 and 0.05)',
  causes: '`steady`',
  key: KEY,
  identifiable: `${IDENTIFIABLE}; it then differs from the clock of the domain with most spans by more than 1.5 ms (some recordings' clocks differ as they are)`,
  inject(ground) {
    const nano = signed(ground, { 1: 20e6, 0.3: 5e6, 0.05: 2e6 })
    return setClock(ground, this.name, 'CLOCK-001', 'steady', () => nano, nano)
  },
}

/** A clock that runs too fast or too slow. */
export const driftingClock: Recipe = {
  name: 'clock drifting',
  rule: 'CLOCK-001',
  what: 'the clock of one domain drifts by 20, 6 or 3 ms in the course of the recording',
  causes: '`drifting`',
  key: KEY,
  identifiable: `${IDENTIFIABLE}, with one other domain in ${SECONDS_OF_DRIFT} different seconds`,
  inject(ground) {
    const nano = signed(ground, { 1: 20e6, 0.3: 6e6, 0.05: 3e6 })
    return setClock(ground, this.name, 'CLOCK-001', 'drifting', (part) => nano * part)
  },
}

/** A clock that is set while services run. */
export const steppedClock: Recipe = {
  name: 'clock stepped',
  rule: 'CLOCK-002',
  what: 'the clock of one domain jumps by 100, 30 or 10 ms in the middle third of the recording',
  causes: '`step`',
  key: KEY,
  identifiable: `${IDENTIFIABLE}, of them ${CALLS_BESIDE_STEP} before the step and ${CALLS_BESIDE_STEP} after it with one other domain that waited at most ${MOST_DELAYED} times as long on their way as the best quarter`,
  inject(ground) {
    const nano = signed(ground, { 1: 100e6, 0.3: 30e6, 0.05: 10e6 })
    const when = ground.random.between(1 / 3, 2 / 3)
    return setClock(ground, this.name, 'CLOCK-002', 'step', (part) => (part < when ? 0 : nano), null, when)
  },
}

function signed({ share, random }: Ground, sizes: Readonly<Record<number, number>>): number {
  return (random.chance(0.5) ? 1 : -1) * sizes[share]!
}

/** `offsetNano` by the part of the recording that has passed; a span keeps the clock that it started with. */
function setClock(
  { recording, random, taken }: Ground,
  recipe: string,
  rule: 'CLOCK-001' | 'CLOCK-002',
  cause: string,
  offsetNano: (part: number) => number,
  steadyNano: number | null = null,
  stepAt: number | null = null,
): Break[] {
  const domains = clockDomains(recording)
  const between = recording.spans.filter(
    (span) => span.parent !== null && domains.get(span) !== domains.get(span.parent),
  )
  const calls = new Map<string, number>()
  for (const span of between)
    for (const one of [span, span.parent!]) calls.set(domains.get(one)!, (calls.get(domains.get(one)!) ?? 0) + 1)
  const members = groupBy(recording.spans, (span) => domains.get(span)!)
  const fits = [...calls].filter(
    ([domain, count]) => count >= CALLS_FROM && !members.get(domain)!.some((span) => taken.has(span.service)),
  )
  if (fits.length === 0) return []
  const domain = random.pick(fits.map(([name]) => name).sort())
  const spans = members.get(domain)!
  for (const span of spans) taken.add(span.service)
  const largest = [...members].reduce((most, one) => (one[1].length > most[1].length ? one : most))[0]
  const usualNano = usualOffsetNano(between, domains, domain, largest) ?? 0
  const isOff = steadyNano === null || Math.abs(usualNano + steadyNano) > TOLERANCE_NANO
  const { startNano: from, endNano } = recording.times
  const length = Number(endNano - from)
  const partAt = ({ startNano }: Span) => Number(startNano - from) / length
  // The times of a span come from one reading of the wall clock and the monotonic one since.
  for (const span of spans) span.clockNano += BigInt(Math.round(offsetNano(partAt(span))))
  const place = { service: domain, operation: null, edge: null }
  const own = between.filter((span) => [span, span.parent!].some((one) => domains.get(one) === domain))
  const enough: Needed[] = [{ entries: own, atLeast: CALLS_FROM }]
  if (stepAt !== null) enough.push(...besideStep(own))
  else if (steadyNano === null) enough.push(inManySeconds(own))
  const first = spans
    .filter((span) => stepAt === null || partAt(span) >= stepAt)
    .reduce((least, span) => (span.endNano < least.endNano ? span : least))
  const occurrences = [{ spans: [first], identifiable: isOff, enough }]

  /** Those on both sides of the step with the domain of which there are most on the poorer side. */
  function besideStep(calls: readonly Span[]): Needed[] {
    const sides = byOther(calls).map((list) => [
      withoutQueued(list).filter((span) => partAt(span) < stepAt!),
      withoutQueued(list).filter((span) => partAt(span) >= stepAt!),
    ])
    const poorer = (pair: Span[][]) => Math.min(...pair.map(({ length }) => length))
    const best = sides.reduce((most, pair) => (poorer(pair) > poorer(most) ? pair : most))
    return best.map((entries) => ({ entries, atLeast: CALLS_BESIDE_STEP }))
  }

  /** Those with the domain with which there are calls in most seconds. */
  function inManySeconds(calls: readonly Span[]): Needed {
    const seconds = (list: readonly Span[]) => new Set(list.map(secondOf)).size
    const entries = byOther(calls).reduce((most, list) => (seconds(list) > seconds(most) ? list : most))
    return { entries, atLeast: SECONDS_OF_DRIFT, momentOf: secondOf }
  }

  function byOther(calls: readonly Span[]): readonly Span[][] {
    const domainsOf = (span: Span) => [span, span.parent!].map((one) => domains.get(one)!).sort()
    return [...groupBy(calls, (span) => domainsOf(span).join('\0')).values()]
  }

  const excused = rule === 'CLOCK-002' ? [{ rule: 'CLOCK-001', service: domain }] : []
  return [{ recipe, rules: [rule], causes: [cause], place, occurrences, excused }]
}

function secondOf({ startNano }: Span): number {
  return Number(startNano / 1_000_000_000n)
}

/** Without calls that were given up, or waited far longer than others. */
function withoutQueued(calls: readonly Span[]): readonly Span[] {
  const delayOf = ({ startNano, endNano, parent }: Span) =>
    Number(parent!.endNano - parent!.startNano - (endNano - startNano))
  const answered = calls.filter((span) => delayOf(span) >= 0).sort((a, b) => delayOf(a) - delayOf(b))
  const best = answered[answered.length >> 2]
  return best ? answered.filter((span) => delayOf(span) <= MOST_DELAYED * delayOf(best)) : []
}
