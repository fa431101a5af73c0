import { describe, expect, it } from '@jest/globals'
import { TracesBatch } from '../../../component/batch.ts'
import { ACCEPTED } from '../../../component/consumer.ts'
import { configSchema } from '../../../processors/span-lifetime/config.ts'
import { factory } from '../../../processors/span-lifetime/span-lifetime.ts'
import { configSchema as windowConfig } from '../../../processors/trace-window/config.ts'
import { factory as traceWindow } from '../../../processors/trace-window/trace-window.ts'
import type { ServiceSpans, SpanSpec } from '../../support/otlp-builder.ts'
import { standing } from '../../support/replay-spans.ts'
import { scan, tracesBatch } from '../../support/scan.ts'
import { TEST_START_MS, testProcessorSettings } from '../../support/test-settings.ts'

const MS = 1_000_000n
const T0 = BigInt(TEST_START_MS) * MS

async function replay(requests: readonly (readonly ServiceSpans[])[], config = {}) {
  const settings = testProcessorSettings('span_lifetime', 'traces', { recorded: true })
  const left: TracesBatch[] = []
  const detector = factory.create.traces!(settings, configSchema.parse(config), {
    consume(batch) {
      batch.retain()
      left.push(batch)
      return ACCEPTED
    },
  })
  const window = traceWindow.create.traces!(settings, windowConfig.parse({}), detector)
  await detector.start()
  await window.start()
  for (const services of requests) {
    window.consume(tracesBatch(services))
    settings.clock.advanceBy(100)
  }
  // Until then a clock that was set might explain what one process does after another.
  settings.clock.advanceBy(90_000)
  return { settings, left, findings: standing(settings.findings.reports) }
}

async function findingsOf(services: readonly ServiceSpans[], config = {}) {
  const { findings } = await replay([services], config)
  return findings.map(({ rule, cause, place, occurrences, population }) => ({
    rule,
    cause,
    operation: place.operation,
    occurrences,
    population,
  }))
}

/** Times in milliseconds from the start of the test. */
function span(
  name: string,
  spanId: number,
  parentId: number | null,
  from: number,
  until: number,
  more: Partial<SpanSpec> = {},
): SpanSpec {
  const nano = (ms: number) => T0 + BigInt(Math.round(ms * 1e6))
  return { name, traceId: 1, spanId, parentId, startNano: nano(from), endNano: nano(until), ...more }
}

const parent = span('GET /', 1, null, 0, 100)
const child = (from: number, until: number, spanId = 2, more: Partial<SpanSpec> = {}) =>
  span('write', spanId, 1, from, until, more)
const sameHost = { resource: { 'host.id': 'node-a' } }

describe('LIFE-001 child_outlives_parent', () => {
  it('names the operation that goes on after its parent', async () => {
    expect(await findingsOf([{ service: 'cart', spans: [parent, child(50, 160), child(10, 20, 3)] }])).toEqual([
      { rule: 'LIFE-001', cause: 'asynchronous_work', operation: 'write', occurrences: 1, population: 2 },
    ])
  })

  it.each<[string, ServiceSpans[]]>([
    ['a child within its parent', [{ service: 'cart', spans: [parent, child(10, 90)] }]],
    [
      'an overrun within the tolerance of two clocks read in milliseconds',
      [{ service: 'cart', spans: [parent, child(10, 102)] }],
    ],
    [
      'a child on another machine, whose clock may be ahead',
      [
        { service: 'frontend', spans: [parent] },
        { service: 'cart', spans: [child(50, 160)] },
      ],
    ],
    [
      'a consumer, which works when it can',
      [{ service: 'cart', ...sameHost, spans: [parent, child(50, 160, 2, { kind: 'consumer' })] }],
    ],
    [
      'a parent whose id another span has, too: whose child it is cannot be said',
      [
        {
          service: 'cart',
          spans: [
            span('GET /', 9, null, 0, 200),
            span('price', 1, 9, 0, 100),
            child(50, 160),
            span('stock', 1, 9, 100, 190),
          ],
        },
      ],
    ],
    ['dialling that net/http goes on with', [{ service: 'cart', spans: [parent, span('http.tls', 2, 1, 90, 120)] }]],
    [
      'a server span that ends a moment after its answer, once',
      [
        { service: 'frontend', ...sameHost, spans: [{ ...parent, kind: 'client' }] },
        { service: 'cart', ...sameHost, spans: [child(5, 105, 2, { kind: 'server' })] },
      ],
    ],
  ])('is silent about %s', async (_, services) => {
    expect(await findingsOf(services)).toEqual([])
  })
})

