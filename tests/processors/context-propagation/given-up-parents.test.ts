import { describe, expect, it } from '@jest/globals'
import { GivenUpParents } from '../../../processors/context-propagation/orphan-span/given-up-parents.ts'

const KEEP_MS = 600_000

/** Trace id (4 words) and span id of a parent, by its number. */
const idsOf = (parent: number) => Uint32Array.from([0, 0, 0, Math.imul(parent, 0x9e3779b1), 0, parent])

function taken(parents: GivenUpParents, parent: number, nowMs = 0): [operation: number, orphans: number][] {
  const found: [number, number][] = []
  for (;;) {
    const operation = parents.takeArrived(idsOf(parent), 0, 4, nowMs)
    if (operation < 0) break
    found.push([operation, parents.takenOrphans])
  }
  return found.sort(([a], [b]) => a - b)
}

describe('GivenUpParents', () => {
  it('tells of a parent that comes after all the orphans of each operation, once', () => {
    const parents = new GivenUpParents(KEEP_MS)
    for (const [parent, operation] of [
      [1, 7],
      [1, 8],
      [2, 7],
      [1, 7],
    ] as const)
      parents.add(idsOf(parent), 0, 4, operation, 0)
    expect(taken(parents, 3)).toEqual([])
    expect(taken(parents, 1)).toEqual([
      [7, 2],
      [8, 1],
    ])
    expect(taken(parents, 1)).toEqual([])
    expect(taken(parents, 2)).toEqual([[7, 1]])
  })

  it('forgets them in time', () => {
    const parents = new GivenUpParents(KEEP_MS)
    parents.add(idsOf(1), 0, 4, 7, 0)
    parents.add(idsOf(2), 0, 4, 7, 1000)
    expect(taken(parents, 1, KEEP_MS + 1)).toEqual([])
    expect(taken(parents, 2, KEEP_MS + 1)).toEqual([[7, 1]])
  })

  it('forgets older ones first where there are too many, and counts them', () => {
    const parents = new GivenUpParents(KEEP_MS)
    const count = 100_000
    for (let i = 0; i < count; i++) parents.add(idsOf(i), 0, 4, 7, i)
    expect(parents.evictions).toBeGreaterThan(0)
    const kept = (from: number, until: number) => {
      let sum = 0
      for (let i = from; i < until; i++) sum += taken(parents, i, count).length
      return sum
    }
    const old = kept(0, count / 2)
    const young = kept(count / 2, count)
    expect(old + young).toBe(count - parents.evictions)
    expect(young).toBeGreaterThan(old * 2)
  })

  it('asks for spans that began a grace ago, and for none where no parent was given up', () => {
    const parents = new GivenUpParents(KEEP_MS)
    const highWord = (ms: number) => Math.floor((ms * 1e6) / 2 ** 32)
    expect(parents.latestStart(1_000_000, 60_000)).toBe(-1)
    parents.add(idsOf(1), 0, 4, 7, 1_000_000)
    const latest = parents.latestStart(1_000_000, 60_000)
    expect(latest).toBeGreaterThanOrEqual(highWord(940_000))
    expect(latest).toBeLessThan(highWord(950_000))
    expect(parents.latestStart(1_000_001 + KEEP_MS, 60_000)).toBe(-1)
  })
})
