import { describe, expect, it } from '@jest/globals'
import { PairTally } from '../../../processors/context-propagation/pair-tally.ts'

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

  it('begins anew when it is cleared', () => {
    const tally = new PairTally()
    tally.add(1, 2)
    tally.add(2, 1)
    tally.clear()
    tally.add(2, 1)
    expect(countsOf(tally)).toEqual([[2, 1, 1]])
  })
})
