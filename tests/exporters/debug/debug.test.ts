import { describe, expect, it } from '@jest/globals'
import type { Batch } from '../../../component/batch.ts'
import { configSchema } from '../../../exporters/debug/config.ts'
import { DebugExporter } from '../../../exporters/debug/debug.ts'
import { opaqueBytes, opaqueTraces } from '../../support/batches.ts'
import {
  type Attributes,
  attributesJson,
  logsRequest,
  metricsRequest,
  traceRequest,
} from '../../support/otlp-builder.ts'
import { testExporterSettings } from '../../support/test-settings.ts'

class Console {
  text = ''
  writableLength = 0
  write(text: string): void {
    this.text += text
  }
}

function create(config: object = {}) {
  const settings = testExporterSettings('debug')
  const output = new Console()
  const exporter = new DebugExporter(settings, configSchema.parse(config), output)
  return { exporter, output, clock: settings.clock, ledgers: settings.ledgers }
}

function shown(config: object, batch: Batch): string[] {
  const { exporter, output } = create(config)
  expect(exporter.consume(batch)).toEqual({ kind: 'accepted' })
  return output.text.trimEnd().split('\n')
}

const SPANS = opaqueTraces(
  traceRequest([
    {
      service: 'cart',
      resource: { 'host.name': 'a' },
      scope: { name: 'otelgrpc', version: '0.60' },
      spans: [
        {
          name: 'GET /cart',
          kind: 'server',
          traceId: 7,
          spanId: 8,
          parentId: 9,
          attributes: { 'http.route': '/cart', retry: true, sizes: [1, 'two'], more: { a: 1.5 } },
          events: [{ name: 'cache miss', attributes: { key: 'k' } }],
          links: [{ traceId: 1, spanId: 2 }],
          status: { code: 2, message: 'boom' },
        },
      ],
    },
  ]),
  1,
)

const METRICS = opaqueBytes(
  'metrics',
  metricsRequest([
    {
      service: 'cart',
      metrics: [
        {
          name: 'go.goroutine.count',
          gauge: { dataPoints: [{ asInt: '12', attributes: attributesJson({ state: 'running now' }) }] },
        },
        {
          name: 'rpc.duration',
          histogram: {
            dataPoints: [{ count: '3', sum: 1.5, explicitBounds: [0.1, 1], bucketCounts: ['1', '1', '1'] }],
          },
        },
      ],
    },
  ]),
  2,
)

function logs(...records: object[]): Batch {
  return opaqueBytes(
    'logs',
    logsRequest([{ service: 'gateway', logs: records.map((record) => ({ ...record })) }]),
    records.length,
  )
}

function finding(attributes: Attributes, message = 'search never takes over the trace of frontend'): object {
  return {
    eventName: 'blindspot.finding',
    body: { stringValue: message },
    attributes: attributesJson({
      'blindspot.rule': 'CTX-002',
      'blindspot.level': 'error',
      'blindspot.cause': 'caller_does_not_inject',
      'blindspot.finding.state': 'confirmed',
      'blindspot.finding.occurrences': 3,
      'blindspot.finding.population': 120,
      'service.name': 'search',
      ...attributes,
    }),
  }
}

const EDGE = { 'client.service.name': 'frontend', 'server.service.name': 'search' }

