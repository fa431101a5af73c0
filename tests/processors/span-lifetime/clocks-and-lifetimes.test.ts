import { describe, expect, it } from '@jest/globals'
import type { SpanTable } from '../../../otlp/span-table.ts'
import { factory } from '../../../processors/span-lifetime/span-lifetime.ts'
import type { SpanSpec } from '../../support/otlp-builder.ts'
import { replaySpans, standing } from '../../support/replay-spans.ts'
import { tracesBatch } from '../../support/scan.ts'
import { TEST_START_MS } from '../../support/test-settings.ts'

type Clock = (second: number) => number

interface Shop {
  /** How far ahead the clocks of the nodes are, in milliseconds, at each second. */
  readonly a?: Clock
  readonly b?: Clock
  readonly c?: Clock
  readonly seconds?: number
  /** From call to call; or as many calls in one second, and the next ones so many seconds later. */
  readonly everyMs?: number
  readonly bursts?: { readonly calls: number; readonly everyS: number }
  /** The last callee runs on node-a, too, and the first caller has a step of its own from 5 to 8 ms. */
  readonly twoNodes?: boolean
  /** Until when the callee on node-b works, in milliseconds of the call, which takes 20. */
  readonly until?: (call: number) => number
  readonly callerStatus?: SpanSpec['status']
}

const EXACT: Clock = () => 0

/** Calls from node-a to node-b and on to node-c; each takes half a millisecond and a bit on its way. */
function shop(spec: Shop): SpanTable[] {
  const { a = EXACT, b = EXACT, c = EXACT, seconds = 60, everyMs = 100, twoNodes = false, until, callerStatus } = spec
  const { bursts } = spec
  const count = bursts ? Math.ceil(seconds / bursts.everyS) * bursts.calls : (seconds * 1000) / everyMs
  return Array.from({ length: count }, (_, call) => {
    const atMs = bursts
      ? Math.floor(call / bursts.calls) * bursts.everyS * 1000 + (call % bursts.calls) * 60
      : call * everyMs
    const way = 0.5 + ((call * 7) % 10) / 50
    const span = (
      clock: Clock,
      name: string,
      spanId: number,
      parentId: number | null,
      from: number,
      to: number,
      more: Partial<SpanSpec> = {},
    ) => {
      const nano = (ms: number) =>
        BigInt(Math.round((TEST_START_MS + atMs + ms + clock((atMs + from) / 1000)) * 1000)) * 1000n
      return { traceId: 5000 + call, name, spanId, parentId, startNano: nano(from), endNano: nano(to), ...more }
    }
    const end = until?.(call) ?? 20 - way
    return tracesBatch([
      {
        service: 'edge',
        resource: { 'host.id': 'node-a' },
        spans: [
          span(a, 'GET /', 1, null, 0, 20, { kind: 'client', ...(callerStatus && { status: callerStatus }) }),
          ...(twoNodes ? [span(a, 'prepare', 5, 1, 5, 8)] : []),
        ],
      },
      {
        service: 'price',
        resource: { 'host.id': 'node-b' },
        spans: [
          span(b, 'serve', 2, 1, way, end, { kind: 'server' }),
          span(b, 'query', 3, 2, 2, 12, { kind: 'client' }),
        ],
      },
      {
        service: 'store',
        resource: { 'host.id': twoNodes ? 'node-a' : 'node-c' },
        spans: [span(twoNodes ? a : c, 'select', 4, 3, 2 + way, 12 - way, { kind: 'server' })],
      },
    ]).table
  })
}

async function findingsOf(spec: Shop): Promise<string[]> {
  const settings = await replaySpans(factory, shop(spec))
  return standing(settings.findings.reports)
    .map(({ rule, cause, place }) => `${rule} ${cause} ${place.service}`)
    .sort()
}

