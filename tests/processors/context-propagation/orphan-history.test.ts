import { describe, expect, it } from '@jest/globals'
import { OrphanHistory } from '../../../processors/context-propagation/orphan-span/orphan-history.ts'

type Slice = readonly [orphaned: number, traces: number]

function historyOf(slices: readonly Slice[], nowMs = 60_000): OrphanHistory {
  const history = new OrphanHistory()
  slices.forEach(([orphaned, traces], i) => {
    history.add(i, traces, orphaned)
  })
  return history.at(nowMs)
}

const repeat = (slice: Slice, times: number): Slice[] => Array.from({ length: times }, () => slice)

describe('the odds of a steady share against bursts', () => {
  it.each<[string, readonly Slice[], 'burst' | 'steady']>([
    [
      'a burst of five slices in a minute',
      [...repeat([0, 20], 12), ...repeat([14, 20], 5), ...repeat([0, 20], 13)],
      'burst',
    ],
    [
      'a burst in which all is lost, counted from its first orphan on',
      [...repeat([20, 20], 5), ...repeat([0, 20], 20)],
      'burst',
    ],
    ['a third all the time', repeat([7, 20], 20), 'steady'],
    [
      'one in twenty, whose whole traces are counted since the first orphan left the window',
      [
        [3, 3],
        [2, 2],
        [0, 6],
        [0, 16],
        [0, 14],
        [0, 11],
        [0, 14],
        [1, 17],
        [2, 12],
        [0, 14],
        [1, 10],
        [1, 9],
      ],
      'steady',
    ],
    [
      'a half all the time, with few whole traces counted of the slice before the first orphan',
      [[0, 3], ...repeat([7, 14], 12)],
      'steady',
    ],
    ['a single orphan, which is where counting began', [[1, 5], ...repeat([0, 20], 30)], 'steady'],
  ])('tell %s', (_, slices, what) => {
    const odds = historyOf(slices).oddsOfSteady
    if (what === 'burst') expect(odds).toBeLessThan(0.002)
    else expect(odds).toBeGreaterThan(0.05)
  })

  it('leave out slices whose orphans may be on their way', () => {
    const slices = [...repeat([10, 20], 5), ...repeat([0, 20], 20)]
    expect(historyOf(slices, 14_000).oddsOfSteady).toBe(1)
  })
})
