import { describe, expect, it } from '@jest/globals'
import { InstanceCounts } from '../../../processors/context-propagation/orphan-span/instance-counts.ts'

describe('counts by service instance', () => {
  it('add up, and settle when the orphans of their time have come', () => {
    const counts = new InstanceCounts()
    counts.add('cart-1', 20, 5, 0)
    counts.add('cart-1', 30, 0, 8000)
    counts.add('cart-2', 7, 0, 9000)
    counts.at(15_000)
    expect(Object.fromEntries(counts.all)).toEqual({
      'cart-1': { spans: 50, orphans: 5, settled: 20 },
      'cart-2': { spans: 7, orphans: 0, settled: 0 },
    })
    counts.at(24_000)
    expect([...counts.all.values()].map(({ settled }) => settled)).toEqual([50, 7])
  })

  it('are kept of 64 instances', () => {
    const counts = new InstanceCounts()
    for (let i = 0; i < 100; i++) counts.add(`cart-${i}`, 1, 0, 0)
    expect(counts.all.size).toBe(64)
  })
})
