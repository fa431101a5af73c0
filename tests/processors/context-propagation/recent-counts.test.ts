import { describe, expect, it } from '@jest/globals'
import { RecentCounts, SLICES } from '../../../processors/context-propagation/recent-counts.ts'

describe('counts of the last minute', () => {
  it.each([
    ['fade after a minute', SLICES, []],
    ['stay a slice longer where asked', SLICES + 1, ['cart']],
  ])('%s', (_, kept, expected) => {
    const counts = new RecentCounts(10, kept)
    counts.add(5000, 'cart', 3)
    counts.expire(65_000)
    const keys: string[] = []
    counts.forEach((key) => {
      keys.push(key)
    })
    expect(keys).toEqual(expected)
  })
})
