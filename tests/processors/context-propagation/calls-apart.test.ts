import { describe, expect, it } from '@jest/globals'
import { CallsApart } from '../../../processors/context-propagation/calls-apart.ts'
import { tracesBatch } from '../../support/scan.ts'

const SECOND = 1000

/** One call in row 0 and two callees of it in the rows behind, in a trace of that number. */
function sides(traceId: number) {
  return tracesBatch([
    {
      service: 'edge',
      spans: [
        { traceId, spanId: 1, name: 'call' },
        { traceId, spanId: 2, parentId: 1, name: 'callee' },
        { traceId, spanId: 3, parentId: 1, name: 'callee' },
      ],
    },
  ]).table
}

describe('CallsApart', () => {
  it('hands out the callees that came before their call', () => {
    const apart = new CallsApart<string>(100)
    apart.wait(sides(1), 1, 'one', 0)
    apart.wait(sides(1), 2, 'two', 0)
    apart.wait(sides(2), 1, 'of another trace', 0)
    expect([...apart.call(sides(1), 0, 7, 20 * SECOND)].sort()).toEqual(['one', 'two'])
    expect(apart.call(sides(1), 0, 7, 20 * SECOND)).toEqual([])
  })

  it('knows the call that came before its callee', () => {
    const apart = new CallsApart<string>(100)
    apart.call(sides(1), 0, 7, 0)
    expect(apart.callerOf(sides(2), 1)).toBe(-1)
    expect(apart.callerOf(sides(1), 1)).toBe(7)
  })

  it('forgets either side after half a minute', () => {
    const apart = new CallsApart<string>(100)
    apart.call(sides(1), 0, 7, 0)
    apart.wait(sides(2), 1, 'one', 0)
    apart.expire(31 * SECOND)
    expect(apart.callerOf(sides(1), 1)).toBe(-1)
    expect(apart.call(sides(2), 0, 7, 31 * SECOND)).toEqual([])
  })

  it('keeps no more than its limit: the newest calls, the first callees', () => {
    const apart = new CallsApart<string>(10)
    for (let trace = 1; trace <= 12; trace++) apart.call(sides(trace), 0, trace, 0)
    expect([1, 12].map((trace) => apart.callerOf(sides(trace), 1))).toEqual([-1, 12])
    for (let trace = 101; trace <= 112; trace++) apart.wait(sides(trace), 1, 'waits', 0)
    expect(apart.isFull).toBe(true)
    expect([101, 112].map((trace) => apart.call(sides(trace), 0, 1, 0))).toEqual([['waits'], []])
  })
})