describe('a child that is exported when its trace has left', () => {
  /** Three seconds in which other requests come. */
  const later = Array.from({ length: 30 }, () => [] as ServiceSpans[])
  const cart = { service: 'cart', ...sameHost }

  it.each<[string, Partial<ServiceSpans>, SpanSpec, string[]]>([
    ['outlives its parent', {}, child(50, 3000), ['LIFE-001 write 1 of 1']],
    ['starts after its parent: its context may have been kept', {}, child(1500, 3000), []],
    ['ended in time', {}, child(50, 90), []],
    ['is a request of its own', {}, child(50, 3000, 2, { kind: 'server' }), []],
    ['is of another service', { service: 'price' }, child(50, 3000), []],
  ])('%s', async (_, more, late, expected) => {
    const { findings } = await replay([[{ ...cart, spans: [parent] }], ...later, [{ ...cart, ...more, spans: [late] }]])
    expect(
      findings.map(
        ({ rule, place, occurrences, population }) => `${rule} ${place.operation} ${occurrences} of ${population}`,
      ),
    ).toEqual(expected)
  })
})

it('an operation whose work always comes when its trace has left ended too early, too', async () => {
  const later = Array.from({ length: 30 }, () => [] as ServiceSpans[])
  const call = (i: number, one: SpanSpec) => [{ service: 'cart', ...sameHost, spans: [{ ...one, traceId: 100 + i }] }]
  const requests = Array.from({ length: 20 }, (_, i) => call(i, parent))
  // Two of each: a span counts once.
  const late = Array.from({ length: 40 }, (_, i) => call(i % 20, child(50, 3000, 2 + Math.floor(i / 20))))
  const { findings } = await replay([...requests, ...later, ...late])
  expect(findings).toMatchObject([
    {
      rule: 'LIFE-003',
      cause: 'ended_before_async_work',
      place: { operation: 'GET /' },
      occurrences: 20,
      population: 20,
    },
  ])
  expect(findings[0]!.evidence[0]).toMatchObject({ spanId: '0000000000000001', relatedSpanId: '0000000000000002' })
})

describe('LIFE-002 child_starts_after_parent_end', () => {
  it('names what is started after its parent has ended', async () => {
    expect(await findingsOf([{ service: 'cart', spans: [parent, child(180, 260)] }])).toEqual([
      { rule: 'LIFE-002', cause: 'asynchronous_work', operation: 'write', occurrences: 1, population: 1 },
    ])
  })

  it('is silent about the next step that names the step before as its parent', async () => {
    const steps = [parent, child(10, 30), span('price', 3, 2, 30.1, 60)]
    expect(await findingsOf([{ service: 'cart', spans: steps }])).toEqual([])
  })

  it('is silent about a loop that keeps the context of a request', async () => {
    const rounds = [500, 1000, 1500, 2000].map((at, i) => child(at, at + 5, 2 + i))
    expect(await findingsOf([{ service: 'cart', spans: [parent, ...rounds] }])).toEqual([])
  })

  it('is another finding when the parent gave up', async () => {
    const caller = { ...parent, kind: 'client', status: { code: 2 } } as const
    expect(
      await findingsOf([
        { service: 'frontend', ...sameHost, spans: [caller] },
        { service: 'cart', ...sameHost, spans: [child(120, 150, 2, { kind: 'server' })] },
      ]),
    ).toEqual([{ rule: 'LIFE-006', cause: 'timeout', operation: 'write', occurrences: 1, population: 1 }])
  })

  it('is as sure of what a clock may yet explain as it is found to be, and says nothing then of a caller that gave up', async () => {
    const caller = { ...parent, kind: 'client', status: { code: 2 } } as const
    const { settings } = await replay([
      [
        { service: 'frontend', ...sameHost, spans: [caller, child(120, 150)] },
        { service: 'cart', ...sameHost, spans: [child(120, 150, 3, { kind: 'server' })] },
      ],
    ])
    const said = settings.findings.reports.map(({ rule, state, confidence }) => `${rule} ${state} ${confidence}`)
    expect(new Set(said)).toEqual(
      new Set(['LIFE-002 provisional 0.9', 'LIFE-002 confirmed 0.95', 'LIFE-006 confirmed 0.9']),
    )
  })
})

