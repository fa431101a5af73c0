import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { AwaitedParents } from '../../../processors/context-propagation/awaited-parents.ts'

/** Trace id (4 words) and span id of a parent, by its number. */
const idsOf = (parent: number) => Uint32Array.from([0, 0, 0, parent % 3, 0, parent])

type Step = { readonly add: number } | { readonly arrived: number } | { readonly expire: number }

describe('AwaitedParents', () => {
  it('says of each arrival and expiry what a plain list says', () => {
    const step: fc.Arbitrary<Step> = fc.oneof(
      { weight: 6, arbitrary: fc.record({ add: fc.integer({ min: 0, max: 9 }) }) },
      { weight: 2, arbitrary: fc.record({ arrived: fc.integer({ min: 0, max: 9 }) }) },
      { weight: 1, arbitrary: fc.record({ expire: fc.integer({ min: 1, max: 400 }) }) },
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 3000, size: 'max' }), (steps) => {
        const awaited = new AwaitedParents(1_000_000)
        let plain: { parent: number; operation: number; sinceMs: number }[] = []
        let nowMs = 0
        for (const one of steps) {
          nowMs++
          if ('add' in one) {
            awaited.add(idsOf(one.add), 0, 4, nowMs, nowMs)
            plain.push({ parent: one.add, operation: nowMs, sinceMs: nowMs })
          } else if ('arrived' in one) {
            const taken: number[] = []
            for (let op = awaited.takeArrived(idsOf(one.arrived), 0, 4); op >= 0; ) {
              taken.push(op)
              op = awaited.takeArrived(idsOf(one.arrived), 0, 4)
            }
            const matching = plain.filter(({ parent }) => parent === one.arrived)
            expect(taken.sort((a, b) => a - b)).toEqual(matching.map(({ operation }) => operation))
            plain = plain.filter(({ parent }) => parent !== one.arrived)
          } else {
            const settled: number[] = []
            awaited.expire(nowMs - one.expire, (operation) => settled.push(operation))
            const old = plain.filter(({ sinceMs }) => sinceMs <= nowMs - one.expire)
            expect(settled).toEqual(old.map(({ operation }) => operation))
            plain = plain.filter(({ sinceMs }) => sinceMs > nowMs - one.expire)
          }
        }
      }),
      { numRuns: 30 },
    )
  })

  it('settles none before its time while younger ones await the same parent, and each once', () => {
    const [graceMs, longestMs] = [20, 90]
    const parents = fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 1000, size: 'max' })
    fc.assert(
      fc.property(parents, (adds) => {
        const awaited = new AwaitedParents(1_000_000)
        const settledMs = new Map<number, number>()
        const expire = (nowMs: number) =>
          awaited.expire(
            nowMs - graceMs,
            (operation) => {
              expect(settledMs.has(operation)).toBe(false)
              settledMs.set(operation, nowMs)
            },
            nowMs - longestMs,
          )
        const youngest = new Map<number, number>()
        for (const [nowMs, parent] of adds.entries()) {
          expire(nowMs)
          // The number of the entry is when it was added.
          for (const [operation, atMs] of settledMs)
            if (atMs === nowMs)
              expect(operation + longestMs <= nowMs || youngest.get(adds[operation]!)! + graceMs <= nowMs).toBe(true)
          awaited.add(idsOf(parent), 0, 4, nowMs, nowMs)
          youngest.set(parent, nowMs)
        }
        expire(adds.length + graceMs)
        expect(settledMs.size).toBe(adds.length)
        expect(awaited.count).toBe(0)
      }),
      { numRuns: 50 },
    )
  })

  it('takes as long for each of many orphans of one parent as for one', () => {
    const awaited = new AwaitedParents(1_000_000)
    const count = 100_000
    for (let i = 0; i < count; i++) awaited.add(idsOf(1), 0, 4, i, i)
    let taken = 0
    while (awaited.takeArrived(idsOf(1), 0, 4) >= 0) taken++
    expect(taken).toBe(count)
    awaited.expire(count, () => {})
    expect(awaited.count).toBe(0)
  })
})
