import { describe, expect, it } from '@jest/globals'
import type { ExponentialHistogram } from '@opentelemetry/sdk-metrics'
import fc from 'fast-check'
import { ExponentialHistogramSeries } from '../../findings/series/exponential-histogram-series.ts'
import { CounterSeries, GaugeSeries } from '../../findings/series/number-series.ts'
import { OVERFLOW_SERIES, SeriesTable } from '../../findings/series/series-table.ts'

const NAME = { name: 'blindspot.test', unit: 's', description: 'for tests' }

function tableOf(count: number): SeriesTable {
  const table = new SeriesTable(2000)
  for (let i = 0; i < count; i++) table.intern(`series ${i}`, () => ({ 'span.name': `operation ${i}` }))
  return table
}

describe('the table of series', () => {
  it('gives the same number for the same key and asks for attributes once', () => {
    const table = new SeriesTable(10)
    const first = table.intern('a', () => ({ name: 'a' }))
    const again = table.intern('a', () => {
      throw new Error('asked again')
    })
    expect(again).toBe(first)
    expect(table.attributesOf(first)).toEqual({ name: 'a' })
  })

  it('answers with the overflow series past its limit, counts that, and still knows the earlier ones', () => {
    const table = new SeriesTable(2)
    const ids = ['a', 'b', 'c', 'd', 'a'].map((key) => table.intern(key, () => ({ name: key })))
    expect(ids).toEqual([1, 2, OVERFLOW_SERIES, OVERFLOW_SERIES, 1])
    expect(table.overflows).toBe(2)
    expect(table.attributesOf(OVERFLOW_SERIES)).toEqual({ 'otel.metric.overflow': true })
  })
})

describe('counters and gauges', () => {
  it('report the series that were recorded, with their attributes', () => {
    const calls = new CounterSeries(NAME, tableOf(40))
    calls.add(40, 2)
    calls.add(1, 1)
    calls.add(40, 3)
    expect(calls.toMetricData().dataPoints.map(({ attributes, value }) => [attributes['span.name'], value])).toEqual([
      ['operation 0', 1],
      ['operation 39', 5],
    ])
  })

  it('a gauge keeps the last value, zero too, until it is taken out', () => {
    const gauge = new GaugeSeries(NAME, tableOf(40))
    gauge.set(2, 0)
    gauge.set(40, 7)
    gauge.set(40, 8)
    const values = () => gauge.toMetricData().dataPoints.map((point) => point.value)
    expect(values()).toEqual([0, 8])
    gauge.set(2, Number.NaN)
    expect(values()).toEqual([8])
  })
})

describe('an exponential histogram', () => {
  const seriesOf = (values: readonly number[]) => {
    const series = new ExponentialHistogramSeries(NAME, tableOf(20))
    for (const value of values) series.record(20, value)
    return series
  }
  const histogramOf = (values: readonly number[]) =>
    seriesOf(values).toMetricData().dataPoints[0]!.value as ExponentialHistogram

  it('puts powers of two at the upper end of their bucket, as the specification has it', () => {
    // At scale 0 bucket i holds (2^i, 2^(i+1)]: 1 is in −1, 2 in 0, 2^160 in 159; 161 buckets do not fit at scale 0.
    const { scale, positive } = histogramOf([2 ** -40, 2 ** 119])
    expect(scale).toBe(0)
    expect(positive.offset).toBe(-41)
    expect(positive.bucketCounts).toHaveLength(160)
    expect([positive.bucketCounts[0], positive.bucketCounts[159]]).toEqual([1, 1])
    expect(histogramOf([2 ** -40, 2 ** 120]).scale).toBe(-1)
  })

  it('counts zero and negative durations as zero', () => {
    expect(histogramOf([0, -1, 3])).toMatchObject({ count: 3, zeroCount: 2, min: -1, max: 3, sum: 2 })
  })

  it('holds every value in a bucket whose bounds enclose it, in whatever order they come', () => {
    const durations = fc.array(fc.double({ min: 1e-9, max: 1e5, noNaN: true }), { minLength: 1, maxLength: 50 })
    fc.assert(
      fc.property(durations, (values) => {
        const { scale, positive, count } = histogramOf(values)
        expect(positive.bucketCounts.reduce((a, b) => a + b)).toBe(count)
        expect(positive.bucketCounts.length).toBeLessThanOrEqual(160)
        const expected = new Map<number, number>()
        for (const value of values) {
          const index = Math.ceil(Math.log2(value) * 2 ** scale) - 1
          expected.set(index, (expected.get(index) ?? 0) + 1)
        }
        const found = positive.bucketCounts.flatMap((n, i) => (n > 0 ? [[positive.offset + i, n] as const] : []))
        expect(found).toEqual([...expected].sort(([a], [b]) => a - b))
      }),
    )
  })

  it('knows quantiles to within its buckets', () => {
    const values = Array.from({ length: 1000 }, (_, i) => (i + 1) / 1000)
    const series = seriesOf(values)
    for (const q of [0.5, 0.9, 0.99]) expect(Math.abs(series.quantile(20, q) / q - 1)).toBeLessThan(0.05)
    expect(series.quantile(20, 1)).toBeCloseTo(1, 1)
    expect(series.quantile(3, 0.5)).toBeNaN()
    expect(seriesOf([0, 0, 0, 5]).quantile(20, 0.5)).toBe(0)
  })
})
