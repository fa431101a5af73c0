import { describe, expect, it } from '@jest/globals'
import { PairTally } from '../../component/pair-tally.ts'

const countsOf = (tally: PairTally) => {
  const counts: [number, number, number][] = []
  tally.forEach((...count) => {
    counts.push(count)
  })
  return counts
}

describe('a tally of pairs', () => {
  it('gives each pair once with its sum, in the order in which they came, however many', () => {
    const tally = new PairTally()
    const pairs = Array.from({ length: 5000 }, (_, i) => [i % 70, i] as const)
    for (const [first, second] of pairs) tally.add(first, second)
    for (const [first, second] of pairs) tally.add(first, second, 2)
    expect(countsOf(tally)).toEqual(pairs.map(([first, second]) => [first, second, 3]))
  })

  it('tells the sum of a pair, and 0 of one that did not come', () => {
    const tally = new PairTally()
    tally.add(1, 2, 5)
    tally.add(1, 2)
    expect([tally.of(1, 2), tally.of(2, 1)]).toEqual([6, 0])
  })

  it('has counted, whoever asks, what is counted by and by', () => {
    const tally = new PairTally()
    for (let i = 0; i < 1000; i++) tally.count(i % 3, 7)
    expect(tally.of(0, 7)).toBe(334)
    tally.count(1, 7)
    tally.add(1, 7, 10)
    tally.count(9, 9)
    expect(tally.size).toBe(4)
    tally.count(9, 9)
    expect(countsOf(tally).at(-1)).toEqual([9, 9, 2])
    tally.count(2, 7)
    expect(tally.take()).toEqual(Uint32Array.of(0, 7, 334, 1, 7, 344, 2, 7, 334, 9, 9, 2))
    tally.count(1, 1)
    tally.clear()
    expect(tally.size).toBe(0)
  })

  it('is taken as numbers, and begins anew', () => {
    const tally = new PairTally()
    tally.add(1, 2, 5)
    tally.add(2, 1)
    expect(tally.take()).toEqual(Uint32Array.of(1, 2, 5, 2, 1, 1))
    expect(tally.take()).toEqual(new Uint32Array(0))
  })

  it('begins anew when it is cleared', () => {
    const tally = new PairTally()
    tally.add(1, 2)
    tally.add(2, 1)
    tally.clear()
    tally.add(2, 1)
    expect(countsOf(tally)).toEqual([[2, 1, 1]])
  })
})
