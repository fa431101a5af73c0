import { afterEach, describe, expect, it } from '@jest/globals'
import type { BytesBatch } from '../../../component/batch.ts'
import { VirtualClock } from '../../../component/clock.ts'
import { ACCEPTED, type Outcome, refused } from '../../../component/consumer.ts'
import { GatewayError } from '../../../component/errors.ts'
import type { FindingReport } from '../../../component/finding.ts'
import { FindingRegistry } from '../../../findings/registry.ts'
import { CounterSeries } from '../../../findings/series/number-series.ts'
import { SeriesProducer } from '../../../findings/series/series-metric.ts'
import { SeriesTable } from '../../../findings/series/series-table.ts'
import { countItems } from '../../../otlp/count-items.ts'
import { configSchema } from '../../../receivers/findings/config.ts'
import { factory } from '../../../receivers/findings/findings-receiver.ts'
import { SILENT_LOGGER } from '../../../telemetry/logger.ts'
import { EDGE, report, SERVICE } from '../../findings/support/reports.ts'
import { LogProbe } from '../../support/log-probe.ts'
import { decodeRequest, type OtlpJson } from '../../support/otlp-oracle.ts'
import { TEST_START_MS, testReceiverSettings } from '../../support/test-settings.ts'

const REFUSED = refused(new GatewayError('queue_full', 'full', { retryable: true }))

let stopAll: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const stop of stopAll) await stop()
  stopAll = []
})

/** A receiver whose pipelines decode what comes, and may be told to refuse. */
async function setUp(config: Record<string, unknown> = {}) {
  const clock = new VirtualClock(TEST_START_MS)
  const registry = new FindingRegistry({ clock, logger: SILENT_LOGGER })
  const logger = new LogProbe()
  const settings = { ...testReceiverSettings('findings', { clock, logger }), findings: registry }
  const requests: { metrics: OtlpJson[]; logs: OtlpJson[] } = { metrics: [], logs: [] }
  const answers: Outcome[] = []
  const consumer = {
    consume(batch: BytesBatch): Outcome {
      expect(batch.itemCount).toBe(countItems(batch.signal, batch.encode()))
      const outcome = answers.shift() ?? ACCEPTED
      if (outcome.kind !== 'refused') requests[batch.signal as 'logs'].push(decodeRequest(batch.signal, batch.encode()))
      return outcome
    },
  }
  const resource = { 'service.name': 'blindspot', 'service.instance.id': 'gateway-1' }
  const receiver = factory.create(settings, configSchema.parse({ resource, ...config }), {
    metrics: consumer,
    logs: consumer,
  })
  await receiver.start()
  const stop = () => receiver.stop(clock.nowMs() + 5000)
  stopAll.push(stop)
  const publish = (overrides: Partial<FindingReport> = {}) => registry.publish([report(overrides)])
  /** Moves the clock and lets what it started run to its end. */
  const advance = async (ms: number) => {
    clock.advanceBy(ms)
    for (let turn = 0; turn < 20; turn++) await null
  }
  return { clock, logger, registry, settings, requests, answers, publish, advance, stop }
}

/** Data points by metric name. */
function pointsIn(request: OtlpJson | undefined): Record<string, OtlpJson[]> {
  const lists = (parent: OtlpJson | undefined, field: string) => (parent?.[field] ?? []) as OtlpJson[]
  const metrics = lists(request, 'resourceMetrics').flatMap((r) =>
    lists(r, 'scopeMetrics').flatMap((s) => lists(s, 'metrics')),
  )
  return Object.fromEntries(
    metrics.map((metric) => [metric.name, lists((metric.sum ?? metric.gauge) as OtlpJson, 'dataPoints')]),
  )
}

function logsIn(request: OtlpJson | undefined): OtlpJson[] {
  const [resource] = request!.resourceLogs as OtlpJson[]
  const [scope] = resource!.scopeLogs as OtlpJson[]
  return scope!.logRecords as OtlpJson[]
}

function attributesOf(item: OtlpJson): Record<string, unknown> {
  const list = (item.attributes ?? []) as { key: string; value: object }[]
  return Object.fromEntries(list.map(({ key, value }) => [key, value]))
}

