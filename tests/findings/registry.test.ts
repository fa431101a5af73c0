import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { VirtualClock } from '../../component/clock.ts'
import type { FindingReport } from '../../component/finding.ts'
import type { FindingEvent } from '../../component/finding-source.ts'
import { FindingRegistry, type RegistryOptions } from '../../findings/registry.ts'
import { SILENT_LOGGER } from '../../telemetry/logger.ts'
import { EDGE, report, SERVICE } from './support/reports.ts'

const MINUTE_MS = 60_000

function setUp(options: Partial<RegistryOptions> = {}) {
  const clock = new VirtualClock(Date.UTC(2026, 0, 1))
  const registry = new FindingRegistry({ clock, logger: SILENT_LOGGER, ...options })
  const events: FindingEvent[] = []
  registry.subscribe((event) => events.push(event))
  /** What happened, as `rule/cause: before -> after`. */
  const story = () =>
    events.map(({ finding, previousState }) => `${finding.cause}: ${previousState ?? 'new'} -> ${finding.state}`)
  const publish = (...overrides: Partial<FindingReport>[]) => {
    for (const each of overrides) registry.publish([report(each)])
  }
  const limits = () => Object.assign({}, ...registry.sections().map((section) => section.limits?.() ?? {}))
  return { clock, registry, events, story, publish, limits }
}

/** Metric name and attributes to value, of the gateway's own resource. */
async function collected(registry: FindingRegistry): Promise<Record<string, number>> {
  const values: Record<string, number> = {}
  for (const { resource, scopeMetrics } of await registry.collect()) {
    if (resource !== null) continue
    for (const metric of scopeMetrics.flatMap((scope) => scope.metrics))
      for (const point of metric.dataPoints)
        values[`${metric.descriptor.name} ${point.attributes['blindspot.cause'] ?? 'overflow'}`] = point.value as number
  }
  return values
}

describe('the id of a finding', () => {
  const idOf = (overrides: Partial<FindingReport>) => {
    const { registry, publish } = setUp()
    publish(overrides)
    return registry.findings()[0]!.id
  }

  it('is an interface: it never changes for the same trouble', () => {
    expect(idOf({})).toBe('d62d1ebc3744f43b')
    expect(idOf({ rule: 'CTX-002', place: { ...SERVICE, edge: EDGE } })).toBe('0afca0faf206d2ac')
  })

  it.each<[string, Partial<FindingReport>, Partial<FindingReport>, boolean]>([
    ['totals', { occurrences: 3 }, { occurrences: 4, population: 12 }, true],
    ['another operation', {}, { place: { ...SERVICE, operation: 'Cart/Add' } }, false],
    ['another service', {}, { place: { ...SERVICE, service: 'shop' } }, false],
    ['another cause', {}, { cause: 'parent_never_ended' }, false],
    ['another instance of a trace rule', {}, { place: { ...SERVICE, instance: 'cart-1' } }, true],
    [
      'another instance of a runtime rule',
      { rule: 'GO-001', cause: 'gogc_off', place: { ...SERVICE, instance: 'cart-1' } },
      { rule: 'GO-001', cause: 'gogc_off', place: { ...SERVICE, instance: 'cart-2' } },
      false,
    ],
    [
      'another operation of a lost edge',
      { rule: 'CTX-002', place: { ...SERVICE, edge: EDGE } },
      { rule: 'CTX-002', place: { ...SERVICE, operation: 'Cart/Add', edge: EDGE } },
      true,
    ],
    [
      'another operation of a lost edge whose cause is bound to the route',
      { rule: 'CTX-002', cause: 'stripped_on_the_way', place: { ...SERVICE, edge: EDGE } },
      { rule: 'CTX-002', cause: 'stripped_on_the_way', place: { ...SERVICE, operation: 'Cart/Add', edge: EDGE } },
      false,
    ],
    [
      'another boundary between the same services',
      { rule: 'CTX-002', place: { ...SERVICE, edge: EDGE } },
      { rule: 'CTX-002', place: { ...SERVICE, edge: { ...EDGE, boundary: 'http' } } },
      false,
    ],
  ])('%s', (_what, one, other, isSame) => {
    expect(idOf(one) === idOf(other)).toBe(isSame)
  })
})

