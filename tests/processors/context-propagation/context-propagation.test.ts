import { describe, expect, it } from '@jest/globals'
import { ACCEPTED } from '../../../component/consumer.ts'
import type { FindingReport } from '../../../component/finding.ts'
import { RefCache } from '../../../otlp/resource-cache.ts'
import { configSchema } from '../../../processors/context-propagation/config.ts'
import { factory } from '../../../processors/context-propagation/context-propagation.ts'
import { configSchema as windowConfig } from '../../../processors/trace-window/config.ts'
import { factory as traceWindow } from '../../../processors/trace-window/trace-window.ts'
import type { ServiceSpans, SpanSpec } from '../../support/otlp-builder.ts'
import { marksOf } from '../../support/propagation.ts'
import { tracesBatch } from '../../support/scan.ts'
import { testProcessorSettings } from '../../support/test-settings.ts'

/** A window, the detector behind it, and a shop that sends whole traces through them. */
async function shop() {
  const settings = testProcessorSettings('context_propagation', 'traces', { recorded: true })
  const marked: string[] = []
  const detector = factory.create.traces!(settings, configSchema.parse({}), {
    consume(batch) {
      for (const { span, rules } of marksOf(batch.encode())) marked.push(`${span}: ${rules}`)
      return ACCEPTED
    },
  })
  const window = traceWindow.create.traces!(settings, windowConfig.parse({}), detector)
  await detector.start()
  await window.start()
  const refs = new RefCache()
  let id = 0
  const at = () => BigInt(Math.round(settings.clock.nowMs())) * 1_000_000n
  const send = (...services: ServiceSpans[]) => {
    const batch = tracesBatch(services, refs)
    window.consume(batch)
    batch.release()
  }
  const span = (
    traceId: number,
    parentId: number | null,
    fields: SpanSpec,
    offset = 0n,
  ): SpanSpec & { spanId: number } => ({
    traceId,
    parentId,
    startNano: at() + offset,
    endNano: at() + 50_000_000n - offset,
    ...fields,
    spanId: ++id,
  })
  /** One request from `from` to `to`; `broken` begins a new trace at the callee. */
  const call = (
    from: string,
    to: string,
    name: string,
    broken: boolean,
    callee: Partial<SpanSpec> = {},
    calleeScope?: string,
    caller: Partial<SpanSpec> = {},
  ) => {
    const trace = ++id
    const root = span(trace, null, { name: `GET /${from}`, kind: 'server' })
    const client = span(trace, root.spanId, { name, kind: 'client', ...caller }, 1_000_000n)
    const server = broken
      ? span(++id, null, { name, kind: 'server', ...callee }, 2_000_000n)
      : span(trace, client.spanId, { name, kind: 'server', ...callee }, 2_000_000n)
    send(
      { service: from, spans: [root, client] },
      { service: to, spans: [server], ...(calleeScope !== undefined && { scope: { name: calleeScope } }) },
    )
    settings.clock.advanceBy(20)
  }
  /** The last word on each finding. */
  const findings = (): FindingReport[] => {
    settings.clock.advanceBy(120_000)
    const last = new Map<string, FindingReport>()
    for (const report of settings.findings.reports)
      last.set(`${report.rule} ${report.place.service} ${report.place.operation} ${report.place.edge?.from}`, report)
    return [...last.values()]
  }
  return { settings, call, send, span, findings, marked, at, nextId: () => ++id }
}

describe('the traffic between services', () => {
  it('is counted by edge, connected or not, and traces by whether they were whole', async () => {
    const s = await shop()
    for (let i = 0; i < 20; i++) s.call('frontend', 'search', 'search.Search/Nearby', i < 5)
    s.send({ service: 'cart', spans: [s.span(900, 4711, { name: 'get', kind: 'server' })] })
    s.findings()
    const { resourceMetrics } = await s.settings.findings.producers[0]!.collect()
    const points = resourceMetrics.scopeMetrics[0]!.metrics.flatMap((metric) =>
      metric.dataPoints.map((point) => ({ name: metric.descriptor.name, ...point.attributes, value: point.value })),
    )
    const edge = { 'client.service.name': 'frontend', 'server.service.name': 'search', 'blindspot.boundary': 'grpc' }
    expect(points).toEqual([
      { name: 'blindspot.edge.calls', ...edge, 'blindspot.connected': true, value: 15 },
      { name: 'blindspot.edge.calls', ...edge, 'blindspot.connected': false, value: 5 },
      { name: 'blindspot.trace.completed', 'blindspot.complete': 'true', value: 25 },
      { name: 'blindspot.trace.completed', 'blindspot.complete': 'false', value: 1 },
    ])
  })
})

