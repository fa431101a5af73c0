import { describe, expect, it } from '@jest/globals'
import { type Arrival, ArrivalOrder } from '../../../pipeline/replay/arrival-order.ts'
import { RequestTimes, type TimeSummary } from '../../../pipeline/replay/request-times.ts'

const SECOND = 1_000_000_000n
const START = 1_767_225_600n * SECOND

/** Requests by the seconds in which their spans ended; the seconds in which they arrive. */
function arrivals(requests: readonly (readonly number[])[]): number[] {
  return ordered(requests).map(({ arrivalMs }) => Math.round(arrivalMs) / 1000 - Number(START / SECOND))
}

function ordered(requests: readonly (readonly number[])[]): Arrival<number>[] {
  const order = new ArrivalOrder<number>()
  const all: Arrival<number>[] = []
  requests.forEach((seconds, i) => {
    const arrival = order.push(i, times(seconds))
    if (arrival !== null) all.push(arrival)
  })
  for (let arrival = order.end(); arrival !== null; arrival = order.end()) all.push(arrival)
  expect(all.map(({ item }) => item)).toEqual(requests.map((_, i) => i))
  return all
}

describe('when the requests of a recording arrive', () => {
  it.each<[what: string, requests: number[][], arrivals: number[]]>([
    ['each at its latest time', [[1, 2], [3], [5, 4]], [2, 3, 5]],
    ['never before one that stands before it', [[1], [9], [4], [10]], [1, 9, 9, 10]],
    ['without times with the one before', [[1], [], [2], []], [1, 1, 2, 2]],
    ['also when it is the only one', [[7]], [7]],
    ['by its other times where one lies in the future', [[1, 2], [3, 4, 4000], [5]], [2, 4, 5]],
    ['with the one before where all of its times do', [[1], [2], [4000], [3], [4]], [1, 2, 2, 3, 4]],
    ['with the one before where the last of all does', [[1], [2], [3], [4000]], [1, 2, 3, 3]],
    ['after a pause of an hour', [[1], [2], [3600], [3601], [3602]], [1, 2, 3600, 3601, 3602]],
  ])('%s', (_what, requests, expected) => {
    expect(arrivals(requests)).toEqual(expected)
  })

  it('up to 60 s ahead of their neighbours, as clocks may be', () => {
    const steady = Array.from({ length: 40 }, (_, i) => [i])
    const ahead = [...steady, [99], ...Array.from({ length: 40 }, (_, i) => [40 + i])]
    expect(arrivals(ahead)[40]).toBe(99)
    const tooFar = [...steady, [122], ...Array.from({ length: 40 }, (_, i) => [40 + i])]
    expect(arrivals(tooFar)[40]).toBe(39)
  })

  it('one every five minutes, though each is far ahead of those before it', () => {
    const seconds = Array.from({ length: 200 }, (_, i) => [i * 300])
    expect(arrivals(seconds).slice(0, -1)).toEqual(seconds.slice(0, -1).map(([second]) => second))
  })

  it('without a service whose clock is an hour ahead', () => {
    const requests = Array.from({ length: 300 }, (_, i) => [i % 3 === 0 ? i + 3600 : i])
    const expected = Array.from({ length: 300 }, (_, i) => (i % 3 === 0 ? Math.max(0, i - 1) : i))
    expect(arrivals(requests).slice(1)).toEqual(expected.slice(1))
  })

  it('says how far behind what is out of order lies', () => {
    expect(ordered([[1], [100], [30], [101]]).map(({ behindMs }) => Math.round(behindMs))).toEqual([0, 0, 70_000, 0])
  })
})

function times(seconds: readonly number[]): TimeSummary {
  const all = new RequestTimes()
  for (const second of seconds) {
    const nano = START + BigInt(second) * SECOND
    all.add(Number(nano >> 32n), Number(nano & 0xffff_ffffn))
  }
  return all.summary()
}