describe('the life of a finding', () => {
  it('opens provisional and is confirmed', () => {
    const { story, publish, registry } = setUp()
    publish({}, { state: 'confirmed', confidence: 0.99 })
    expect(story()).toEqual(['undetermined: new -> provisional', 'undetermined: provisional -> confirmed'])
    expect(registry.findings()).toMatchObject([
      { name: 'orphan_span', page: 'docs/rules/CTX-001.md', confidence: 0.99 },
    ])
  })

  it('says nothing when only totals change', () => {
    const { story, publish, registry } = setUp()
    publish({}, { occurrences: 5, population: 20 })
    expect(story()).toHaveLength(1)
    expect(registry.findings()).toMatchObject([{ occurrences: 5, population: 20 }])
  })

  it('tells a change of its level', () => {
    const { events, publish } = setUp()
    const place = { ...SERVICE, operation: null, instance: 'cart-1' }
    publish({ rule: 'GO-001', cause: 'gogc_off', place, level: 'info' })
    publish({ rule: 'GO-001', cause: 'gogc_off', place, level: 'error' })
    expect(events.map((event) => event.finding.level)).toEqual(['info', 'error'])
  })

  it('resolves ten minutes after its last occurrence, not after its last report', () => {
    const { clock, story, publish } = setUp()
    publish({ state: 'confirmed' })
    clock.advanceBy(5 * MINUTE_MS)
    publish({ state: 'confirmed', occurrences: 4 })
    clock.advanceBy(9 * MINUTE_MS)
    publish({ state: 'confirmed', occurrences: 4 })
    expect(story()).toHaveLength(1)
    clock.advanceBy(1.5 * MINUTE_MS)
    expect(story()).toEqual(['undetermined: new -> confirmed', 'undetermined: confirmed -> resolved'])
  })

  it('stays resolved when nothing new is said, and opens again with the next occurrence', () => {
    const { clock, story, publish } = setUp()
    publish({ state: 'confirmed' })
    clock.advanceBy(11 * MINUTE_MS)
    publish({ state: 'confirmed' })
    expect(story().at(-1)).toBe('undetermined: confirmed -> resolved')
    publish({ state: 'confirmed', occurrences: 4 })
    expect(story().at(-1)).toBe('undetermined: resolved -> confirmed')
  })

  it('is retracted when it is disproved, and does not resolve afterwards', () => {
    const { clock, story, publish } = setUp()
    publish({}, { state: 'retracted', occurrences: 0 })
    clock.advanceBy(20 * MINUTE_MS)
    expect(story()).toEqual(['undetermined: new -> provisional', 'undetermined: provisional -> retracted'])
  })

  it('never shows what was disproved before it was published', () => {
    const { registry, publish } = setUp()
    publish({ state: 'retracted' })
    expect(registry.findings()).toEqual([])
  })

  it('cannot be what the catalogue does not have', () => {
    const { registry, publish, limits } = setUp()
    publish({ rule: 'CTX-999' }, { cause: 'bad_weather' })
    expect(registry.findings()).toEqual([])
    expect(limits()).toMatchObject({ rejected_reports: 2 })
  })
})

describe('confidence', () => {
  it('below 0.8 nothing is published, and that is counted', () => {
    const { registry, publish, limits } = setUp()
    publish({ confidence: 0.79 })
    expect(registry.findings()).toEqual([])
    expect(limits()).toMatchObject({ withheld_reports: 1 })
  })

  it('takes back what is no longer sure enough', () => {
    const { story, publish } = setUp()
    publish({ confidence: 0.9 }, { confidence: 0.5 })
    expect(story().at(-1)).toBe('undetermined: provisional -> retracted')
  })

  it('of a cause below 0.8 makes the cause undetermined, surely', () => {
    const { registry, publish } = setUp()
    publish({ cause: 'parent_dropped', causeConfidence: 0.7 })
    expect(registry.findings()).toMatchObject([{ cause: 'undetermined', causeConfidence: 1 }])
  })
})

describe('a cause that is found later', () => {
  it('supersedes the undetermined finding, whose occurrences move', () => {
    const { registry, story, publish } = setUp()
    publish(
      {},
      { cause: 'parent_never_ended', causeConfidence: 0.85, occurrences: 12, supersedesCause: 'undetermined' },
    )
    expect(story()).toEqual([
      'undetermined: new -> provisional',
      'undetermined: provisional -> superseded',
      'parent_never_ended: new -> provisional',
    ])
    const byCause = new Map(registry.findings().map((finding) => [finding.cause, finding]))
    const decided = byCause.get('parent_never_ended')!
    expect(decided).toMatchObject({ occurrences: 12, supersededBy: null })
    expect(byCause.get('undetermined')).toMatchObject({
      occurrences: 0,
      supersededBy: decided.id,
      message: `What was found here goes on as finding ${decided.id}, under another cause.`,
    })
  })

  it('does so too when only the confidence in the cause has grown', () => {
    const { story, publish } = setUp()
    publish({ cause: 'parent_dropped', causeConfidence: 0.7 }, { cause: 'parent_dropped', causeConfidence: 0.9 })
    expect(story().slice(1)).toEqual(['undetermined: provisional -> superseded', 'parent_dropped: new -> provisional'])
  })

  it('may turn out wrong: the earlier finding opens again', () => {
    const { registry, publish } = setUp()
    publish(
      {},
      { cause: 'parent_never_ended', supersedesCause: 'undetermined' },
      { cause: 'undetermined', supersedesCause: 'parent_never_ended' },
    )
    const states = Object.fromEntries(registry.findings().map((finding) => [finding.cause, finding.state]))
    expect(states).toEqual({ undetermined: 'provisional', parent_never_ended: 'superseded' })
  })
})