/** Twenty calls of an operation. */
function calls(make: (i: number) => readonly ServiceSpans[]): (readonly ServiceSpans[])[] {
  return Array.from({ length: 20 }, (_, i) =>
    make(i).map((service) => ({ ...service, spans: service.spans.map((one) => ({ ...one, traceId: 100 + i })) })),
  )
}

describe('LIFE-003 ended_too_early', () => {
  const early = span('export', 1, null, 0, 3)

  it('names an operation whose spans end long before their children, instead of the children', async () => {
    const { findings } = await replay(
      calls(() => [{ service: 'worker', spans: [early, span('write file', 2, 1, 2, 880)] }]),
    )
    expect(findings).toMatchObject([
      {
        rule: 'LIFE-003',
        cause: 'ended_before_async_work',
        state: 'confirmed',
        place: { service: 'worker', operation: 'export' },
        occurrences: 20,
        population: 20,
        related: ['LIFE-001'],
      },
    ])
    expect(findings[0]!.values.reported_p50_seconds).toBeCloseTo(0.003, 3)
    expect(findings[0]!.values.effective_p50_seconds).toBeGreaterThan(0.85)
    expect(findings[0]!.values.effective_p50_seconds).toBeLessThan(0.91)
    expect(findings[0]!.evidence[0]).toMatchObject({
      relatedSpanId: '0000000000000002',
      values: { missing_seconds: 0.877 },
    })
  })

  it('counts spans of such an operation that report more than half of their work, too', async () => {
    const { findings } = await replay(
      calls((i) => [{ service: 'worker', spans: [early, span('write file', 2, 1, 2, i < 17 ? 880 : 5.5)] }]),
    )
    expect(findings).toMatchObject([{ rule: 'LIFE-003', occurrences: 20, population: 20 }])
  })

  it('names an operation whose callers wait on long after its end', async () => {
    const { findings } = await replay(
      calls(() => [
        { service: 'frontend', ...sameHost, spans: [span('POST', 1, null, 0, 900, { kind: 'client' })] },
        { service: 'worker', ...sameHost, spans: [span('POST /export', 2, 1, 1, 4, { kind: 'server' })] },
      ]),
    )
    expect(findings).toMatchObject([
      { rule: 'LIFE-003', cause: 'ended_before_response', place: { service: 'worker', operation: 'POST /export' } },
    ])
    expect(findings[0]!.confidence).toBeLessThan(0.9)
  })

  it.each<[string, (i: number) => readonly ServiceSpans[]]>([
    [
      'a third of calls that leave work behind',
      (i) => [{ service: 'worker', spans: [early, span('mail', 2, 1, 2, i % 3 === 0 ? 80 : 3)] }],
    ],
    [
      'a network that is slow both ways',
      () => [
        { service: 'frontend', ...sameHost, spans: [span('POST', 1, null, 0, 103, { kind: 'client' })] },
        { service: 'worker', ...sameHost, spans: [span('POST /export', 2, 1, 50, 53, { kind: 'server' })] },
      ],
    ],
    [
      'requests that wait in a queue before they are served',
      () => [
        { service: 'frontend', ...sameHost, spans: [span('POST', 1, null, 0, 900, { kind: 'client' })] },
        { service: 'worker', ...sameHost, spans: [span('POST /export', 2, 1, 896, 899, { kind: 'server' })] },
      ],
    ],
    [
      'a long poll that both sides measure',
      () => [
        { service: 'shopper', ...sameHost, spans: [span('GET', 1, null, 0, 8000, { kind: 'client' })] },
        { service: 'checkout', ...sameHost, spans: [span('GET /events', 2, 1, 1, 7999, { kind: 'server' })] },
      ],
    ],
  ])('is silent about %s', async (_, make) => {
    const { findings } = await replay(calls(make))
    expect(findings.filter(({ rule }) => rule === 'LIFE-003')).toEqual([])
  })
})