describe('metrics about findings', () => {
  it('come at the interval, with the gateway as their resource and the times of the clock', async () => {
    const { requests, publish, advance } = await setUp()
    publish()
    await advance(9_999)
    expect(requests.metrics).toEqual([])
    await advance(1)
    const [request] = requests.metrics
    const { 'blindspot.finding.occurrences': points, 'blindspot.finding.active': active } = pointsIn(request)
    const startNano = `${TEST_START_MS}000000`
    const endNano = `${TEST_START_MS + 10_000}000000`
    expect(points).toMatchObject([{ startTimeUnixNano: startNano, timeUnixNano: endNano, asInt: '3' }])
    expect(active).toMatchObject([{ asInt: '1' }])
    const [{ resource }] = request!.resourceMetrics as [{ resource: OtlpJson }]
    expect(attributesOf(resource)).toEqual({
      'service.name': { stringValue: 'blindspot' },
      'service.instance.id': { stringValue: 'gateway-1' },
    })
  })

  it('are all since the start, or with delta what came since the last interval', async () => {
    for (const [temporality, code, second] of [
      ['cumulative', 2, 5],
      ['delta', 1, 2],
    ] as const) {
      const { requests, publish, advance } = await setUp({ temporality })
      publish()
      await advance(10_000)
      publish({ occurrences: 5 })
      await advance(10_000)
      expect(pointsIn(requests.metrics[1])['blindspot.finding.occurrences']).toMatchObject([{ asInt: `${second}` }])
      expect(JSON.stringify(requests.metrics[1])).toContain(`"aggregationTemporality":${code}`)
    }
  })

  it('that were refused as deltas come again with the next', async () => {
    const { requests, answers, publish, advance, settings } = await setUp({ temporality: 'delta', log_delay: '1h' })
    publish()
    answers.push(REFUSED)
    await advance(10_000)
    publish({ occurrences: 5 })
    await advance(10_000)
    expect(pointsIn(requests.metrics[0])['blindspot.finding.occurrences']).toMatchObject([{ asInt: '5' }])
    expect(settings.ledgers.metrics).toMatchObject({ received: 4, accepted: 2, refused: 2 })
    expect(settings.budget.usedBytes).toBe(0)
  })

  it('come a last time when the receiver stops', async () => {
    const { requests, publish, stop } = await setUp()
    publish()
    stopAll = []
    await stop()
    expect(pointsIn(requests.metrics[0])['blindspot.finding.occurrences']).toMatchObject([{ asInt: '3' }])
    expect(requests.logs).toHaveLength(1)
  })

  it('are no request while there is nothing to say', async () => {
    const { requests, advance } = await setUp()
    await advance(60_000)
    expect(requests.metrics).toEqual([])
  })

  it('bring what detectors sum themselves', async () => {
    const { registry, requests, advance } = await setUp()
    const table = new SeriesTable(10)
    const calls = new CounterSeries({ name: 'blindspot.edge.calls', unit: '{call}', description: 'Calls.' }, table)
    registry.addMetricProducer(new SeriesProducer([calls]))
    calls.add(
      table.intern('a', () => ({ 'client.service.name': 'frontend', 'blindspot.connected': true })),
      7,
    )
    await advance(10_000)
    const [point] = pointsIn(requests.metrics[0])['blindspot.edge.calls']!
    expect(point).toMatchObject({ asInt: '7' })
    expect(attributesOf(point!)).toEqual({
      'client.service.name': { stringValue: 'frontend' },
      'blindspot.connected': { boolValue: true },
    })
  })
})