describe('several places of one finding', () => {
  const edgeReport = (operation: string, occurrences: number): Partial<FindingReport> => ({
    rule: 'CTX-002',
    cause: 'caller_does_not_inject',
    place: { ...SERVICE, operation, edge: EDGE },
    state: 'confirmed',
    occurrences,
    population: 30,
  })

  it('add up, but for the population that they share', () => {
    const { registry, publish } = setUp()
    publish(edgeReport('Cart/Add', 4), edgeReport('Cart/GetItems', 6), edgeReport('Cart/Add', 5))
    expect(registry.findings()).toMatchObject([
      {
        occurrences: 11,
        population: 30,
        place: { operation: null },
        message:
          '11 of 30 calls from frontend to cart begin a new trace in cart: the trace context is lost on the way.',
      },
    ])
  })

  it('are told of once, with all that was found together', () => {
    const { registry, events } = setUp()
    registry.publish([edgeReport('Cart/Add', 4), edgeReport('Cart/GetItems', 7)].map(report))
    expect(events).toMatchObject([{ previousState: null, finding: { occurrences: 11, place: { operation: null } } }])
  })

  it('are not told of when what was found together moves to another cause', () => {
    const { registry, story } = setUp()
    const first = { ...edgeReport('Cart/Add', 4), cause: 'undetermined' }
    registry.publish([first, { ...edgeReport('Cart/Add', 5), supersedesCause: 'undetermined' }].map(report))
    expect(story()).toEqual(['caller_does_not_inject: new -> confirmed'])
  })

  it('show their operation when there is only one', () => {
    const { registry, publish } = setUp()
    publish(edgeReport('Cart/Add', 4))
    expect(registry.findings()).toMatchObject([{ place: { operation: 'Cart/Add', edge: EDGE } }])
  })

  it("are one finding where the cause is bound to an operation, and the trouble is the whole edge's", () => {
    const { registry, publish } = setUp()
    const stripped = (operation: string, ofWholeEdge: boolean) => ({
      ...edgeReport(operation, 5),
      cause: 'stripped_on_the_way',
      ofWholeEdge,
    })
    const standing = () =>
      registry.findings().flatMap((f) => (f.state === 'superseded' ? [] : [[f.place.operation, f.occurrences]]))
    publish(stripped('Cart/Add', false), stripped('Cart/GetItems', false))
    expect(standing().sort()).toEqual([
      ['Cart/Add', 5],
      ['Cart/GetItems', 5],
    ])
    publish(stripped('Cart/Add', true), stripped('Cart/GetItems', true))
    expect(standing()).toEqual([[null, 10]])
  })

  it('find their cause one by one', () => {
    const { registry, publish } = setUp()
    const undetermined = (operation: string) => ({ ...edgeReport(operation, 5), cause: 'undetermined' })
    publish(undetermined('Cart/Add'), undetermined('Cart/GetItems'))
    publish({ ...edgeReport('Cart/Add', 6), supersedesCause: 'undetermined' })
    const byCause = () => Object.fromEntries(registry.findings().map((f) => [f.cause, [f.state, f.occurrences]]))
    expect(byCause()).toEqual({ undetermined: ['confirmed', 5], caller_does_not_inject: ['confirmed', 6] })
    publish({ ...edgeReport('Cart/GetItems', 7), supersedesCause: 'undetermined' })
    expect(byCause()).toEqual({ undetermined: ['superseded', 0], caller_does_not_inject: ['confirmed', 13] })
  })
})

