import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { medianOf, select } from '../../../../processors/span-lifetime/clocks/robust.ts'
import { SampleBucket } from '../../../../processors/span-lifetime/clocks/sample-bucket.ts'
import { SampleWindow } from '../../../../processors/span-lifetime/clocks/sample-window.ts'

/** Of a few values each, so that many samples are alike in one of them or in all. */
const sample = fc.record({
  timeS: fc.integer({ min: 0, max: 40 }).map((tenths) => tenths / 10),
  offset: fc.integer({ min: -2, max: 2 }),
  delay: fc.integer({ min: 1, max: 4 }),
})
type Sample = typeof sample extends fc.Arbitrary<infer T> ? T : never

function windowOf(samples: readonly Sample[]): SampleWindow {
  const window = new SampleWindow()
  for (let second = 0; second <= 4; second++)
    for (const part of [0, 1]) {
      const bucket = new SampleBucket(second)
      samples.forEach(({ timeS, offset, delay }, i) => {
        if (Math.floor(timeS) === second && i % 2 === part) bucket.add(timeS, offset - delay / 2, offset + delay / 2)
      })
      window.add(bucket, 1, 0, 5)
    }
  return window
}

const inTurn =
  <K extends keyof Sample>(...keys: readonly K[]) =>
  (a: Sample, b: Sample) =>
    keys.map((key) => a[key] - b[key]).find((difference) => difference !== 0) ?? 0

describe('the least delayed samples of a window', () => {
  it('are those that sorting all would choose, in order of time', () => {
    fc.assert(
      fc.property(fc.array(sample, { maxLength: 30 }), fc.nat(35), (samples, count) => {
        const { times, offsets, delays } = windowOf(samples).leastDelayed(count)
        const expected = [...samples]
          .sort(inTurn('delay', 'timeS', 'offset'))
          .slice(0, count)
          .sort(inTurn('timeS', 'offset', 'delay'))
        expect(Array.from(times, (timeS, i) => ({ timeS, offset: offsets[i]!, delay: delays[i]! }))).toEqual(expected)
      }),
      { seed: 1, numRuns: 500 },
    )
  })
})

describe('a value by its rank', () => {
  it('is that of the sorted values', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 1 }), fc.nat(), (values, at) => {
        const sorted = values.toSorted((a, b) => a - b)
        const middle = sorted.length >> 1
        const median = sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
        expect(select(Float64Array.from(values), at % values.length)).toBe(sorted[at % values.length])
        expect(medianOf(values)).toBe(median)
      }),
      { seed: 1, numRuns: 500 },
    )
  })
})
