import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { spreadOffsets } from '../../../../processors/span-lifetime/clocks/clock-graph.ts'
import { ClockDomains, clockSourceOf } from '../../../../processors/span-lifetime/clocks/clock-source.ts'
import { findSteps } from '../../../../processors/span-lifetime/clocks/find-steps.ts'
import { fitOffset } from '../../../../processors/span-lifetime/clocks/offset-fit.ts'
import { KEPT, SampleBucket } from '../../../../processors/span-lifetime/clocks/sample-bucket.ts'
import { SampleWindow } from '../../../../processors/span-lifetime/clocks/sample-window.ts'

const MS = 1e6

/** A generator of numbers from 0 to 1 that is the same in every run. */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

interface Call {
  readonly offsetMs: number
  readonly thereMs: number
  readonly backMs: number
}

/** Samples of `callsASecond` calls a second for 30 s, each as `call` says for its second. */
function windowOf(callsASecond: number, call: (second: number) => Call): SampleWindow {
  const window = new SampleWindow()
  for (let second = 0; second < 30; second++) {
    const bucket = new SampleBucket(second)
    for (let i = 0; i < callsASecond; i++) {
      const timeS = second + (i + 0.5) / callsASecond
      const { offsetMs, thereMs, backMs } = call(timeS)
      bucket.add(timeS, (offsetMs - backMs) * MS, (offsetMs + thereMs) * MS)
    }
    window.add(bucket, 1, 0, 30)
  }
  return window
}

describe('fitOffset', () => {
  const random = seeded(7)
  const queue = () => -Math.log(1 - random())
  it.each<[string, number, (second: number) => Call, number]>([
    ['equal ways', 20, () => ({ offsetMs: 3, thereMs: 1, backMs: 1 }), 3],
    ['an offset that no call shows', 20, () => ({ offsetMs: 0.3, thereMs: 1 + queue(), backMs: 1 + queue() }), 0.3],
    [
      'queues on the way there under load',
      60,
      () => ({ offsetMs: 3, thereMs: 1 + 4 * queue(), backMs: 1 + 0.1 * queue() }),
      3,
    ],
    [
      'a tenth of calls that are wrong',
      20,
      () => ({ offsetMs: random() < 0.1 ? 40 : 3, thereMs: 1 + 0.2 * queue(), backMs: 1 + 0.2 * queue() }),
      3,
    ],
    [
      'a drift of 100 ppm',
      20,
      (s) => ({ offsetMs: s * 0.1, thereMs: 1 + 0.2 * queue(), backMs: 1 + 0.2 * queue() }),
      1.5,
    ],
  ])('finds it in the middle of %s', (_, rate, call, expectedMs) => {
    const fit = fitOffset(windowOf(rate, call), 15)!
    expect(Math.abs(fit.offsetNano / MS - expectedMs)).toBeLessThan(0.15)
    expect(Math.abs(fit.offsetNano / MS - expectedMs)).toBeLessThan((3 * fit.halfWidthNano) / MS + 0.05)
    expect(fit.lowerNano).toBeLessThanOrEqual(fit.offsetNano)
    expect(fit.upperNano).toBeGreaterThanOrEqual(fit.offsetNano)
  })

  it.each([1, 2, 20])('follows a drift of 100 ppm to the end of the window by %i calls a second', (rate) => {
    const drift = (s: number) => ({ offsetMs: s * 0.1, thereMs: 1 + 0.2 * queue(), backMs: 1 + 0.2 * queue() })
    const fit = fitOffset(windowOf(rate, drift), 30)!
    expect(fit.slopeNanoPerS / MS).toBeCloseTo(0.1, 1)
    expect(Math.abs(fit.offsetNano / MS - 3)).toBeLessThan(0.3)
    expect(fit.halfWidthNano / MS).toBeLessThan(0.3)
  })

  it('leaves out, of few calls, those that were stuck in a queue on one way', () => {
    const call = (s: number) => ({
      offsetMs: 3,
      thereMs: 1 + 0.2 * queue() + (Math.floor(s) % 4 === 0 ? 0 : 20 + 80 * random()),
      backMs: 1 + 0.2 * queue(),
    })
    const fit = fitOffset(windowOf(1, call), 15)!
    expect(Math.abs(fit.offsetNano / MS - 3)).toBeLessThan(0.3)
    expect(fit.halfWidthNano / MS).toBeLessThan(0.5)
  })

  it.each([
    ['around a step that is not found yet, by the calls of that time', 25, 10],
    ['but not long before it', 10, 0.5],
  ])('is unsure %s', (_, atS, halfWidthMs) => {
    const set = (s: number) => ({ offsetMs: s > 22 ? 10 : 0, thereMs: 1 + 0.2 * queue(), backMs: 1 + 0.2 * queue() })
    const fit = fitOffset(windowOf(2, set), atS)!
    expect(Math.abs(fit.offsetNano / MS - (atS > 22 ? 10 : 0))).toBeLessThan(fit.halfWidthNano / MS + 0.3)
    expect(fit.halfWidthNano / MS).toBeLessThan(halfWidthMs + 0.5)
  })

  it('says nothing from a handful of calls', () => {
    expect(
      fitOffset(
        windowOf(0, () => ({ offsetMs: 0, thereMs: 1, backMs: 1 })),
        15,
      ),
    ).toBeNull()
    const few = new SampleWindow()
    const bucket = new SampleBucket(1)
    for (let i = 0; i < 9; i++) bucket.add(1 + i / 10, -1 * MS, 1 * MS)
    few.add(bucket, 1, 0, 30)
    expect(fitOffset(few, 15)).toBeNull()
  })

  it('is unsure where the way back is long: a span that ends before its answer looks the same', () => {
    const fit = fitOffset(
      windowOf(20, () => ({ offsetMs: 0, thereMs: 1, backMs: 200 })),
      15,
    )!
    expect(fit.halfWidthNano).toBeGreaterThan(Math.abs(fit.offsetNano) / 3)
  })

  it('proves an offset by calls that would otherwise end before they began', () => {
    const fit = fitOffset(
      windowOf(20, () => ({ offsetMs: -3, thereMs: 1, backMs: 1 })),
      15,
    )!
    expect(fit.upperNano).toBeLessThan(0)
  })
})

