import { describe, expect, it } from '@jest/globals'
import { ACCEPTED } from '../../../component/consumer.ts'
import { configSchema } from '../../../processors/span-lifetime/config.ts'
import { factory } from '../../../processors/span-lifetime/span-lifetime.ts'
import { configSchema as windowConfig } from '../../../processors/trace-window/config.ts'
import { factory as traceWindow } from '../../../processors/trace-window/trace-window.ts'
import type { ServiceSpans } from '../../support/otlp-builder.ts'
import { tracesBatch } from '../../support/scan.ts'
import { TEST_START_MS, testProcessorSettings } from '../../support/test-settings.ts'

const MS = 1_000_000n
const T0 = BigInt(TEST_START_MS) * MS

async function findingsOf(services: ServiceSpans[]) {
  const settings = testProcessorSettings('span_lifetime', 'traces', { recorded: true })
  const detector = factory.create.traces!(settings, configSchema.parse({}), { consume: () => ACCEPTED })
  const window = traceWindow.create.traces!(settings, windowConfig.parse({}), detector)
  await detector.start()
  await window.start()
  window.consume(tracesBatch(services))
  settings.clock.advanceBy(10_000)
  return settings.findings.reports.map(({ rule, cause, place, occurrences, population }) => ({
    rule,
    cause,
    operation: place.operation,
    occurrences,
    population,
  }))
}

const parent = { name: 'GET /', traceId: 1, spanId: 1, startNano: T0, endNano: T0 + 100n * MS }
const child = (startMs: bigint, endMs: bigint, spanId = 2) => ({
  name: 'write',
  traceId: 1,
  spanId,
  parentId: 1,
  startNano: T0 + startMs * MS,
  endNano: T0 + endMs * MS,
})

describe('LIFE-001 child_outlives_parent', () => {
  it('names the operation that goes on after its parent', async () => {
    expect(await findingsOf([{ service: 'cart', spans: [parent, child(50n, 160n), child(10n, 20n, 3)] }])).toEqual([
      { rule: 'LIFE-001', cause: 'asynchronous_work', operation: 'write', occurrences: 1, population: 2 },
    ])
  })

  it.each<[string, ServiceSpans[]]>([
    ['a child within its parent', [{ service: 'cart', spans: [parent, child(10n, 90n)] }]],
    [
      'an overrun within the tolerance of two clocks read in milliseconds',
      [{ service: 'cart', spans: [parent, child(10n, 102n)] }],
    ],
    [
      'a child on another machine, whose clock may be ahead',
      [
        { service: 'frontend', spans: [parent] },
        { service: 'cart', spans: [child(50n, 160n)] },
      ],
    ],
  ])('is silent about %s', async (_, services) => {
    expect(await findingsOf(services)).toEqual([])
  })
})

describe('LIFE-005 impossible_times', () => {
  it.each<[string, bigint, bigint, string]>([
    ['that ends before it starts', 0n, -1n, 'end_before_start'],
    ['that starts two minutes ahead', 120_000n, 120_001n, 'in_the_future'],
    ['that takes two hours', -7_200_001n, 0n, 'too_long'],
  ])('names a span %s', async (_, startMs, endMs, cause) => {
    const span = { ...parent, startNano: T0 + startMs * MS, endNano: T0 + endMs * MS }
    expect(await findingsOf([{ service: 'cart', spans: [span] }])).toEqual([
      { rule: 'LIFE-005', cause, operation: 'GET /', occurrences: 1, population: 1 },
    ])
  })

  it('is silent about a long stream that carries events', async () => {
    const stream = {
      ...parent,
      startNano: T0 - 7_200_001n * MS,
      endNano: T0,
      events: [{ name: 'message' }, { name: 'message' }],
    }
    expect(await findingsOf([{ service: 'cart', spans: [stream] }])).toEqual([])
  })
})