describe('LIFE-004 work_after_cancel and LIFE-006 caller_gave_up', () => {
  const call = (
    until: number,
    more: Partial<SpanSpec> = {},
    resource: ServiceSpans['resource'] = sameHost.resource,
  ) => [
    {
      service: 'frontend',
      resource: resource!,
      spans: [
        span('GET', 1, null, 0, 150, {
          kind: 'client',
          attributes: { 'http.request.method': 'GET' },
          status: { code: 2 },
          ...more,
        }),
      ],
    },
    { service: 'reports', ...sameHost, spans: [span('GET /report', 2, 1, 5, until, { kind: 'server' })] },
  ]

  it.each<[string, readonly ServiceSpans[], string | null]>([
    ['works on for more than the grace', call(1800), 'LIFE-004 cancellation_ignored'],
    ['stops within the grace', call(400), 'LIFE-006 timeout'],
    ['ends before its caller', call(140), null],
    ...[{ 'rpc.grpc.status_code': 4 }, { 'rpc.response.status_code': 'CANCELLED' }, { 'error.type': 'timeout' }].map(
      (said) =>
        [
          `works on when its caller says by ${Object.keys(said)} that it gave up`,
          call(1800, { status: { code: 0 }, attributes: { 'http.request.method': 'GET', ...said } }),
          'LIFE-004 cancellation_ignored',
        ] satisfies [string, readonly ServiceSpans[], string],
    ),
    ...[
      { 'http.response.status_code': 504 },
      { 'http.status_code': 499 },
      { 'http.response.status_code': 200 },
      { 'rpc.grpc.status_code': 14 },
    ].map(
      (said) =>
        [
          `works on when its caller failed with ${JSON.stringify(said)}`,
          call(1800, { attributes: said }),
          'LIFE-004 cancellation_ignored',
        ] satisfies [string, readonly ServiceSpans[], string],
    ),
    [
      'outlives its caller by more than any offset of their clocks',
      call(1800, {}, { 'host.id': 'node-b' }),
      'LIFE-004 cancellation_ignored',
    ],
    ['may only seem to work on, by its clock', call(154, {}, { 'host.id': 'node-b' }), null],
  ])('a callee that %s', async (_, services, expected) => {
    const { findings } = await replay([services])
    expect(findings.map(({ rule, cause }) => `${rule} ${cause}`)).toEqual(expected === null ? [] : [expected])
    for (const { place } of findings)
      expect(place).toEqual({
        service: 'reports',
        instance: null,
        operation: 'GET /report',
        edge: { from: 'frontend', to: 'reports', boundary: 'http' },
      })
  })

  it.each<[string, Record<string, number | string>]>([
    ['an HTTP error', { 'http.response.status_code': 500 }],
    ['an HTTP error, as it was called before', { 'http.status_code': 429 }],
    ['a gRPC status that only a callee gives', { 'rpc.grpc.status_code': 5 }],
    ['the name of such a status', { 'rpc.response.status_code': 'INVALID_ARGUMENT' }],
  ])('takes no caller for gone that was answered with %s', async (_, attributes) => {
    const { findings } = await replay(calls(() => call(1800, { attributes })))
    expect(findings.map(({ rule, cause }) => `${rule} ${cause}`)).toEqual(['LIFE-001 asynchronous_work'])
  })

  it('leaves out callees that go on by design', async () => {
    expect(await findingsOf(call(1800), { detached_operations: ['GET /report'] })).toEqual([])
    expect(await findingsOf(call(400), { detached_operations: ['GET /report'] })).toEqual([])
  })

  it('measures how long callees work on', async () => {
    const { settings } = await replay([call(1800)])
    const metrics = await Promise.all(settings.findings.producers.map((producer) => producer.collect()))
    const overrun = metrics
      .flatMap(({ resourceMetrics }) => resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics))
      .find(({ descriptor }) => descriptor.name === 'blindspot.call.overrun.duration')
    expect(overrun!.dataPoints).toMatchObject([
      { attributes: { 'service.name': 'reports', 'span.name': 'GET /report' }, value: { count: 1, sum: 1.65 } },
    ])
  })
})

