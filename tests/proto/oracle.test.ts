import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { arbitraryRequest } from '../support/otlp-arbitraries.ts'
import { logsRequest, metricsRequest, traceRequest } from '../support/otlp-builder.ts'
import { countItemsByOracle, decodeRequest, encodeMessage, encodeRequest } from '../support/otlp-oracle.ts'

describe('the OTLP messages of proto/, read by protobufjs', () => {
  it.each(['traces', 'metrics', 'logs'] as const)('give back every %s request they encoded', (signal) => {
    fc.assert(
      fc.property(arbitraryRequest(signal), (request) => {
        expect(decodeRequest(signal, encodeRequest(signal, request))).toEqual(request)
      }),
    )
  })

  // Bytes written down by hand from the protocol's field numbers, so that an error in proto/ cannot hide in a round trip.
  it.each([
    ['Span.flags is fixed32 field 16', 'opentelemetry.proto.trace.v1.Span', { flags: 257 }, '8501' + '01010000'],
    ['Span.parent_span_id is field 4', 'opentelemetry.proto.trace.v1.Span', { parentSpanId: 'ab' }, '22' + '01ab'],
    ['Span.status.code is field 15.3', 'opentelemetry.proto.trace.v1.Span', { status: { code: 2 } }, '7a' + '021802'],
    [
      'NumberDataPoint.as_int is sfixed64',
      'opentelemetry.proto.metrics.v1.NumberDataPoint',
      { asInt: '-1' },
      `31${'f'.repeat(16)}`,
    ],
    [
      'HistogramDataPoint.count is fixed64',
      'opentelemetry.proto.metrics.v1.HistogramDataPoint',
      { count: '1' },
      '21' + '0100000000000000',
    ],
    [
      'bucket_counts of Buckets are packed varints',
      'opentelemetry.proto.metrics.v1.ExponentialHistogramDataPoint.Buckets',
      { offset: -1, bucketCounts: ['300'] },
      '0801' + '1202ac02',
    ],
    [
      'Metric.metadata is field 12',
      'opentelemetry.proto.metrics.v1.Metric',
      { metadata: [{ key: 'a' }] },
      '62' + '030a0161',
    ],
    ['LogRecord.event_name is field 12', 'opentelemetry.proto.logs.v1.LogRecord', { eventName: 'a' }, '62' + '0161'],
    [
      'LogRecord.observed_time_unix_nano is field 11',
      'opentelemetry.proto.logs.v1.LogRecord',
      { observedTimeUnixNano: '1' },
      '59' + '0100000000000000',
    ],
  ])('%s', (_what, type, message, hex) => {
    expect(Buffer.from(encodeMessage(type, message)).toString('hex')).toBe(hex)
  })
})

describe('the short forms of tests', () => {
  it('make one request of several services', () => {
    const bytes = traceRequest([
      { service: 'frontend', spans: [{ name: 'GET /', kind: 'server', traceId: 1, spanId: 2 }] },
      { service: 'search', spans: [{ parentId: 2, spanId: 3, attributes: { n: 1, d: 0.5, list: ['a', true] } }] },
    ])
    expect(countItemsByOracle('traces', bytes)).toBe(2)
    expect(decodeRequest('traces', bytes)).toMatchObject({
      resourceSpans: [
        { scopeSpans: [{ spans: [{ traceId: `${'0'.repeat(31)}1`, spanId: '0000000000000002', kind: 2 }] }] },
        {
          resource: { attributes: [{ key: 'service.name', value: { stringValue: 'search' } }] },
          scopeSpans: [{ spans: [{ parentSpanId: '0000000000000002', endTimeUnixNano: '1767225600001000000' }] }],
        },
      ],
    })
  })

  it('count data points and log records', () => {
    const gauge = { dataPoints: [{ asInt: '1' }, { asDouble: 2 }] }
    expect(countItemsByOracle('metrics', metricsRequest([{ service: 'a', metrics: [{ name: 'm', gauge }] }]))).toBe(2)
    expect(countItemsByOracle('logs', logsRequest([{ service: 'a', logs: [{ body: { stringValue: 'hi' } }] }]))).toBe(1)
  })
})