describe('the debug exporter shows', () => {
  it('a line for each batch (basic)', () => {
    expect(shown({}, SPANS)).toEqual(['2026-01-01T00:00:00.000Z Traces {"spans":1}'])
    expect(shown({}, METRICS)).toEqual(['2026-01-01T00:00:00.000Z Metrics {"metric_points":2}'])
  })

  it('a line for each span, point and record (normal)', () => {
    expect(shown({ verbosity: 'normal' }, SPANS).slice(1)).toEqual([
      'ResourceTraces #0 service.name=cart host.name=a',
      '  ScopeTraces #0 otelgrpc@0.60',
      '    GET /cart 00000000000000000000000000000007 0000000000000008 http.route=/cart retry=true sizes=[1,"two"] more={"a":1.5}',
    ])
    expect(shown({ verbosity: 'normal' }, METRICS).slice(3)).toEqual([
      '    go.goroutine.count{state=running now} 12',
      '    rpc.duration{} count=3 sum=1.5 le0.1=1 le1=1 le+Inf=1',
    ])
    const log = logs({ body: { stringValue: 'hello' }, attributes: attributesJson({ a: 1 }) })
    expect(shown({ verbosity: 'normal' }, log).at(-1)).toBe('    hello a=1')
  })

  it('all of a span (detailed)', () => {
    expect(shown({ verbosity: 'detailed' }, SPANS).slice(1)).toEqual([
      'ResourceSpans #0',
      'Resource SchemaURL: ',
      'Resource attributes:',
      '     -> service.name: Str(cart)',
      '     -> host.name: Str(a)',
      'ScopeSpans #0',
      'ScopeSpans SchemaURL: ',
      'InstrumentationScope otelgrpc 0.60',
      'Span #0',
      '    Trace ID       : 00000000000000000000000000000007',
      '    Parent ID      : 0000000000000009',
      '    ID             : 0000000000000008',
      '    Name           : GET /cart',
      '    Kind           : Server',
      '    Start time     : 2026-01-01 00:00:00 +0000 UTC',
      '    End time       : 2026-01-01 00:00:00.001 +0000 UTC',
      '    Status code    : Error',
      '    Status message : boom',
      'Attributes:',
      '     -> http.route: Str(/cart)',
      '     -> retry: Bool(true)',
      '     -> sizes: Slice([1,"two"])',
      '     -> more: Map({"a":1.5})',
      'Events:',
      'SpanEvent #0',
      '     -> Name: cache miss',
      '     -> Timestamp: 2026-01-01 00:00:00 +0000 UTC',
      '     -> Attributes::',
      '               -> key: Str(k)',
      'Links:',
      'SpanLink #0',
      '     -> Trace ID: 00000000000000000000000000000001',
      '     -> ID: 0000000000000002',
    ])
  })

  it('all of a metric and of a log record (detailed)', () => {
    expect(shown({ verbosity: 'detailed' }, METRICS)).toEqual(
      expect.arrayContaining([
        '     -> Name: rpc.duration',
        '     -> DataType: histogram',
        'bucketCounts: ["1","1","1"]',
      ]),
    )
    const log = logs({ severityText: 'WARN', severityNumber: 13, body: { stringValue: 'hello' } })
    expect(shown({ verbosity: 'detailed' }, log)).toEqual(
      expect.arrayContaining(['SeverityText: WARN', 'SeverityNumber: 13', 'Body: Str(hello)']),
    )
  })

  it('that a request cannot be read', () => {
    expect(shown({ verbosity: 'normal' }, opaqueBytes('logs', Buffer.from([0x0a, 0x7f]), 1))[0]).toMatch(
      /cannot be read/,
    )
  })

  it('of profiles only their number', () => {
    expect(shown({ verbosity: 'detailed' }, opaqueBytes('profiles', new Uint8Array(3), 1))).toHaveLength(1)
  })
})

describe('the debug exporter shows findings readably', () => {
  it.each([
    [
      'between two services',
      finding(EDGE),
      'ERROR CTX-002 context_lost_between_services  frontend → search  cause: caller_does_not_inject  3 of 120 (2.5 %)  confirmed: search never takes over the trace of frontend',
    ],
    [
      'in one service',
      finding({ 'blindspot.finding.population': 3, 'blindspot.finding.state': 'provisional' }),
      'ERROR CTX-002 context_lost_between_services  search  cause: caller_does_not_inject  3 of 3 (100 %)  provisional: search never takes over the trace of frontend',
    ],
    [
      'of a rule that it does not know',
      finding({ 'blindspot.rule': 'NEW-001', 'blindspot.finding.population': 0 }),
      'ERROR NEW-001  search  cause: caller_does_not_inject  3  confirmed: search never takes over the trace of frontend',
    ],
    [
      'that no longer stands, without counts and alarm',
      finding({ 'blindspot.finding.occurrences': 0, 'blindspot.finding.state': 'superseded' }, 'It goes on as abc.'),
      'INFO CTX-002 context_lost_between_services  search  cause: caller_does_not_inject  superseded: It goes on as abc.',
    ],
  ])('%s', (_case, record, line) => {
    expect(shown({}, logs(record))).toEqual([`2026-01-01T00:00:00.000Z ${line}`])
    for (const verbosity of ['normal', 'detailed'])
      expect(shown({ verbosity }, logs(record)).map((each) => each.trim())).toContain(line)
  })

  it('and no other log records, where it shows one line a batch', () => {
    const body = { stringValue: 'about blindspot.finding' }
    expect(shown({}, logs({ body }, finding(EDGE)))).toHaveLength(2)
  })
})

describe('the debug exporter samples', () => {
  it('after sampling_initial batches of a signal in a second, every sampling_thereafter-th', () => {
    const { exporter, output, clock } = create({ sampling_initial: 2, sampling_thereafter: 3 })
    const linesOf = (count: number) => {
      output.text = ''
      for (let i = 0; i < count; i++) exporter.consume(SPANS)
      return output.text.split('\n').length - 1
    }
    expect(linesOf(11)).toBe(2 + 3)
    clock.advanceBy(1000)
    expect(linesOf(4)).toBe(2)
  })

  it('but shows every finding, and counts every item', () => {
    const { exporter, output, ledgers } = create({ sampling_initial: 0, sampling_thereafter: 1000 })
    exporter.consume(logs({ body: { stringValue: 'hello' } }))
    exporter.consume(logs(finding(EDGE)))
    expect(output.text).toMatch(/^2026\S* ERROR CTX-002 .*\n$/)
    expect(ledgers.logs).toMatchObject({ accepted: 2, sent: 2, held: 0 })
  })
})

it('leaves lines out while the console does not take them, and says how many', () => {
  const { exporter, output } = create()
  output.writableLength = 5 * 1024 * 1024
  for (let i = 0; i < 3; i++) exporter.consume(SPANS)
  expect(output.text).toBe('')
  output.writableLength = 0
  exporter.consume(SPANS)
  expect(output.text).toMatch(/^\(3 lines left out: .*\)\n2026-.* Traces .*\n$/)
})