describe('CTX-001 orphan_span', () => {
  it('names a span whose parent never comes, marks it, and is confirmed after the grace', async () => {
    const s = await shop()
    s.call('frontend', 'cart', 'shop.Cart/Get', false)
    s.send({ service: 'cart', spans: [s.span(900, 4711, { name: 'shop.Cart/Get', kind: 'server' })] })
    expect(s.findings()).toEqual([
      expect.objectContaining({
        rule: 'CTX-001',
        cause: 'undetermined',
        state: 'confirmed',
        occurrences: 1,
        population: 2,
        place: { service: 'cart', instance: null, operation: 'shop.Cart/Get', edge: null },
      }),
    ])
    expect(s.marked).toEqual(['cart shop.Cart/Get: CTX-001'])
  })

  it.each([
    ['little', 1, 0.92],
    ['much', 100, 0.99],
  ])(
    'is as sure that a parent will not come as %s that came in time allows, until the grace has passed',
    async (_, calls, sure) => {
      const s = await shop()
      for (let i = 0; i < calls; i++) s.call('frontend', 'cart', 'get', false)
      s.settings.clock.advanceBy(9000)
      s.send({ service: 'cart', spans: [s.span(900, 4711, { name: 'get', kind: 'server' })] })
      s.settings.clock.advanceBy(18_000)
      const said = () => s.settings.findings.reports.filter(({ rule }) => rule === 'CTX-001').at(-1)
      expect(said()).toMatchObject({ state: 'provisional', confidence: sure })
      s.findings()
      expect(said()).toMatchObject({ state: 'confirmed', confidence: 0.99 })
    },
  )

  it('says nothing of parents that come with the next export of an agent that batches for 10 s', async () => {
    const s = await shop()
    for (let i = 0; i < 30; i++) {
      const parent = s.span(s.nextId(), null, { name: 'GET /', kind: 'server' })
      s.send({
        service: 'cart',
        spans: [s.span(parent.traceId as number, parent.spanId, { name: 'get', kind: 'server' })],
      })
      s.settings.clock.advanceBy(10_000)
      s.send({ service: 'frontend', spans: [parent] })
    }
    expect(s.findings()).toEqual([])
  })

  it('is less sure of the next after each parent that lasted for longer than others take to come', async () => {
    const s = await shop()
    for (let i = 0; i < 100; i++) s.call('import', 'cart', 'get', false)
    const said: (number | undefined)[] = []
    for (let i = 0; i < 4; i++) {
      const job = s.span(s.nextId(), null, { name: 'import', endNano: s.at() + 25_000_000_000n })
      s.send({ service: 'cart', spans: [s.span(job.traceId as number, job.spanId, { name: 'get', kind: 'server' })] })
      s.settings.clock.advanceBy(20_000)
      said.push(s.settings.findings.reports.findLast(({ state }) => state === 'provisional')?.confidence)
      s.send({ service: 'import', spans: [job] })
      s.settings.clock.advanceBy(10_000)
    }
    expect(said).toEqual([0.99, 0.89, 0.8, 0.73])
  })

  it('takes the finding back when the parent comes late', async () => {
    const s = await shop()
    s.call('frontend', 'cart', 'get', false)
    s.send({ service: 'cart', spans: [s.span(900, 4711, { name: 'get', kind: 'server' })] })
    s.settings.clock.advanceBy(20_000)
    s.send({ service: 'frontend', spans: [{ ...s.span(900, null, { name: 'GET /' }), spanId: 4711 }] })
    expect(s.findings()).toEqual([
      expect.objectContaining({ rule: 'CTX-001', state: 'retracted', occurrences: 0, evidence: [] }),
    ])
  })

  it('says that the parent never ends when it is always missing for one operation of a healthy service', async () => {
    const s = await shop()
    for (let i = 0; i < 20; i++) s.call('frontend', 'flags', 'flags.Flags/Resolve', false)
    for (let i = 0; i < 20; i++)
      s.send({
        service: 'flags',
        spans: [s.span(10_000 + i, 20_000 + i, { name: 'flags.Flags/EventStream', kind: 'server' })],
      })
    expect(s.findings()).toEqual([
      expect.objectContaining({ cause: 'parent_never_ended', occurrences: 20, population: 20 }),
    ])
  })
})

