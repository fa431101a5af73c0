import { describe, expect, it } from '@jest/globals'
import { WaitedWork } from '../../../processors/span-lifetime/waited-work.ts'

const MS = 1e6

/** A callee's span, how long its work went on after it, and how much longer than the span the call lasted. */
type Call = readonly [durationMs: number, extraMs: number, spareMs: number]

describe('work that goes on after a span', () => {
  it.each<[string, (call: number) => Call, number]>([
    ['is waited for where it always fits into the call', () => [1, 9, 10], 9],
    ['is not where the call is now and then over before', (call) => [1, 9, call % 10 === 0 ? 5 : 10], 0],
    ['is not where it is less than what the span shows', () => [10, 9, 10], 0],
  ])('%s', (_, callOf, expectedMs) => {
    const waited = new WaitedWork()
    let nano = 0
    for (let call = 1; call <= 99; call++) {
      const [durationMs, extraMs, spareMs] = callOf(call)
      nano = waited.nano(5000, durationMs * MS, extraMs * MS, spareMs * MS)
    }
    expect(nano / MS).toBe(expectedMs)
  })

  it('is not while few calls tell', () => {
    expect(new WaitedWork().nano(0, MS, 9 * MS, 10 * MS)).toBe(0)
  })
})
