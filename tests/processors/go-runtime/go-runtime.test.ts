import { describe, expect, it, jest } from '@jest/globals'
import type { CollectedMetrics } from '../../../component/finding-source.ts'
import { metricsRequest } from '../../support/otlp-builder.ts'
import { GOAL_BELOW_512_MIB, goFleet, MIB_512, NO_GOAL, OFF } from './go-fleet.ts'

const HEALTHY = { 'go.config.gogc': 100, 'go.memory.gc.goal': 4_194_304 }
const SWITCHED_OFF = { 'go.config.gogc': OFF, 'go.memory.gc.goal': NO_GOAL }

/** The points of a metric: resource, attributes and value. */
function pointsOf(collected: readonly CollectedMetrics[], name: string) {
  return collected.flatMap(({ resource, scopeMetrics }) =>
    scopeMetrics
      .flatMap((scope) => scope.metrics)
      .filter((metric) => metric.descriptor.name === name)
      .flatMap((metric) => metric.dataPoints.map(({ attributes, value }) => ({ resource, attributes, value }))),
  )
}

describe('the stream', () => {
  it('goes on byte for byte, whatever is found in it', async () => {
    const { send, passed } = await goFleet()
    const requests = [
      metricsRequest([
        { service: 'a', metrics: [{ name: 'go.config.gogc', gauge: { dataPoints: [{ asInt: OFF }] } }] },
      ]),
      metricsRequest([{ service: 'b', metrics: [] }]),
      new Uint8Array(0),
    ]
    for (const bytes of requests) send(bytes)
    expect(passed).toEqual(requests)
  })

  it('goes on when a rule meets a defect of its own', async () => {
    const { exportFrom, findings, passed } = await goFleet()
    jest.spyOn(findings, 'publish').mockImplementation(() => {
      throw new Error('of the test')
    })
    exportFrom(SWITCHED_OFF)
    expect(passed).toHaveLength(1)
  })
})

describe('derived metrics', () => {
  it.each([
    ['0 where collections never start', SWITCHED_OFF, 0, { 'blindspot.go.gc.trigger': 'off' }],
    [
      '1 where a limit starts them',
      { 'go.config.gogc': OFF, 'go.memory.limit': MIB_512, 'go.memory.gc.goal': GOAL_BELOW_512_MIB },
      1,
      { 'blindspot.go.gc.trigger': 'memory_limit' },
    ],
    ['1 where they start as usual', HEALTHY, 1, {}],
  ])('blindspot.go.gc.enabled is %s', async (_when, numbers, value, trigger) => {
    const { exportFrom, findings } = await goFleet()
    exportFrom(numbers)
    const points = pointsOf(await findings.collect(), 'blindspot.go.gc.enabled')
    expect(points).toMatchObject([{ value, attributes: { 'blindspot.signal.source': 'otel_sdk', ...trigger } }])
  })

  it('carry their process, by its identifying attributes only', async () => {
    const { exportFrom, findings } = await goFleet()
    const resource = { 'host.name': 'node-1', 'k8s.pod.uid': 'p1', 'os.type': 'linux', 'service.version': '1.2' }
    exportFrom(HEALTHY, { resource })
    exportFrom(SWITCHED_OFF, { instance: 'cart-2' })
    const points = pointsOf(await findings.collect(), 'blindspot.go.gc.enabled')
    expect(points.map((point) => [point.resource, point.value])).toEqual([
      [
        {
          'service.name': 'cart',
          'service.instance.id': 'cart-1',
          'service.version': '1.2',
          'host.name': 'node-1',
          'k8s.pod.uid': 'p1',
        },
        1,
      ],
      [{ 'service.name': 'cart', 'service.instance.id': 'cart-2' }, 0],
    ])
  })

  it('end with a process that has gone silent, and begin again with it', async () => {
    const { clock, exportFrom, findings, resources } = await goFleet()
    const points = async () => pointsOf(await findings.collect(), 'blindspot.go.gc.enabled')
    exportFrom(HEALTHY)
    clock.advanceBy(5 * 60_000)
    expect(await points()).toHaveLength(1)
    clock.advanceBy(1)
    expect(await points()).toEqual([])
    expect(resources()).toEqual([])
    exportFrom(HEALTHY)
    expect(await points()).toHaveLength(1)
  })

  it('stay for the last collection, which comes after the processor has stopped', async () => {
    const { exportFrom, findings, stop } = await goFleet()
    exportFrom(HEALTHY)
    await stop()
    expect(pointsOf(await findings.collect(), 'blindspot.go.gc.enabled')).toHaveLength(1)
  })

  it('are rows of the report', async () => {
    const { exportFrom, resources } = await goFleet()
    exportFrom(SWITCHED_OFF)
    expect(resources()).toEqual([{ service: 'cart', instance: 'cart-1', values: { 'blindspot.go.gc.enabled': 0 } }])
  })
})

describe('a service of which the rule cannot speak', () => {
  const row = (service: string) => ({
    rule: 'GO-001',
    service,
    missing: 'go.config.gogc',
    switchOn: expect.stringContaining('runtime.Start()'),
  })

  it.each([
    ['sends other runtime metrics only', { 'go.goroutine.count': 12 }, {}],
    ['sends runtime metrics of an old instrumentation', { 'process.runtime.go.goroutines': 12 }, {}],
    ['sends only garbage', { 'go.config.gogc': Number.NaN }, {}],
    [
      'is written in Go and sends no runtime metrics',
      { 'http.server.request.duration': 1 },
      { resource: { 'telemetry.sdk.language': 'go' } },
    ],
  ])('is named, with what to switch on, where it %s', async (_what, numbers, options) => {
    const { exportFrom, notEvaluable, findings } = await goFleet()
    exportFrom(numbers, options)
    expect(notEvaluable()).toEqual([row('cart')])
    const points = pointsOf(await findings.collect(), 'blindspot.rule.evaluable')
    expect(points).toEqual([
      { resource: null, attributes: { 'blindspot.rule': 'GO-001', 'service.name': 'cart' }, value: 0 },
    ])
  })

  it('is not named where one of its processes sends what is needed', async () => {
    const { exportFrom, notEvaluable, findings } = await goFleet()
    exportFrom({ 'go.goroutine.count': 12 })
    exportFrom(HEALTHY, { instance: 'cart-2' })
    expect(notEvaluable()).toEqual([])
    expect(pointsOf(await findings.collect(), 'blindspot.rule.evaluable')).toMatchObject([{ value: 1 }])
  })

  it('is not named where it is no Go service, nor when it has gone', async () => {
    const { clock, exportFrom, notEvaluable } = await goFleet()
    exportFrom({ 'http.server.request.duration': 1 }, { resource: { 'telemetry.sdk.language': 'java' } })
    expect(notEvaluable()).toEqual([])
    exportFrom({ 'go.goroutine.count': 12 })
    clock.advanceBy(6 * 60_000)
    expect(notEvaluable()).toEqual([])
  })
})

describe('the number of processes', () => {
  it('is bounded: who was silent for longest is forgotten, with its metrics', async () => {
    const { clock, exportFrom, findings, limits } = await goFleet({ max_processes: 2 })
    for (const instance of ['cart-1', 'cart-2', 'cart-1', 'cart-3']) {
      exportFrom(HEALTHY, { instance })
      clock.advanceBy(1000)
    }
    const points = pointsOf(await findings.collect(), 'blindspot.go.gc.enabled')
    expect(points.map((point) => point.resource!['service.instance.id']).sort()).toEqual(['cart-1', 'cart-3'])
    expect(limits()).toMatchObject({ evicted_processes: 1 })
  })
})