describe('LIFE-005 impossible_times', () => {
  it.each<[string, number, number, Partial<SpanSpec>, string]>([
    ['that ends before it starts', 0, -1, {}, 'end_before_start'],
    ['that starts two minutes ahead', 120_000, 120_001, {}, 'in_the_future'],
    ['that takes two hours', -7_200_001, 0, {}, 'too_long'],
    ['with an event after its end', 0, 10, { events: [{ name: 'late', timeNano: T0 + 15n * MS }] }, 'event_outside'],
    ['with an event before its start', 0, 10, { events: [{ name: 'early', timeNano: T0 - 5n * MS }] }, 'event_outside'],
  ])('names a span %s', async (_, from, until, more, cause) => {
    expect(await findingsOf([{ service: 'cart', spans: [span('GET /', 1, null, from, until, more)] }])).toEqual([
      { rule: 'LIFE-005', cause, operation: 'GET /', occurrences: 1, population: 1 },
    ])
  })

  it.each<[string, SpanSpec]>([
    [
      'a long stream that carries events',
      span('stream', 1, null, -7_200_001, 0, {
        events: [
          { name: 'message', timeNano: T0 - 5n * MS },
          { name: 'message', timeNano: T0 },
        ],
      }),
    ],
    [
      'the connection of a WebSocket',
      span('GET /socket', 1, null, -7_200_001, 0, { attributes: { 'http.response.status_code': 101 } }),
    ],
    [
      'an event at the very end',
      span('GET /', 1, null, 0, 10, { events: [{ name: 'exception', timeNano: T0 + 11n * MS }] }),
    ],
    ['an event without a time', span('GET /', 1, null, 0, 10, { events: [{ name: 'exception', timeNano: 0n }] })],
  ])('is silent about %s', async (_, one) => {
    expect(await findingsOf([{ service: 'cart', spans: [one] }])).toEqual([])
  })

  it('is silent about a span without times, and so is what is below it', async () => {
    const unset = { ...parent, startNano: 0n, endNano: 0n }
    expect(await findingsOf([{ service: 'cart', spans: [unset, child(5, 60)] }])).toEqual([])
  })

  it('outranks what the children of such a span would say', async () => {
    const wrong = span('GET /', 1, null, 0, -50)
    const findings = await findingsOf([{ service: 'cart', spans: [wrong, child(5, 60)] }])
    expect(findings.map(({ rule }) => rule)).toEqual(['LIFE-005'])
  })
})