describe('findSteps', () => {
  const random = seeded(3)
  const call = (offsetMs: number): Call => ({ offsetMs, thereMs: 1 + random() / 4, backMs: 1 + random() / 4 })

  it.each([
    ['up by 20 ms', 20],
    ['down by 5 ms', -5],
    ['up by 2 ms', 2],
  ])('places a step %s between the calls around it', (_, jumpMs) => {
    const [step, ...others] = findSteps(windowOf(10, (s) => call(s > 12.33 ? jumpMs : 0))).steps
    expect(others).toEqual([])
    expect(step!.jumpNano / MS).toBeCloseTo(jumpMs, 0)
    expect(Math.abs(step!.atS - 12.33)).toBeLessThan(0.35)
  })

  it.each<[string, (second: number) => number]>([
    ['a steady offset', () => 5],
    ['a drift of 200 ppm', (s) => s * 0.2],
  ])('sees none in %s', (_, offsetMs) => {
    expect(findSteps(windowOf(10, (s) => call(offsetMs(s)))).steps).toEqual([])
  })

  it('sees none in a load on the way there', () => {
    const loaded = (s: number) => ({ ...call(0), thereMs: s > 12 ? 2.4 + random() / 4 : 1 + random() / 4 })
    expect(findSteps(windowOf(10, loaded)).steps).toEqual([])
  })

  it('sees none in a drift of 300 ppm between bursts of calls, which say nothing of a slope', () => {
    const window = new SampleWindow()
    for (let second = 0; second < 90; second += 3) {
      const bucket = new SampleBucket(second)
      for (let i = 0; i < 16; i++) {
        const timeS = second + i / 100
        const { offsetMs, thereMs, backMs } = call(timeS * 0.3)
        bucket.add(timeS, (offsetMs - backMs) * MS, (offsetMs + thereMs) * MS)
      }
      window.add(bucket, 1, 0, 90)
    }
    expect(findSteps(window).steps).toEqual([])
  })

  /** Eight calls each: when, their offset, how they scatter, and the way there and back. As many waited far longer. */
  it.each<[string, readonly (readonly [number, number, number, number])[]]>([
    [
      'a load before a pause of a clock that drifts by 300 ppm',
      [
        [11.4, 9.9, 0.05, 1.6],
        [12.1, 9.3, 0.05, 3.2],
        [13.5, 10.7, 0.05, 2.2],
        [14.4, 10.7, 0.05, 1.8],
      ],
    ],
    [
      'calls of which half are wrong',
      [
        [10, 9.9, 0.3, 2],
        [18, 10.5, 8, 2],
        [24, 14.4, 0.3, 2],
        [28, 15.6, 0.3, 2],
      ],
    ],
  ])('sees none in %s', (_, runs) => {
    const window = new SampleWindow()
    for (const [second, offsetMs, scatterMs, delayMs] of runs) {
      const bucket = new SampleBucket(Math.floor(second))
      for (let i = 0; i < 16; i++) {
        const [offset, delay] = [offsetMs + ((i % 8) - 3.5) * scatterMs * 0.3, i < 8 ? delayMs : 50]
        bucket.add(second + i / 50, (offset - delay / 2) * MS, (offset + delay / 2) * MS)
      }
      window.add(bucket, 1, 0, 30)
    }
    expect(findSteps(window).steps).toEqual([])
  })
})

