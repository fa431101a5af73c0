import { describe, it } from '@jest/globals'
import { MetricNames } from '../../otlp/metrics/metric-names.ts'
import { readMetrics } from '../../otlp/metrics/read-metrics.ts'
import { RefCache } from '../../otlp/resource-cache.ts'
import { metricsRequest } from '../support/otlp-builder.ts'
import { CASES, fuzz, throughJson } from './fuzz.ts'

const TYPE = 'opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceRequest'
const point = { timeUnixNano: '1767225600000000001', attributes: [{ key: 'a', value: { stringValue: 'b' } }] }
const REQUEST = metricsRequest([
  {
    service: 'cart',
    metrics: [
      { name: 'latency', gauge: { dataPoints: [{ ...point, asInt: '-1' }] } },
      {
        name: 'latency',
        histogram: {
          aggregationTemporality: 2,
          dataPoints: [{ ...point, count: '3', bucketCounts: ['1', '2'], explicitBounds: [1] }],
        },
      },
      {
        name: 'latency',
        exponentialHistogram: {
          dataPoints: [{ ...point, scale: -1, positive: { offset: 1, bucketCounts: ['1', '9'] } }],
        },
      },
      { name: 'latency', summary: { dataPoints: [{ ...point, quantileValues: [{ quantile: 0.5, value: 1 }] }] } },
    ],
  },
])

describe(`${2 * CASES} mutated requests of metrics neither crash nor hang a reader, which reads nothing beyond them`, () => {
  it('reading points', () => {
    const names = new MetricNames(['latency'])
    const refs = new RefCache()
    fuzz(3, TYPE, REQUEST, (bytes) => {
      let seen = ''
      const malformed = readMetrics(bytes, names, refs, (at) => {
        seen += `${at.kind} ${at.value} ${at.timeUnixNano} ${at.attributes.size} ${at.bucketCounts()};`
      })
      return malformed?.message ?? seen
    })
  })

  it('writing JSON that can be read again', () => {
    fuzz(4, TYPE, REQUEST, (bytes) => throughJson('metrics', bytes))
  })
})