describe('one span, one primary finding', () => {
  const ruleNames = async (make: () => readonly ServiceSpans[]) => {
    const { findings } = await replay(calls(make))
    return findings.map(({ rule, place }) => `${rule} ${place.operation}`).sort()
  }

  it.each<[string, () => readonly ServiceSpans[], string[]]>([
    [
      'LIFE-005 before LIFE-003: of a span whose times cannot be nothing else is read',
      () => [{ service: 'worker', spans: [span('export', 1, null, 5, 3), span('write file', 2, 1, 4, 880)] }],
      ['LIFE-005 export'],
    ],
    [
      'LIFE-003 before LIFE-001: children outlive a parent that ends too early',
      () => [{ service: 'worker', spans: [span('export', 1, null, 0, 3), span('write file', 2, 1, 2, 880)] }],
      ['LIFE-003 export'],
    ],
    [
      'LIFE-003 before LIFE-002: the next step of such work starts after its parent',
      () => [
        {
          service: 'worker',
          spans: [span('export', 1, null, 0, 3), span('write file', 2, 1, 2, 880), span('upload', 3, 1, 881, 990)],
        },
      ],
      ['LIFE-003 export'],
    ],
    [
      'LIFE-002 before LIFE-001: a span that starts after its parent does not also outlive it',
      () => [{ service: 'worker', spans: [span('export', 1, null, 0, 30), span('mail', 2, 1, 50, 880)] }],
      ['LIFE-002 mail'],
    ],
    [
      'LIFE-004 before LIFE-001: a callee that outlives a caller that has gone ignores it',
      () => [
        {
          service: 'edge',
          ...sameHost,
          spans: [span('GET', 1, null, 0, 150, { kind: 'client', status: { code: 2 } })],
        },
        { service: 'worker', ...sameHost, spans: [span('export', 2, 1, 1, 1900, { kind: 'server' })] },
      ],
      ['LIFE-004 export'],
    ],
  ])('%s', async (_, make, expected) => {
    expect(await ruleNames(make)).toEqual(expected)
  })
})

describe('effective latency', () => {
  const latencyOf = async (spans: readonly SpanSpec[], config = {}) => {
    const { settings, left } = await replay([[{ service: 'cart', spans }]], config)
    const rows = settings.findings.sections.flatMap((sections) => sections.latency?.() ?? [])
    const seconds = Object.fromEntries(rows.map((row) => [row.operation, row.effectiveSeconds.p50]))
    return { seconds, batch: left[0]! }
  }

  it.each<[string, SpanSpec[], number]>([
    ['of a span is its duration', [parent, child(10, 90)], 0.1],
    ['includes children that go on', [parent, child(50, 160)], 0.16],
    ['includes work that follows on such work', [parent, child(50, 160), child(161, 200, 3)], 0.2],
    ['includes what children of children do', [parent, child(50, 90), span('sync', 3, 2, 80, 150)], 0.15],
    ['leaves out what starts later', [parent, child(180, 260)], 0.1],
    ['leaves out consumers', [parent, child(50, 160, 2, { kind: 'consumer' })], 0.1],
    ['leaves out what is detached by design', [parent, span('audit', 2, 1, 50, 160)], 0.1],
    ['leaves out what goes on for minutes', [parent, child(50, 180_000)], 0.1],
  ])('%s', async (_, spans, expected) => {
    const { seconds } = await latencyOf(spans, { detached_operations: ['audit'] })
    expect(seconds['GET /']! / expected).toBeGreaterThan(0.98)
    expect(seconds['GET /']! / expected).toBeLessThan(1.02)
  })

  it('is written on the span as the time when the work ended', async () => {
    const { batch } = await latencyOf([parent, child(50, 160)])
    const table = scan(batch.encode())
    const ends = Array.from({ length: table.count }, (_, row) => {
      const bytes = Buffer.from(table.sourceOf(row).bytes).subarray(table.get(row, 17), table.get(row, 19))
      return [table.name(row), bytes.includes('blindspot.effective.end_time')]
    })
    expect(Object.fromEntries(ends)).toEqual({ 'GET /': true, write: false })
    expect(batch).toBeInstanceOf(TracesBatch)
  })

  it('is a histogram beside the reported one, with the bias at the 99th percentile', async () => {
    const { settings } = await replay(calls(() => [{ service: 'cart', spans: [parent, child(50, 400)] }]))
    const collected = await Promise.all(settings.findings.producers.map((producer) => producer.collect()))
    const points = new Map(
      collected
        .flatMap(({ resourceMetrics }) => resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics))
        .map(({ descriptor, dataPoints }) => [
          descriptor.name,
          dataPoints.find(({ attributes }) => attributes['span.name'] === 'GET /')?.value,
        ]),
    )
    expect(points.get('blindspot.span.reported.duration')).toMatchObject({ count: 20, max: 0.1 })
    expect(points.get('blindspot.span.effective.duration')).toMatchObject({ count: 20, max: 0.4 })
    expect(points.get('blindspot.span.duration.bias')).toBeCloseTo(0.75, 1)
  })
})