describe('finding events', () => {
  it('say all that is known of the finding, as a log record of its first span', async () => {
    const { requests, publish, advance } = await setUp()
    publish({
      rule: 'CTX-002',
      cause: 'caller_does_not_inject',
      causeConfidence: 0.95,
      place: { ...SERVICE, edge: EDGE },
      state: 'confirmed',
      values: { connected_share: 0 },
      evidence: [
        {
          kind: 'span',
          traceId: '0af7651916cd43dd8448eb211c80319c',
          spanId: 'b7ad6b7169203331',
          relatedSpanId: null,
          values: {},
        },
      ],
    })
    await advance(1000)
    const [record] = logsIn(requests.logs[0])
    expect(record).toMatchObject({
      timeUnixNano: `${TEST_START_MS}000000`,
      severityNumber: 17,
      severityText: 'ERROR',
      eventName: 'blindspot.finding',
      body: { stringValue: '3 of 10 spans name a parent that never arrived.' },
      traceId: '0af7651916cd43dd8448eb211c80319c',
      spanId: 'b7ad6b7169203331',
    })
    expect(attributesOf(record!)).toEqual({
      'blindspot.finding.id': { stringValue: expect.stringMatching(/^[0-9a-f]{16}$/) },
      'blindspot.finding.state': { stringValue: 'confirmed' },
      'blindspot.finding.confidence': { doubleValue: 0.9 },
      'blindspot.finding.cause_confidence': { doubleValue: 0.95 },
      'blindspot.finding.occurrences': { intValue: '3' },
      'blindspot.finding.population': { intValue: '10' },
      'blindspot.rule': { stringValue: 'CTX-002' },
      'blindspot.rule.name': { stringValue: 'context_lost_between_services' },
      'blindspot.cause': { stringValue: 'caller_does_not_inject' },
      'blindspot.level': { stringValue: 'error' },
      'service.name': { stringValue: 'cart' },
      'span.name': { stringValue: 'Cart/GetItems' },
      'client.service.name': { stringValue: 'frontend' },
      'server.service.name': { stringValue: 'cart' },
      'blindspot.boundary': { stringValue: 'grpc' },
      'blindspot.value.connected_share': { doubleValue: 0 },
    })
  })

  it.each([
    ['error', 17],
    ['warn', 13],
    ['info', 9],
  ] as const)('of level %s have severity %i', async (level, severityNumber) => {
    const { requests, publish, advance } = await setUp()
    publish({ level })
    await advance(1000)
    expect(logsIn(requests.logs[0])).toMatchObject([{ severityNumber }])
  })

  it('of about the same time go together, one for each change of state', async () => {
    const { requests, publish, advance } = await setUp()
    publish()
    await advance(500)
    publish({ occurrences: 4 })
    publish({ state: 'confirmed', occurrences: 4 })
    await advance(500)
    const states = logsIn(requests.logs[0]).map((record) => attributesOf(record)['blindspot.finding.state'])
    expect(states).toEqual([{ stringValue: 'provisional' }, { stringValue: 'confirmed' }])
  })

  it('that were refused are tried again, and beyond the limit the oldest are dropped', async () => {
    const { requests, answers, publish, advance, settings } = await setUp({ max_pending_events: 2, interval: '1h' })
    answers.push(REFUSED)
    publish()
    publish({ state: 'confirmed' })
    await advance(1000)
    publish({ state: 'retracted' })
    await advance(2000)
    const states = logsIn(requests.logs[0]).map((record) => attributesOf(record)['blindspot.finding.state'])
    expect(states).toEqual([{ stringValue: 'confirmed' }, { stringValue: 'retracted' }])
    expect(settings.ledgers.logs).toMatchObject({ received: 5, accepted: 2, refused: 2, failed: 1 })
  })
})

describe('the log of the receiver', () => {
  it('says once that a pipeline refuses, and once that it takes again', async () => {
    const { answers, publish, advance, logger } = await setUp({ interval: '1h' })
    answers.push(REFUSED, REFUSED, REFUSED)
    publish()
    await advance(1000)
    await advance(1000)
    await advance(1000)
    expect(logger.lines.map(({ level, message }) => `${level}: ${message}`)).toEqual([
      'warn: the logs pipelines refuse finding events; they are tried again until they are taken',
    ])
    await advance(1000)
    publish({ state: 'confirmed' })
    await advance(1000)
    expect(logger.lines.slice(1).map(({ level, message }) => `${level}: ${message}`)).toEqual([
      'info: the logs pipelines take finding events again',
    ])
  })

  it('says the same of metrics, whose next interval brings them again', async () => {
    const { answers, publish, advance, logger } = await setUp({ interval: '10s', log_delay: '1h' })
    answers.push(REFUSED, REFUSED)
    publish()
    for (let interval = 0; interval < 4; interval++) await advance(10_000)
    expect(logger.lines.map(({ level, message }) => `${level}: ${message}`)).toEqual([
      'warn: the metrics pipelines refuse derived metrics; they are tried again until they are taken',
      'info: the metrics pipelines take derived metrics again',
    ])
  })
})

describe('a gateway without a registry', () => {
  it('cannot start the receiver, and says why', async () => {
    const receiver = factory.create(testReceiverSettings('findings'), configSchema.parse({}), {})
    await expect(receiver.start()).rejects.toMatchObject({ code: 'start_failed' })
  })
})