describe('CTX-002 context_lost_between_services', () => {
  it('names the edge although caller and callee share no trace', async () => {
    const s = await shop()
    for (let i = 0; i < 20; i++) s.call('frontend', 'search', 'search.Search/Nearby', true)
    const [finding, ...rest] = s.findings()
    expect(rest).toEqual([])
    expect(finding).toMatchObject({
      rule: 'CTX-002',
      cause: 'undetermined',
      occurrences: 20,
      population: 20,
      place: {
        service: 'search',
        operation: 'search.Search/Nearby',
        edge: { from: 'frontend', to: 'search', boundary: 'grpc' },
      },
    })
    expect(finding!.evidence).toHaveLength(10)
  })

  it.each<[string, [string, string, boolean][], string]>([
    [
      'all calls out of the caller are broken',
      [
        ['a', 'b', true],
        ['a', 'c', true],
        ['d', 'b', false],
      ],
      'caller_does_not_inject',
    ],
    [
      'all calls into the callee are broken',
      [
        ['a', 'b', true],
        ['d', 'b', true],
        ['a', 'c', false],
      ],
      'callee_does_not_extract',
    ],
    [
      'only this edge is broken',
      [
        ['a', 'b', true],
        ['a', 'c', false],
        ['d', 'b', false],
      ],
      'stripped_on_the_way',
    ],
  ])('when %s, it is %s', async (_, calls, cause) => {
    const s = await shop()
    for (let i = 0; i < 20; i++)
      for (const [from, to, broken] of calls) s.call(from, to, `shop.${to.toUpperCase()}/Do`, broken)
    expect(s.findings().find((f) => f.place.edge?.from === 'a' && f.place.edge.to === 'b')?.cause).toBe(cause)
  })

  it('takes the names of grpc-go for those of otelgrpc, and their formats for two', async () => {
    const s = await shop()
    for (let i = 0; i < 20; i++) {
      s.call(
        'edge',
        'inventory',
        'shop.Inventory/Price',
        true,
        { name: 'Recv.shop.Inventory.Price' },
        'google.golang.org/grpc/trace',
      )
      s.call(
        'shipping',
        'inventory',
        'shop.Inventory/Price',
        false,
        { name: 'Recv.shop.Inventory.Price' },
        'google.golang.org/grpc/trace',
      )
      s.call('edge', 'cart', 'shop.Cart/Get', false)
    }
    expect(s.findings()).toMatchObject([
      {
        cause: 'format_mismatch',
        occurrences: 20,
        place: { edge: { from: 'edge', to: 'inventory', boundary: 'grpc' } },
      },
    ])
  })

  it('matches producer and consumer by their topic', async () => {
    const s = await shop()
    const topic = (system: string) => ({
      'messaging.system': 'kafka',
      'messaging.destination.name': system,
      'server.address': 'broker',
    })
    for (let i = 0; i < 20; i++) {
      const trace = s.nextId()
      const root = s.span(trace, null, { name: 'POST /orders', kind: 'server' })
      const send = s.span(trace, root.spanId, { name: 'orders send', kind: 'producer', attributes: topic('orders') })
      const audit = s.span(trace, root.spanId, { name: 'audit send', kind: 'producer', attributes: topic('audit') })
      s.send({ service: 'checkout', spans: [root, send, audit] })
      s.settings.clock.advanceBy(500)
      s.send({
        service: 'shipping',
        spans: [s.span(s.nextId(), null, { name: 'orders process', kind: 'consumer', attributes: topic('orders') })],
      })
    }
    expect(s.findings()).toMatchObject([
      {
        rule: 'CTX-002',
        occurrences: 20,
        place: { edge: { from: 'checkout', to: 'shipping', boundary: 'messaging' } },
      },
    ])
  })

  it('names the service that loses the context of messages which another one takes with theirs', async () => {
    const s = await shop()
    const attributes = { 'messaging.system': 'kafka', 'messaging.destination.name': 'orders' }
    for (let i = 0; i < 60; i++) {
      const trace = s.nextId()
      const root = s.span(trace, null, { name: 'POST /orders', kind: 'server' })
      const send = s.span(trace, root.spanId, { name: 'orders send', kind: 'producer', attributes })
      const taken = { name: 'orders process', kind: 'consumer', attributes } as const
      s.send(
        { service: 'checkout', spans: [root, send] },
        { service: 'billing', spans: [s.span(trace, send.spanId, taken)] },
        { service: 'shipping', spans: [s.span(s.nextId(), null, taken)] },
      )
      s.settings.clock.advanceBy(500)
    }
    const found = s.findings()
    expect(found).toMatchObject([{ rule: 'CTX-002', place: { edge: { from: 'checkout', to: 'shipping' } } }])
    // All but those of the time until it was known.
    expect(found[0]!.occurrences).toBeGreaterThan(30)
  })

  it('blames what stands between for one route that loses everything while the others lose nothing', async () => {
    const s = await shop()
    const http = { attributes: { 'http.request.method': 'GET', 'server.address': 'checkout' } }
    for (let i = 0; i < 20; i++) {
      s.call('edge', 'checkout', 'GET', true, { name: 'GET /quotes' }, undefined, http)
      s.call('edge', 'checkout', 'GET', false, { name: 'GET /orders' }, undefined, http)
    }
    expect(s.findings()).toMatchObject([
      {
        cause: 'stripped_on_the_way',
        ofWholeEdge: false,
        occurrences: 20,
        population: 40,
        place: { operation: 'GET /quotes', edge: { from: 'edge', to: 'checkout' } },
      },
    ])
  })

  it('speaks of the whole edge where all its operations lose their context on the way', async () => {
    const s = await shop()
    for (let i = 0; i < 20; i++) {
      s.call('edge', 'cart', 'shop.Cart/Get', true)
      s.call('edge', 'cart', 'shop.Cart/Add', true)
      s.call('edge', 'inventory', 'shop.Inventory/Price', false)
      s.call('checkout', 'cart', 'shop.Cart/Get', false)
    }
    expect(s.findings()).toMatchObject([
      { cause: 'stripped_on_the_way', ofWholeEdge: true, place: { edge: { from: 'edge', to: 'cart' } } },
      { cause: 'stripped_on_the_way', ofWholeEdge: true, place: { edge: { from: 'edge', to: 'cart' } } },
    ])
  })

  it('knows a proxy by the cluster that it names, and the boundary from the callee where the caller does not say', async () => {
    const s = await shop()
    const egress = { name: 'router egress', attributes: { upstream_cluster: 'outbound|80||checkout.shop.svc' } }
    const http = { name: 'GET', attributes: { 'http.request.method': 'GET' } }
    for (let i = 0; i < 20; i++) s.call('proxy', 'checkout', 'egress', true, http, undefined, egress)
    for (let i = 0; i < 60; i++) s.call('proxy', 'checkout', 'egress', false, http, undefined, egress)
    expect(s.findings()).toMatchObject([
      { occurrences: 20, population: 80, place: { edge: { from: 'proxy', to: 'checkout', boundary: 'http' } } },
    ])
  })

  it('names the cause of a fault that begins in a gateway that has run for long by what is, not by what was', async () => {
    const s = await shop()
    const others = () => {
      s.call('a', 'c', 'shop.C/Do', false)
      s.call('d', 'b', 'shop.B/Do', false)
    }
    for (let i = 0; i < 300; i++) {
      s.call('a', 'b', 'shop.B/Do', false)
      others()
      s.settings.clock.advanceBy(1000)
    }
    expect(s.settings.findings.reports).toEqual([])
    // Not a minute, in which what was and what is would mix.
    for (let i = 0; i < 45; i++) {
      s.call('a', 'b', 'shop.B/Do', true)
      s.call('a', 'c', 'shop.C/Do', true)
      s.call('d', 'b', 'shop.B/Do', false)
      s.settings.clock.advanceBy(1000)
    }
    const { reports } = s.settings.findings
    const last = new Map(reports.map((report) => [report.place.edge?.to, report]))
    const causes = [...last.values()].map(({ cause, place }) => [place.edge?.to, cause])
    expect(causes).toEqual(
      expect.arrayContaining([
        ['b', 'caller_does_not_inject'],
        ['c', 'caller_does_not_inject'],
      ]),
    )
  })

  it('finds calls that their caller gave up, beside others that it waited for', async () => {
    const s = await shop()
    const search = 'search.Search/Nearby'
    for (let i = 0; i < 40; i++)
      s.call('frontend', 'search', search, true, i % 2 ? {} : { endNano: s.at() + 400_000_000n })
    expect(s.findings()).toMatchObject([{ place: { edge: { from: 'frontend', to: 'search' } } }])
    expect(s.findings()[0]!.occurrences).toBeGreaterThan(35)
  })

  it('finds calls of a caller whose spans come when the rest of their trace has gone on', async () => {
    const s = await shop()
    const search = 'search.Search/Nearby'
    for (let i = 0; i < 20; i++) {
      const trace = s.nextId()
      const root = s.span(trace, null, { name: 'GET /', kind: 'server' })
      const middle = s.span(trace, root.spanId, { name: 'GET /hotels', kind: 'server' }, 1_000_000n)
      const client = s.span(trace, middle.spanId, { name: search, kind: 'client' }, 2_000_000n)
      const server = s.span(s.nextId(), null, { name: search, kind: 'server' }, 3_000_000n)
      s.send({ service: 'edge', spans: [root] }, { service: 'search', spans: [server] })
      s.settings.clock.advanceBy(3000)
      s.send({ service: 'frontend', spans: [middle, client] })
    }
    expect(s.findings()).toMatchObject([
      { rule: 'CTX-002', occurrences: 20, place: { edge: { from: 'frontend', to: 'search' } } },
    ])
  })

  it('counts a share of the calls against all calls of the edge', async () => {
    const s = await shop()
    for (let i = 0; i < 60; i++) s.call('frontend', 'search', 'search.Search/Nearby', i % 3 === 0)
    expect(s.findings()).toEqual([expect.objectContaining({ occurrences: 20, population: 60 })])
  })

  describe('is silent about look-alikes', () => {
    it.each<[string, (s: Awaited<ReturnType<typeof shop>>) => void]>([
      ['healthy calls', (s) => s.call('frontend', 'cart', 'shop.Cart/Get', false)],
      [
        'roots that link to the trace they come from',
        (s) => s.call('frontend', 'orders', 'shop.Orders/Handle', true, { links: [{ traceId: 5, spanId: 6 }] }),
      ],
      [
        'requests from outside',
        (s) => s.send({ service: 'frontend', spans: [s.span(s.nextId(), null, { name: 'GET /', kind: 'server' })] }),
      ],
      [
        'calls to a database that sends no spans',
        (s) => {
          const root = s.span(s.nextId(), null, { name: 'GET /', kind: 'server' })
          const query = s.span(root.traceId as number, root.spanId, {
            name: 'SELECT',
            kind: 'client',
            attributes: { 'db.system': 'postgresql' },
          })
          s.send({ service: 'frontend', spans: [root, query] })
        },
      ],
      [
        'requests from outside, while calls that are made by attempts are answered when their trace has gone on',
        (s) => {
          const trace = s.nextId()
          const get = 'shop.Cart/Get'
          const root = s.span(trace, null, { name: 'GET /', kind: 'server' })
          const call = s.span(trace, root.spanId, { name: get, kind: 'client' }, 1_000_000n)
          const attempt = s.span(trace, call.spanId, { name: `Attempt.${get}`, kind: 'internal' }, 2_000_000n)
          const answer = s.span(trace, attempt.spanId, { name: get, kind: 'server' }, 3_000_000n)
          const fromOutside = s.span(s.nextId(), null, { name: get, kind: 'server' }, 3_000_000n)
          s.send({ service: 'frontend', spans: [root, attempt, call] })
          s.settings.clock.advanceBy(8000)
          s.send({ service: 'cart', spans: [answer, fromOutside] })
        },
      ],
      [
        'probes of a service whose callers call others too, by clients that name their peer in the URL only',
        (s) => {
          const by = (host: string) => ({
            attributes: { 'http.method': 'GET', 'http.url': `http://${host}/${s.at()}` },
          })
          s.call('frontend', 'cart', 'GET', false, { name: 'GET /cart' }, undefined, by('cart:8080'))
          s.call('frontend', 'cart', 'GET', true, { name: 'GET /healthz' }, undefined, by('api.payments.example'))
        },
      ],
      [
        'probes of a service beside calls to it that are given up before they arrive',
        (s) => {
          s.call('frontend', 'cart', 'shop.Cart/Get', false)
          s.call('frontend', 'cart', 'shop.Cart/Get', true, { name: 'grpc.health.v1.Health/Check' })
        },
      ],
    ])('%s', async (_, send) => {
      const s = await shop()
      for (let i = 0; i < 30; i++) {
        send(s)
        s.settings.clock.advanceBy(10)
      }
      expect(s.findings()).toEqual([])
      expect(s.marked).toEqual([])
    })
  })
})