/** Offsets are against node-b, which has most spans; where it is ahead, the others are behind together. */
describe('clocks', () => {
  it.each<[string, Shop, string[]]>([
    ['that agree', {}, []],
    ['that differ by less than the tolerance', { b: () => 0.8 }, []],
    ['of which one is ahead', { b: () => 4 }, ['CLOCK-001 steady node-a']],
    [
      'of which one is ahead by less than the callers wait, unseen by any single call',
      { b: () => 1.2 },
      ['CLOCK-001 steady node-a'],
    ],
    ['of which one drifts', { c: (s) => s * 0.1 }, ['CLOCK-001 drifting node-c']],
    ['of which one is set', { c: (s) => (s > 30 ? 25 : 0) }, ['CLOCK-001 steady node-c', 'CLOCK-002 step node-c']],
    [
      'of which one is set back and forth again',
      { c: (s) => (s > 20 && s < 40 ? -25 : 0) },
      ['CLOCK-001 steady node-c', 'CLOCK-002 step node-c'],
    ],
    [
      'of which the reference is set',
      { b: (s) => (s > 30 ? 25 : 0), c: () => 3 },
      ['CLOCK-001 steady node-a', 'CLOCK-001 steady node-c', 'CLOCK-002 step node-b'],
    ],
    [
      'of which one of two is set within a call',
      { twoNodes: true, a: (s) => (s > 30.002 ? 25 : 0) },
      ['CLOCK-001 steady node-b', 'CLOCK-002 step node-b'],
    ],
    [
      'of which one is set, and which a call a second takes its time to tell',
      { b: (s) => (s > 30 ? 25 : 0), everyMs: 1000, seconds: 90, callerStatus: { code: 2 } },
      ['CLOCK-001 steady node-a', 'CLOCK-002 step node-b'],
    ],
    [
      'of which one of two is set within a call, and which too few calls tell to say when',
      { twoNodes: true, b: (s) => (s > 42.001 ? 25 : 0), everyMs: 3000, seconds: 90 },
      ['CLOCK-001 drifting node-b'],
    ],
    [
      'of which one drifts, and which bursts of calls tell too seldom to follow',
      { b: (s) => s * 0.33, bursts: { calls: 10, everyS: 14 }, seconds: 90, callerStatus: { code: 2 } },
      ['CLOCK-001 drifting node-a'],
    ],
  ])('%s: no span is called wrong for them', async (_, spec, expected) => {
    expect(await findingsOf(spec)).toEqual(expected)
  })

  it('are known within 30 s of traffic', async () => {
    const settings = await replaySpans(factory, shop({ b: () => 4, seconds: 60 }))
    const said = settings.findings.reports.find(({ rule }) => rule === 'CLOCK-001')!
    expect(Number(said.firstUnixNano / 1_000_000n) - TEST_START_MS).toBeLessThan(30_000)
  })
})

describe('lifetimes between clocks whose offset is known', () => {
  const late = (call: number) => (call % 10 === 0 ? 32 : 19)

  it.each<[string, Shop, string[]]>([
    ['work that goes on after the answer', { until: late }, ['LIFE-001 asynchronous_work price']],
    [
      'the same under an offset that hides it',
      { until: late, b: () => -50 },
      ['CLOCK-001', 'LIFE-001 asynchronous_work price'],
    ],
    [
      'the same under one that makes all calls look so',
      { until: late, b: () => 50 },
      ['CLOCK-001', 'LIFE-001 asynchronous_work price'],
    ],
    [
      'a callee that works on for a caller that has gone',
      { until: (call) => (call % 10 === 0 ? 1500 : 19), callerStatus: { code: 2 }, b: () => 50 },
      ['CLOCK-001', 'LIFE-004 cancellation_ignored price'],
    ],
  ])('%s', async (_, spec, expected) => {
    const found = (await findingsOf(spec)).map((finding) => (finding.startsWith('CLOCK-001') ? 'CLOCK-001' : finding))
    expect([...new Set(found)]).toEqual(expected)
  })
})

describe('a clock that is set while callees ignore that they were cancelled', () => {
  const ignored = (call: number) => (call % 10 === 0 ? 1500 : 19)

  it.each<[string, Clock]>([
    ['forward', (s) => (s > 30 ? 20 : 0)],
    ['back', (s) => (s > 30 ? -20 : 0)],
  ])('%s by 20 ms: explains none of what they overran by, which is far more', async (_, b) => {
    const settings = await replaySpans(factory, shop({ until: ignored, callerStatus: { code: 2 }, b }))
    const found = standing(settings.findings.reports).filter(({ rule }) => rule === 'LIFE-004')
    expect(found.map(({ state, occurrences }) => ({ state, occurrences }))).toEqual([
      { state: 'confirmed', occurrences: 60 },
    ])
  })

  it('by so much that it explains what they overran by: says nothing of these', async () => {
    const settings = await replaySpans(
      factory,
      shop({ until: ignored, callerStatus: { code: 2 }, b: (s) => (s > 30 ? 700 : 0) }),
    )
    const found = standing(settings.findings.reports).filter(({ rule }) => rule === 'LIFE-004')
    expect(found).toHaveLength(1)
    expect(found[0]!.occurrences).toBeLessThan(60)
  })
})
