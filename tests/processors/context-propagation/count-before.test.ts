import { describe, expect, it } from '@jest/globals'
import { CountBefore } from '../../../processors/context-propagation/orphan-span/count-before.ts'

describe('a total of some time ago', () => {
  const count = new CountBefore(10_000)
  count.add(2, 1000)
  count.add(0, 2000)
  count.add(3, 4000)

  it.each([
    [1000, 0],
    [10_999, 0],
    [11_000, 2],
    [13_999, 2],
    [14_000, 5],
    [60_000, 5],
  ])('at %i ms is %i', (nowMs, expected) => {
    expect(count.at(nowMs)).toBe(expected)
  })

  it('goes on when more is added', () => {
    count.add(1, 60_000)
    expect([count.at(69_999), count.at(70_000)]).toEqual([5, 6])
  })
})