describe('SampleBucket', () => {
  it('keeps the same samples however calls are spread over shards', () => {
    const calls = fc.array(
      fc.record({
        at: fc.integer({ min: 0, max: 999 }),
        lower: fc.integer({ min: -50, max: 0 }),
        delay: fc.integer({ min: 0, max: 20 }),
        shard: fc.nat(6),
      }),
      { maxLength: 80 },
    )
    fc.assert(
      fc.property(calls, (list) => {
        const one = new SampleBucket(0)
        const shards = Array.from({ length: 7 }, () => new SampleBucket(0))
        for (const { at, lower, delay, shard } of list) {
          one.add(at / 1000, lower, lower + delay)
          shards[shard]!.add(at / 1000, lower, lower + delay)
        }
        const merged = new SampleBucket(0)
        for (const shard of shards.reverse()) merged.merge(shard)
        expect(merged.kept).toBe(Math.min(KEPT, list.length))
        expect(merged.samples.slice(0, merged.kept * 3)).toEqual(one.samples.slice(0, one.kept * 3))
        expect([merged.count, merged.lower, merged.upper]).toEqual([one.count, one.lower, one.upper])
      }),
      { numRuns: 200 },
    )
  })
})

describe('spreadOffsets', () => {
  const fitted = (offsetNano: number, halfWidthNano = 10) => ({
    offsetNano,
    slopeNanoPerS: 0,
    halfWidthNano,
    contradictedNano: 0,
    delayNano: 0,
    lowerNano: offsetNano - 5,
    upperNano: offsetNano + 5,
  })
  const spans = (domain: string) => ({ a: 10, b: 30, c: 10, x: 1, y: 2 })[domain] ?? 0

  it('takes the most certain way from the domain with most spans, each component apart', () => {
    const offsets = spreadOffsets(
      [
        { first: 'a', second: 'b', fit: fitted(100) },
        { first: 'b', second: 'c', fit: fitted(50) },
        { first: 'a', second: 'c', fit: fitted(900, 1000) },
        { first: 'x', second: 'y', fit: fitted(7) },
      ],
      spans,
    )
    const shown = [...offsets].map(([domain, { root, offsetNano, lowerNano, upperNano }]) => [
      domain,
      root,
      offsetNano,
      lowerNano,
      upperNano,
    ])
    expect(shown.sort()).toEqual([
      ['a', 'b', -100, -105, -95],
      ['b', 'b', 0, 0, 0],
      ['c', 'b', 50, 45, 55],
      ['x', 'y', -7, -12, -2],
      ['y', 'y', 0, 0, 0],
    ])
  })
})

describe('clock domains', () => {
  const sourceOf = (attributes: Record<string, unknown>, instance = '') =>
    clockSourceOf(new Map(Object.entries(attributes)), instance)

  it.each<[string, Record<string, unknown>[], string]>([
    ['host.id before all', [{ 'host.id': 'i-1', 'k8s.node.name': 'n', 'host.name': 'h' }], 'i-1'],
    ['the node of a pod', [{ 'k8s.node.name': 'n', 'host.name': 'pod', 'host.ip': '10.0.0.1' }], 'n'],
    [
      'a host name that two instances share',
      [
        { 'host.name': 'h', 'host.ip': '10.0.0.1' },
        { 'host.name': 'h', 'host.ip': '10.0.0.2' },
      ],
      'h',
    ],
    [
      'the address where the host name is that of one container',
      [{ 'host.name': 'h', 'host.ip': '["10.0.0.1","10.0.0.9"]' }],
      '10.0.0.1',
    ],
    [
      'the address where the host name is that of the pod',
      [
        { 'host.name': 'p', 'k8s.pod.name': 'p', 'host.ip': '10.0.0.1' },
        { 'host.name': 'p', 'k8s.pod.name': 'p', 'host.ip': '10.0.0.2' },
      ],
      '10.0.0.1',
    ],
    ['the host name where there is nothing else', [{ 'host.name': 'h' }], 'h'],
  ])('are named by %s', (_, resources, expected) => {
    const domains = new ClockDomains()
    const sources = resources.map((attributes) => sourceOf(attributes)!)
    for (const source of sources) domains.add(source)
    expect(domains.nameOf(sources[0]!)).toBe(expected)
  })

  it('are named by the instance, and by nothing where there is none', () => {
    expect(new ClockDomains().nameOf(sourceOf({}, 'pod-7')!)).toBe('pod-7')
    expect(sourceOf({ 'service.name': 'cart' })).toBeNull()
  })
})
