import { describe, expect, it } from '@jest/globals'
import type { SpanTable } from '../../../otlp/span-table.ts'
import { factory } from '../../../processors/span-lifetime/span-lifetime.ts'
import type { SpanSpec } from '../../support/otlp-builder.ts'
import { replaySpans, standing } from '../../support/replay-spans.ts'
import { tracesBatch } from '../../support/scan.ts'
import { TEST_START_MS } from '../../support/test-settings.ts'

/** Forty hosts that call each other, each operation of its own, with a child that outlives each call by 50 ms. */
function churn(rounds: number): SpanTable[] {
  return Array.from({ length: rounds * 40 }, (_, call) => {
    const from = call % 40
    const to = (from * 7 + 1) % 40
    const at = call * 20
    const nano = (ms: number) => BigInt(TEST_START_MS + at + ms) * 1_000_000n
    const span = (name: string, spanId: number, parentId: number | null, start: number, end: number): SpanSpec => ({
      name,
      traceId: 9000 + call,
      spanId,
      parentId,
      startNano: nano(start),
      endNano: nano(end),
    })
    return tracesBatch([
      {
        service: `s${from}`,
        resource: { 'host.id': `h${from}` },
        spans: [{ ...span(`call ${from}`, 1, null, 0, 20), kind: 'client' }],
      },
      {
        service: `s${to}`,
        resource: { 'host.id': `h${to}` },
        spans: [{ ...span(`serve ${to}`, 2, 1, 1, 5), kind: 'server' }, span(`left behind ${to}`, 3, 2, 2, 55)],
      },
    ]).table
  })
}

async function limitsOf(config: Readonly<Record<string, unknown>>): Promise<Readonly<Record<string, number>>> {
  const settings = await replaySpans(factory, churn(20), config)
  return Object.assign({}, ...settings.findings.sections.map(({ limits }) => limits?.() ?? {}))
}

describe('what span_lifetime remembers is bounded', () => {
  it('by defaults that forty hosts do not reach', async () => {
    const { lifetimes_explained_by_clocks: _, ...limits } = await limitsOf({})
    expect(Object.entries(limits).filter(([, times]) => times > 0)).toEqual([])
  })

  it.each<[string, Readonly<Record<string, unknown>>, readonly string[]]>([
    ['operations', { max_operations: 100 }, ['overflowed_operations', 'overflowed_lifetime_operations']],
    ['operations that end early', { max_early_operations: 10 }, ['forgotten_early_operations']],
    ['places', { max_places: 10 }, ['forgotten_lifetime_places']],
    ['rows between two judgements', { max_occurrence_rows: 10 }, ['overflowed_lifetime_occurrences']],
    ['clocks', { max_clocks: 16 }, ['overflowed_clock_sources']],
    ['pairs of clocks', { max_clock_pairs: 16 }, ['refused_clock_pairs']],
    ['seconds of clocks', { max_clock_points: 100 }, ['forgotten_clock_points']],
    ['series of latencies', { max_series: 10 }, ['overflowed_latency_series']],
  ])('%s: counts what it cuts short', async (_, config, counters) => {
    const limits = await limitsOf(config)
    for (const counter of counters) expect({ [counter]: limits[counter]! > 0 }).toEqual({ [counter]: true })
  })

  it('and what found room is still found', async () => {
    const settings = await replaySpans(factory, churn(20), { max_places: 10, max_early_operations: 10 })
    expect(standing(settings.findings.reports).some(({ rule }) => rule.startsWith('LIFE-'))).toBe(true)
  })
})
