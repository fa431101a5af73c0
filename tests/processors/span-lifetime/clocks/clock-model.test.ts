import { describe, expect, it } from '@jest/globals'
import { ClockModel } from '../../../../processors/span-lifetime/clocks/clock-model.ts'
import { SampleBucket } from '../../../../processors/span-lifetime/clocks/sample-bucket.ts'

const START_S = 1_800_000_000
const MS = 1e6

/** How far the clock of each host is ahead, in ms, at a second. */
type Clocks = Readonly<Record<string, (second: number) => number>>

interface Calls {
  readonly from: string
  readonly to: string
  readonly aSecond: number
  /** In which seconds; in all, if absent. */
  readonly isNow?: (second: number) => boolean
}

/** What a model knows after `seconds` of calls between hosts, each a millisecond on its way, and of silence. */
function modelOf(clocks: Clocks, calls: readonly Calls[], seconds: number, silentS = 40): ClockModel {
  const model = new ClockModel({ maxClocks: 100, maxPairs: 100, maxPoints: 100_000 })
  const sources = Object.keys(clocks).map((name, i) => ({
    source: { key: name, machine: name, host: null, ip: null, instance: null },
    spans: 1000 - i,
  }))
  for (let second = 0; second < seconds + silentS; second++) {
    const pairs = calls.map(({ from, to, aSecond, isNow = () => true }) => {
      const bucket = new SampleBucket(START_S + second)
      for (let i = 0; i < (second < seconds && isNow(second) ? aSecond : 0); i++) {
        const at = second + (i + 0.5) / aSecond
        const offset = clocks[to]!(at) - clocks[from]!(at)
        const way = 1 + ((i * 7 + second * 3) % 10) / 50
        bucket.add(START_S + at, (offset - way) * MS, (offset + way) * MS)
      }
      return { first: from, second: to, buckets: bucket.count > 0 ? [bucket] : [] }
    })
    model.add({ sources, pairs, refusedPairs: 0 }, (START_S + second) * 1000)
    model.update((START_S + second) * 1000)
  }
  model.rows()
  return model
}

function stepsOf(model: ClockModel): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(
    model.groups
      .filter(({ steps }) => steps.length > 0)
      .map(({ domain, steps }) => [
        domain,
        steps.map(({ atS, jumpNano }) => `${Math.round(atS - START_S)} s ${Math.round(jumpNano / MS)} ms`),
      ]),
  )
}

const STILL = () => 0
const setBy = (ms: number, atS: number) => (second: number) => (second < atS ? 0 : ms)
const STAR: readonly Calls[] = ['a', 'b', 'c', 'rare'].map((to) => ({
  from: 'hub',
  to,
  aSecond: to === 'rare' ? 1 : 10,
}))

describe('ClockModel', () => {
  it.each<[string, Clocks, Readonly<Record<string, readonly string[]>>]>([
    [
      'of a host that all others are reached through is its own',
      { a: STILL, b: STILL, c: STILL, rare: STILL, hub: setBy(-30, 30) },
      { hub: ['30 s -30 ms'] },
    ],
    [
      'of one of those is its own',
      { hub: STILL, a: setBy(30, 30), b: STILL, c: STILL, rare: STILL },
      { a: ['30 s 30 ms'] },
    ],
    [
      'is found by one call a second, too',
      { hub: STILL, a: STILL, b: STILL, c: STILL, rare: setBy(100, 30) },
      { rare: ['30 s 100 ms'] },
    ],
    ['is none of a drift', { hub: STILL, a: (s) => s * 0.3, b: STILL, c: STILL, rare: STILL }, {}],
  ])('a step %s', (_, clocks, expected) => {
    expect(stepsOf(modelOf(clocks, STAR, 70))).toEqual(expected)
  })

  it('tells a step between two bursts of calls from what another clock drifts by meanwhile', () => {
    const drifting = (s: number) => -0.4 * s
    const calls = STAR.map((call) =>
      call.to === 'rare' ? { ...call, aSecond: 20, isNow: (s: number) => s % 12 < 4 } : call,
    )
    const model = modelOf({ hub: drifting, a: STILL, b: STILL, c: STILL, rare: setBy(5, 30) }, calls, 80)
    expect(stepsOf(model)).toEqual({ rare: ['32 s 5 ms'] })
  })

  it('follows a step back to the seconds before it was found', () => {
    const model = modelOf({ hub: STILL, a: setBy(30, 30), b: STILL, c: STILL, rare: STILL }, STAR, 70)
    for (const [second, expectedMs] of [
      [28, 0],
      [31, 30],
    ] as const)
      expect(Math.round(model.settledDifference('a', 'hub', START_S + second, 0)!.nano / MS)).toBe(expectedMs)
  })

  it.each([
    ['hub', 7_200_000],
    ['b', 7_200_005],
    ['a', 0],
  ])('knows how far a clock, that of the reference too, is ahead of the last: %s', (domain, expectedMs) => {
    const model = modelOf({ hub: STILL, a: () => -7_200_000, b: () => 5, c: STILL, rare: STILL }, STAR, 30, 0)
    expect(Math.round(model.aheadNano(domain) / MS)).toBe(expectedMs)
  })

  it('knows a difference between seconds of calls by the nearest, the less surely the further', () => {
    const model = modelOf({ hub: STILL, a: setBy(5, 0) }, [{ from: 'hub', to: 'a', aSecond: 10 }], 30)
    const known = (second: number) => model.settledDifference('a', 'hub', START_S + second, 15)
    const last = model.settledDifference('a', 'hub', START_S + 29, 0)!
    expect(Math.round(known(40)!.nano / MS)).toBe(5)
    expect(known(40)!.uncertainNano).toBeGreaterThan(last.uncertainNano + 2 * MS)
    expect(known(60)).toBeNull()
  })
})
