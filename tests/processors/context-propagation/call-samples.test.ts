import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { Column, SpanTable } from '../../../otlp/span-table.ts'
import {
  type CallSample,
  CallSamples,
  keeps,
} from '../../../processors/context-propagation/context-lost/call-samples.ts'

const LIMIT = 4000
const START_MS = 1_767_225_600_000
const SECONDS = 60

const table = new SpanTable(1)
const row = table.addRow()

function add(samples: CallSamples, startMs: number): void {
  const high = Math.floor(startMs / 4294.967296)
  table.set(row, Column.start, high)
  table.set(row, Column.start + 1, Math.round((startMs - high * 4294.967296) * 1e6))
  samples.add(0, table, row)
}

/** What is kept of so many calls a second, judged every second, from `fromS` on; each is answered 2 ms later. */
function keptOf(perSecond: number, fromS: number, [calls, answers]: readonly [CallSamples, CallSamples]) {
  const kept: { calls: CallSample[]; answers: CallSample[] } = { calls: [], answers: [] }
  for (let second = fromS; second < fromS + SECONDS; second++) {
    for (let i = 0; i < perSecond; i++) {
      const startMs = START_MS + second * 1000 + (i * 1000) / perSecond
      add(calls, startMs)
      add(answers, startMs + 2)
    }
    const [seconds, answered] = [calls.take(String), answers.take(String)]
    // At first it learns how much that is.
    if (second - fromS < SECONDS / 2) continue
    kept.calls.push(...seconds)
    kept.answers.push(...answered)
  }
  return kept
}

function weightOf(samples: readonly CallSample[]): number {
  return samples.reduce((sum, { share }) => sum + 1 / share, 0)
}

describe('samples of calls', () => {
  it.each([
    ['all of few', 1000, 1],
    ['a part of many, both sides of a call', 20_000, 0.95],
    ['a part of a great many', 60_000, 0.9],
  ])('are %s', (_, perSecond, bothSides) => {
    const { calls, answers } = keptOf(perSecond, 0, [new CallSamples(LIMIT), new CallSamples(LIMIT)])
    expect(calls.length).toBeGreaterThan(5000)
    // They stand for all that there were.
    const expected = (perSecond * SECONDS) / 2
    expect(weightOf(calls) / expected).toBeGreaterThan(0.6)
    expect(weightOf(calls) / expected).toBeLessThan(1.6)
    const answeredAt = new Set(answers.map(({ startMs }) => Math.round(startMs * 500)))
    const answered = calls.filter(({ startMs }) => answeredAt.has(Math.round((startMs + 2) * 500)))
    expect(answered.length / calls.length).toBeGreaterThanOrEqual(bothSides - 0.001)
  })

  it('are all of them again when there are few again', () => {
    const sides = [new CallSamples(LIMIT), new CallSamples(LIMIT)] as const
    keptOf(20_000, 0, sides)
    expect(sides[0].share).toBeLessThan(1)
    keptOf(100, SECONDS, sides)
    keptOf(100, 2 * SECONDS, sides)
    expect(sides[0].share).toBe(1)
  })

  it('are never more than the limit between two summaries', () => {
    const samples = new CallSamples(100)
    for (let i = 0; i < 10_000; i++) add(samples, START_MS + i / 100)
    expect(samples.take(String).length).toBeLessThanOrEqual(100)
  })
})

describe('the kept time', () => {
  const time = fc.double({ min: START_MS, max: START_MS + 1e9, noNaN: true })

  it('of a share lies within that of every larger share', () => {
    fc.assert(
      fc.property(time, fc.nat({ max: 10 }), fc.nat({ max: 10 }), (startMs, a, b) => {
        if (keeps(startMs, 2 ** -Math.max(a, b))) expect(keeps(startMs, 2 ** -Math.min(a, b))).toBe(true)
      }),
    )
  })

  it.each([1, 1 / 2, 1 / 16, 1 / 128])('is the share of all time that it says: %d', (share) => {
    let kept = 0
    for (let i = 0; i < 200_000; i++) if (keeps(START_MS + i * 7.3, share)) kept++
    expect(kept / 200_000 / share).toBeCloseTo(1, 1)
  })
})
