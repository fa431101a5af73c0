import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { Malformed } from '../../../otlp/malformed.ts'
import { MetricNames } from '../../../otlp/metrics/metric-names.ts'
import type { MetricPoint } from '../../../otlp/metrics/metric-point.ts'
import { readMetrics } from '../../../otlp/metrics/read-metrics.ts'
import { RefCache } from '../../../otlp/resource-cache.ts'
import { arbitraryMetric } from '../../support/otlp-arbitraries.ts'
import { metricsRequest, type ServiceMetrics } from '../../support/otlp-builder.ts'
import { decodeRequest, type OtlpJson } from '../../support/otlp-oracle.ts'
import { noisy, Random } from '../../support/wire-noise.ts'

const REQUEST_TYPE = 'opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceRequest'

const NAMES = ['go.config.gogc', 'go.memory.limit', 'go_gc_duration_seconds', 'latency']
const KIND_FIELDS = {
  gauge: 'gauge',
  sum: 'sum',
  histogram: 'histogram',
  exponential_histogram: 'exponentialHistogram',
  summary: 'summary',
} as const

describe('reading metric points', () => {
  it('says what protobufjs says of every point of the metrics asked for, and nothing of others', () => {
    const metric = fc
      .tuple(arbitraryMetric, fc.constantFrom(...NAMES, 'go.memory.used', 'go.config.gog', ''))
      .map(([fields, name]): OtlpJson => ({ ...fields, name }))
    fc.assert(
      fc.property(fc.array(fc.array(metric, { maxLength: 4 }), { maxLength: 3 }), (services) => {
        const bytes = metricsRequest(services.map((metrics, i) => ({ service: `s${i}`, metrics })))
        expect(pointsRead(bytes)).toEqual(pointsByOracle(bytes))
      }),
    )
  })

  it('says the same of fields out of order, repeated, unknown or longer than need be, of numbers packed or not', () => {
    const metric = fc
      .tuple(arbitraryMetric, fc.constantFrom(...NAMES))
      .map(([fields, name]): OtlpJson => ({ ...fields, name }))
    fc.assert(
      fc.property(fc.array(metric, { minLength: 1, maxLength: 4 }), fc.nat(), (metrics, seed) => {
        const bytes = noisy(REQUEST_TYPE, metricsRequest([{ service: 's0', metrics }]), new Random(seed))
        expect(pointsRead(bytes)).toEqual(pointsByOracle(bytes))
      }),
    )
  })

  it.each([
    ['GOGC=off as the Go SDK sends it', { asInt: '9223372036854775807' }, 9223372036854775807n],
    ['a number just above 2^53', { asInt: '9007199254740993' }, 9007199254740993n],
    ['the smallest', { asInt: '-9223372036854775808' }, -9223372036854775808n],
  ])('reads %s exactly', (_what, value, expected) => {
    let exact: bigint | null = null
    read([{ service: 'a', metrics: [{ name: 'latency', gauge: { dataPoints: [value] } }] }], (point) => {
      exact = point.intExact
      expect(point.isInt).toBe(true)
      expect(point.value).toBe(Number(expected))
    })
    expect(exact).toBe(expected)
  })

  it('knows a point without a value', () => {
    const dataPoints = [{ flags: 1 }, { asDouble: 0 }]
    const seen: unknown[] = []
    read([{ service: 'a', metrics: [{ name: 'latency', gauge: { dataPoints } }] }], (point) =>
      seen.push([point.noRecordedValue, point.value]),
    )
    expect(seen).toEqual([
      [true, Number.NaN],
      [false, 0],
    ])
  })

  it('gives the resource, scope, unit, metadata, times and attributes of a point', () => {
    const metric = {
      name: 'latency',
      unit: 's',
      metadata: [{ key: 'prometheus.type', value: { stringValue: 'counter' } }],
      sum: {
        aggregationTemporality: 2,
        isMonotonic: true,
        dataPoints: [
          {
            startTimeUnixNano: '1767225600000000001',
            timeUnixNano: '1767225601500000000',
            asDouble: 1.5,
            attributes: [{ key: 'go.cpu.state', value: { stringValue: 'gc' } }],
          },
        ],
      },
    }
    const seen: unknown[] = []
    read(
      [
        {
          service: 'cart',
          resource: { 'service.instance.id': 'i-1' },
          scope: { name: 'rt', version: '1' },
          metrics: [metric],
        },
      ],
      (point) =>
        seen.push({
          service: point.resource.serviceName,
          instance: point.resource.instance,
          scope: [point.scope.name, point.scope.version],
          metric: [point.name, point.unit, point.kind, point.temporality, point.isMonotonic],
          metadata: [...point.metadata],
          times: [point.startUnixNano, point.timeUnixNano, point.timeMs],
          attributes: [...point.attributes],
        }),
    )
    expect(seen).toEqual([
      {
        service: 'cart',
        instance: 'i-1',
        scope: ['rt', '1'],
        metric: ['latency', 's', 'sum', 'cumulative', true],
        metadata: [['prometheus.type', 'counter']],
        times: [1767225600000000001n, 1767225601500000000n, 1767225601500],
        attributes: [['go.cpu.state', 'gc']],
      },
    ])
  })

  it('reads fields in any order, and lists packed or not', () => {
    // bucket_counts one by one and packed; then the time; then the name of the metric, last.
    const point = '31' + '0100000000000000' + '3208' + '0200000000000000' + '19' + '0a00000000000000'
    const histogram = `10020a${hexLength(point)}${point}`
    const metric = `4a${hexLength(histogram)}${histogram}0a07${Buffer.from('latency').toString('hex')}`
    const scope = `12${hexLength(metric)}${metric}`
    const resource = `12${hexLength(scope)}${scope}`
    const seen: unknown[] = []
    const bytes = Buffer.from(`0a${hexLength(resource)}${resource}`, 'hex')
    const malformed = readMetrics(bytes, new MetricNames(NAMES), new RefCache(), (at) =>
      seen.push([at.kind, at.temporality, at.bucketCounts(), at.timeUnixNano]),
    )
    expect([malformed, seen]).toEqual([null, [['histogram', 'cumulative', [1, 2], 10n]]])
  })

  it('says where a request is broken', () => {
    const bytes = metricsRequest([
      { service: 'a', metrics: [{ name: 'latency', gauge: { dataPoints: [{ asInt: '1', flags: 1 }] } }] },
    ])
    const cut = bytes.slice()
    cut[cut.length - 1] = 0x80 // the flags never end
    const malformed = readMetrics(cut, new MetricNames(NAMES), new RefCache(), () => {})
    expect(malformed?.message).toBe(
      `malformed ExportMetricsServiceRequest.resource_metrics.scope_metrics.metrics.gauge.data_points at byte ${bytes.length}: a varint runs past the end of its message`,
    )
  })

  it('survives any mutation of a request', () => {
    const bytes = metricsRequest([{ service: 'a', metrics: everyKind() }])
    const mutation = fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 })
    fc.assert(
      fc.property(mutation, (changes) => {
        const mutated = bytes.slice()
        for (const [at, value] of changes) mutated[at] = value
        const outcome = readMetrics(mutated, new MetricNames(NAMES), new RefCache(), describePoint)
        expect(outcome === null || outcome instanceof Malformed).toBe(true)
      }),
      { numRuns: 3000 },
    )
  })
})

