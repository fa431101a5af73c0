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

  it('are those of their key whatever its number, and after the place of a key went to another', () => {
    const counts = new RecentCounts(1)
    const of = (shard: string, ...keys: string[]) => ({ shard, keys, counts: Uint32Array.from(keys, (_, i) => i + 1) })
    counts.addAll(5000, of('one', 'cart'))
    counts.addAll(5000, of('two', 'beyond the limit', 'cart'))
    expect([counts.firstOf('cart'), counts.total(0), counts.total(1)]).toEqual([3, 3, 0])
    counts.expire(65_000)
    counts.addAll(65_000, of('three', 'edge'))
    counts.addAll(65_000, of('one', 'cart'))
    expect([counts.firstOf('cart'), counts.firstOf('edge'), counts.total(0)]).toEqual([0, 1, 1])
  })

  it('are refused to a key as long as there is no room, and no longer', () => {
    const counts = new RecentCounts(1)
    counts.add(5000, 'cart', 1)
    let place = counts.add(5000, 'price', 1)
    place = counts.add(5000, 'price', 1, 0, place)
    expect([counts.firstOf('cart'), counts.firstOf('price')]).toEqual([1, 0])
    counts.expire(65_000)
    place = counts.add(65_000, 'price', 2, 0, place)
    expect(counts.firstOf('price')).toBe(2)
    counts.add(65_000, 'price', 3, 0, place)
    expect(counts.firstOf('price')).toBe(5)
  })

  it('go on for a refused key that somebody else has brought in', () => {
    const counts = new RecentCounts(1)
    counts.add(5000, 'cart', 1)
    const refused = counts.add(5000, 'price', 1)
    counts.expire(65_000)
    counts.add(65_000, 'price', 2)
    counts.add(65_000, 'price', 3, 0, refused)
    expect(counts.firstOf('price')).toBe(5)
  })
})
