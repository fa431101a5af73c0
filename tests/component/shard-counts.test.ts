import { describe, expect, it } from '@jest/globals'
import { noCounts, ShardTotals, takeCounts } from '../../component/shard-counts.ts'

describe('counts by the numbers of a shard', () => {
  it('are handed over once, those that have a key', () => {
    const counts = Uint32Array.of(3, 0, 5, 0)
    expect(takeCounts('one', ['cart', 'edge', 'shop'], counts).counts).toEqual(Uint32Array.of(3, 0, 5))
    expect(counts).toEqual(new Uint32Array(4))
  })

  it('add up by key, in whatever order shards have them', () => {
    const totals = new ShardTotals()
    totals.add({ shard: 'one', keys: ['cart', 'edge'], counts: Uint32Array.of(1, 2) })
    totals.add({ shard: 'two', keys: ['edge', 'cart'], counts: Uint32Array.of(10, 20) })
    totals.add({ shard: 'one', keys: ['cart', 'edge', 'shop'], counts: Uint32Array.of(100, 0, 300) })
    totals.add(noCounts())
    expect(['cart', 'edge', 'shop', 'nobody'].map((key) => totals.of(key))).toEqual([121, 12, 300, 0])
    expect(totals.keys).toEqual(['cart', 'edge', 'shop'])
    expect(totals.has('nobody')).toBe(false)
  })

  it('add up two numbers of one key', () => {
    const totals = new ShardTotals()
    totals.add({ shard: 'one', keys: ['cart', 'cart'], counts: Uint32Array.of(1, 2) })
    expect(totals.of('cart')).toBe(3)
  })

  it('keep as many keys as they may, and count how often others came', () => {
    const totals = new ShardTotals(1)
    const counts = { shard: 'one', keys: ['cart', 'edge', 'shop'], counts: Uint32Array.of(1, 2, 0) }
    totals.add(counts)
    totals.add(counts)
    expect([totals.of('cart'), totals.of('edge'), totals.overflowed]).toEqual([2, 0, 2])
  })
})