function read(services: readonly ServiceMetrics[], visit: (point: MetricPoint) => void): void {
  expect(readMetrics(metricsRequest(services), new MetricNames(NAMES), new RefCache(), visit)).toBeNull()
}

function pointsRead(bytes: Uint8Array): unknown[] {
  const points: unknown[] = []
  const malformed = readMetrics(bytes, new MetricNames(NAMES), new RefCache(), (point) =>
    points.push(describePoint(point)),
  )
  expect(malformed).toBeNull()
  return points
}

/** A point as the oracle's JSON has it, by way of every accessor. */
function describePoint(point: MetricPoint): OtlpJson {
  const numbers = point.kind === 'gauge' || point.kind === 'sum'
  return {
    service: point.resource.serviceName,
    name: point.name,
    unit: point.unit,
    metadata: point.metadata.size,
    kind: point.kind,
    temporality: point.temporality,
    isMonotonic: point.isMonotonic,
    start: point.startUnixNano,
    time: point.timeUnixNano,
    flags: point.flags,
    attributes: [...point.attributes.keys()],
    value: point.isInt ? point.intExact : point.value,
    count: point.countExact,
    sum: numbers ? null : point.sum,
    min: point.min,
    max: point.max,
    bucketCounts: point.bucketCounts(),
    explicitBounds: point.explicitBounds(),
    scale: point.scale,
    zeroCount: point.zeroCount,
    zeroThreshold: point.zeroThreshold,
    positive: point.positiveBuckets(),
    negative: point.negativeBuckets(),
    quantiles: point.quantiles(),
  }
}

