import { describe, expect, it } from '@jest/globals'
import { Operations } from '../../../otlp/operations.ts'
import { Column, type SpanTable } from '../../../otlp/span-table.ts'
import { ClockJudge } from '../../../processors/span-lifetime/clock-judge.ts'
import { clockRule } from '../../../processors/span-lifetime/clock-rule.ts'
import { configSchema } from '../../../processors/span-lifetime/config.ts'
import { LatencyMetrics } from '../../../processors/span-lifetime/latency-metrics.ts'
import { LifetimeFacts } from '../../../processors/span-lifetime/lifetime-facts.ts'
import { lifetimeRule } from '../../../processors/span-lifetime/lifetime-rule.ts'
import { factory } from '../../../processors/span-lifetime/span-lifetime.ts'
import type { ServiceSpans } from '../../support/otlp-builder.ts'
import { describeRecordings } from '../../support/recordings.ts'
import { recordedTables, replaySpans } from '../../support/replay-spans.ts'
import { tracesBatch } from '../../support/scan.ts'
import { anyRule, findingsOfShards, kept, type RuleSet, type TimedBatch } from '../../support/shards.ts'
import { TEST_START_MS } from '../../support/test-settings.ts'

function ruleSet(): RuleSet<LifetimeFacts> {
  const config = configSchema.parse({})
  const clocks = new ClockJudge(config, 10)
  return {
    facts: () => new LifetimeFacts(new Operations(config.max_operations), config),
    rules: [
      anyRule(clockRule(config, 10), clocks),
      anyRule(lifetimeRule(config, 10, clocks.model, new LatencyMetrics(config.max_series))),
    ],
  }
}

async function wholeTraces(tables: readonly SpanTable[]): Promise<TimedBatch[]> {
  const batches: TimedBatch[] = []
  await replaySpans(factory, tables, {}, (batch, nowMs) => batches.push(kept(batch, nowMs)))
  return batches
}

/** A minute of a shop with every trouble that there is: two clocks 4 ms apart, one set by 30 ms after half the time. */
function troubledShop(): SpanTable[] {
  return Array.from({ length: 600 }, (_, i) => {
    const atMs = i * 100
    const nodeB = 4 + (i >= 300 ? 30 : 0)
    const nano = (ms: number) => BigInt(Math.round((TEST_START_MS + atMs + ms) * 1000)) * 1000n
    const ids = { traceId: `${'ab'.repeat(8)}${(i * 0x9e3779b1).toString(16).padStart(16, '0').slice(-16)}` }
    const wait = 0.5 + ((i * 7) % 10) / 20
    const span = (name: string, spanId: number, parentId: number | null, from: number, until: number, more = {}) => ({
      ...ids,
      name,
      spanId,
      parentId,
      startNano: nano(from),
      endNano: nano(until),
      ...more,
    })
    const gaveUp = i % 20 === 0
    // Beyond the grace, and within it.
    const workedOn = i % 40 === 0 ? 1500 : 300
    const services: ServiceSpans[] = [
      {
        service: 'edge',
        resource: { 'host.id': 'node-a' },
        spans: [
          span('GET /', 1, null, 0, 60, { kind: 'server' }),
          span('GET /price', 2, 1, 5, gaveUp ? 20 : 20 + 2 * wait, {
            kind: 'client',
            status: { code: gaveUp ? 2 : 0 },
          }),
          span('publish', 4, 1, 30, 31),
          span('orders send', 5, 4, 30.5, 45, { kind: 'producer' }),
          span('audit', 6, 1, 50, i % 3 === 0 ? 90 : 55),
          ...(i % 3 === 1 ? [span('mail', 8, 6, 60, 62)] : []),
        ],
      },
      {
        service: 'price',
        resource: { 'host.id': 'node-b' },
        spans: [
          span('GET /price', 3, 2, 5 + wait + nodeB, (gaveUp ? workedOn : 20 + wait) + nodeB, { kind: 'server' }),
          span('table', 7, 3, 6 + wait + nodeB, (i % 50 === 0 ? 5 : 8 + wait) + nodeB),
        ],
      },
    ]
    return tracesBatch(services).table
  })
}

describe('the same findings from 1, 2 and 7 shards', () => {
  it('for a shop in trouble', async () => {
    const batches = await wholeTraces(troubledShop())
    const one = findingsOfShards(ruleSet(), batches, 1)
    const names = [...new Set(one.map(({ rule, cause }) => `${rule} ${cause}`))]
    expect(names).toEqual([
      'CLOCK-001 steady',
      'CLOCK-002 step',
      'LIFE-001 asynchronous_work',
      'LIFE-002 asynchronous_work',
      'LIFE-003 ended_before_async_work',
      'LIFE-004 cancellation_ignored',
      'LIFE-005 end_before_start',
      'LIFE-006 timeout',
    ])
    for (const shards of [2, 7]) expect(findingsOfShards(ruleSet(), batches, shards)).toEqual(one)
  })
})

describeRecordings('the same findings from 1, 2 and 7 shards', () => {
  it('for a recording whose clocks differ', async () => {
    const tables = recordedTables('hotel-load50.otlp.jsonl.gz').slice(0, 400)
    for (const table of tables) expect(table.get(0, Column.start)).toBeGreaterThan(0)
    const batches = await wholeTraces(tables)
    const one = findingsOfShards(ruleSet(), batches, 1)
    expect(one.map(({ rule }) => rule)).toEqual(['CLOCK-001'])
    for (const shards of [2, 7]) expect(findingsOfShards(ruleSet(), batches, shards)).toEqual(one)
  })
})