describe('metrics about findings', () => {
  it('count occurrences up, and what was taken back beside them', async () => {
    const { registry, publish } = setUp()
    publish({ occurrences: 3 }, { occurrences: 8 }, { occurrences: 6 })
    expect(await collected(registry)).toEqual({
      'blindspot.finding.occurrences undetermined': 8,
      'blindspot.finding.retractions undetermined': 2,
      'blindspot.finding.active undetermined': 1,
    })
    publish({ state: 'retracted', occurrences: 0 })
    expect(await collected(registry)).toEqual({
      'blindspot.finding.occurrences undetermined': 8,
      'blindspot.finding.retractions undetermined': 8,
      'blindspot.finding.active undetermined': 0,
    })
  })

  it('move occurrences from a superseded cause to the decided one', async () => {
    const { registry, publish } = setUp()
    publish({ occurrences: 3 }, { cause: 'parent_dropped', occurrences: 5, supersedesCause: 'undetermined' })
    expect(await collected(registry)).toEqual({
      'blindspot.finding.occurrences undetermined': 3,
      'blindspot.finding.retractions undetermined': 3,
      'blindspot.finding.active undetermined': 0,
      'blindspot.finding.occurrences parent_dropped': 5,
      'blindspot.finding.active parent_dropped': 1,
    })
  })

  it('carry the edge, and the times of the clock', async () => {
    const { clock, registry, publish } = setUp()
    clock.advanceBy(1500)
    publish({ rule: 'CTX-002', place: { ...SERVICE, edge: EDGE } })
    const metrics = (await registry.collect())[0]!.scopeMetrics[0]!.metrics
    const occurrences = metrics.find((metric) => metric.descriptor.name === 'blindspot.finding.occurrences')!
    expect(occurrences.dataPoints).toEqual([
      {
        attributes: {
          'blindspot.rule': 'CTX-002',
          'blindspot.cause': 'undetermined',
          'blindspot.level': 'error',
          'service.name': 'cart',
          'client.service.name': 'frontend',
          'server.service.name': 'cart',
          'blindspot.boundary': 'grpc',
        },
        startTime: [Date.UTC(2026, 0, 1) / 1000, 0],
        endTime: [Date.UTC(2026, 0, 1) / 1000 + 1, 500_000_000],
        value: 3,
      },
    ])
  })

  it('never decrease, and always come to what stands, whatever detectors say', async () => {
    const causes = ['undetermined', 'parent_dropped', 'parent_never_ended']
    const anyReport = fc.record({
      place: fc.constantFrom(SERVICE, { ...SERVICE, operation: 'Cart/Add' }),
      cause: fc.constantFrom(...causes),
      supersedesCause: fc.constantFrom(null, ...causes),
      state: fc.constantFrom('provisional' as const, 'confirmed' as const, 'retracted' as const),
      confidence: fc.constantFrom(0.5, 0.9),
      causeConfidence: fc.constantFrom(0.5, 0.9),
      occurrences: fc.nat(20),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(anyReport, { maxLength: 30 }), async (reports) => {
        const { registry, publish } = setUp()
        let before: Record<string, number> = {}
        for (const each of reports) {
          publish(each)
          const now = await collected(registry)
          const counters = Object.entries(now).filter(([name]) => !name.includes('.active'))
          for (const [name, value] of counters) expect(value).toBeGreaterThanOrEqual(before[name] ?? 0)
          const sum = (metric: string) =>
            counters.reduce((all, [name, n]) => (name.includes(metric) ? all + n : all), 0)
          const standing = registry.findings().filter((finding) => finding.state !== 'retracted')
          const occurrences = standing.reduce((all, finding) => all + finding.occurrences, 0)
          expect(sum('.occurrences') - sum('.retractions')).toBe(occurrences)
          before = now
        }
      }),
      { numRuns: 50 },
    )
  })

  it('share one series past the limit', async () => {
    const { registry, publish, limits } = setUp({ maxSeries: 2 })
    publish(...['a', 'b', 'c', 'd'].map((service) => ({ place: { ...SERVICE, service } })))
    const values = await collected(registry)
    expect(values['blindspot.finding.occurrences overflow']).toBe(6)
    expect(limits().overflowed_series).toBeGreaterThanOrEqual(2)
  })
})

describe('limits', () => {
  const inService = (service: string): Partial<FindingReport> => ({ place: { ...SERVICE, service } })

  it('evict closed findings before open ones, the oldest first', () => {
    const { clock, registry, publish, limits } = setUp({ maxFindings: 3 })
    publish(inService('a'))
    clock.advanceBy(1000)
    publish(inService('b'), { ...inService('b'), state: 'retracted' })
    clock.advanceBy(1000)
    publish(inService('c'), inService('d'), inService('e'))
    expect(
      registry
        .findings()
        .map((finding) => finding.place.service)
        .sort(),
    ).toEqual(['c', 'd', 'e'])
    expect(limits()).toMatchObject({ evicted_findings: 2 })
  })

  it('bound the evidence of a finding', () => {
    const { registry, publish } = setUp({ evidenceLimit: 2 })
    const evidence = ['a', 'b', 'c'].map((spanId) => ({
      kind: 'span' as const,
      traceId: 't',
      spanId,
      relatedSpanId: null,
      values: {},
    }))
    publish({ evidence })
    expect(registry.findings()[0]!.evidence).toEqual(evidence.slice(0, 2))
  })
})