function pointsByOracle(bytes: Uint8Array): unknown[] {
  const list = (parent: OtlpJson | undefined, field: string) => (parent?.[field] ?? []) as OtlpJson[]
  const request = decodeRequest('metrics', bytes)
  return list(request, 'resourceMetrics').flatMap((resource, i) =>
    list(resource, 'scopeMetrics')
      .flatMap((scope) => list(scope, 'metrics'))
      .filter((metric) => NAMES.includes(metric.name as string))
      .flatMap((metric) =>
        Object.entries(KIND_FIELDS).flatMap(([kind, field]) => {
          const data = metric[field] as OtlpJson | undefined
          return list(data, 'dataPoints').map((point) => ({
            service: `s${i}`,
            ...expected(metric, kind, data!, point),
          }))
        }),
      ),
  )
}

function expected(metric: OtlpJson, kind: string, data: OtlpJson, point: OtlpJson): OtlpJson {
  const isNumbers = kind === 'gauge' || kind === 'sum'
  const numbers = (list: unknown) => ((list ?? []) as unknown[]).map(Number)
  const orNull = (value: unknown) => (value === undefined ? null : Number(value))
  const buckets = (of: unknown) => {
    const { offset = 0, bucketCounts } = (of ?? {}) as OtlpJson
    return { offset, counts: numbers(bucketCounts) }
  }
  return {
    name: metric.name,
    unit: metric.unit ?? '',
    metadata: keys(metric.metadata).length,
    kind,
    temporality: ['unspecified', 'delta', 'cumulative'][(data.aggregationTemporality ?? 0) as number],
    isMonotonic: data.isMonotonic ?? false,
    start: BigInt((point.startTimeUnixNano ?? 0) as string),
    time: BigInt((point.timeUnixNano ?? 0) as string),
    flags: point.flags ?? 0,
    attributes: keys(point.attributes),
    value:
      point.asInt !== undefined
        ? BigInt(point.asInt as string)
        : isNumbers
          ? Number(point.asDouble ?? Number.NaN)
          : Number.NaN,
    count: BigInt((point.count ?? 0) as string),
    sum: isNumbers ? null : kind === 'summary' ? Number(point.sum ?? 0) : orNull(point.sum),
    min: orNull(point.min),
    max: orNull(point.max),
    bucketCounts: numbers(point.bucketCounts),
    explicitBounds: numbers(point.explicitBounds),
    scale: point.scale ?? 0,
    zeroCount: Number(point.zeroCount ?? 0),
    zeroThreshold: Number(point.zeroThreshold ?? 0),
    positive: buckets(point.positive),
    negative: buckets(point.negative),
    quantiles: ((point.quantileValues ?? []) as OtlpJson[]).map(({ quantile = 0, value = 0 }) => ({
      quantile: Number(quantile),
      value: Number(value),
    })),
  }
}

/** Distinct keys, in the order of their first appearance. */
function keys(attributes: unknown): string[] {
  return [...new Set(((attributes ?? []) as { key: string }[]).map(({ key }) => key))]
}

function everyKind(): OtlpJson[] {
  const common = { timeUnixNano: '1767225600000000000', attributes: [{ key: 'a', value: { intValue: '1' } }] }
  const histogram = { ...common, count: '3', sum: 1.5, bucketCounts: ['1', '2'], explicitBounds: [1], min: 0, max: 2 }
  const buckets = { offset: -2, bucketCounts: ['1', '300'] }
  const exponential = { ...common, count: '3', scale: 4, zeroCount: '1', positive: buckets, negative: buckets }
  return [
    { name: 'latency', unit: 's', gauge: { dataPoints: [{ ...common, asInt: '5' }] } },
    { name: 'latency', sum: { dataPoints: [{ ...common, asDouble: 5 }], aggregationTemporality: 1 } },
    { name: 'latency', histogram: { dataPoints: [histogram], aggregationTemporality: 2 } },
    { name: 'latency', exponentialHistogram: { dataPoints: [exponential], aggregationTemporality: 2 } },
    { name: 'latency', summary: { dataPoints: [{ ...common, quantileValues: [{ quantile: 0.5, value: 1 }] }] } },
  ]
}

function hexLength(hex: string): string {
  return (hex.length / 2).toString(16).padStart(2, '0')
}
