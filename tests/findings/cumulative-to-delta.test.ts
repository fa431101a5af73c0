import { describe, expect, it } from '@jest/globals'
import { resourceFromAttributes } from '@opentelemetry/resources'
import {
  AggregationTemporality,
  DataPointType,
  type ExponentialHistogram,
  type Histogram,
  type MetricData,
} from '@opentelemetry/sdk-metrics'
import fc from 'fast-check'
import { VirtualClock } from '../../component/clock.ts'
import { CumulativeToDelta } from '../../findings/metrics/cumulative-to-delta.ts'
import { MetricCollection } from '../../findings/metrics/metric-collection.ts'
import { ExponentialHistogramSeries } from '../../findings/series/exponential-histogram-series.ts'
import { CounterSeries, GaugeSeries } from '../../findings/series/number-series.ts'
import {
  describe as describeMetric,
  pointsOf,
  type SeriesMetric,
  SeriesProducer,
} from '../../findings/series/series-metric.ts'
import { SeriesTable } from '../../findings/series/series-table.ts'

/** A histogram with bounds, as an SDK has it, of one series. */
class BoundedHistogram implements SeriesMetric {
  readonly #table: SeriesTable
  readonly #boundaries = [1, 10]
  readonly #values: number[] = []

  constructor(table: SeriesTable) {
    this.#table = table
  }

  record(value: number): void {
    this.#values.push(value)
  }

  toMetricData(): MetricData {
    const bounds = [0, ...this.#boundaries, Number.POSITIVE_INFINITY]
    const counts = bounds
      .slice(1)
      .map((to, i) => this.#values.filter((value) => value > bounds[i]! && value <= to).length)
    const value = {
      buckets: { boundaries: this.#boundaries, counts },
      count: this.#values.length,
      sum: this.#values.reduce((a, b) => a + b, 0),
    }
    return {
      descriptor: describeMetric({ name: 'blindspot.histogram', unit: '1', description: '' }),
      aggregationTemporality: AggregationTemporality.CUMULATIVE,
      dataPointType: DataPointType.HISTOGRAM,
      dataPoints: pointsOf(
        this.#table,
        () => this.#values.length > 0,
        () => value,
      ),
    }
  }
}

function setUp() {
  const clock = new VirtualClock(1000)
  const table = new SeriesTable(10)
  const series = table.intern('a', () => ({ 'span.name': 'a' }))
  const name = (last: string) => ({ name: `blindspot.${last}`, unit: '1', description: '' })
  const counter = new CounterSeries(name('counter'), table)
  const gauge = new GaugeSeries(name('gauge'), table)
  const histogram = new BoundedHistogram(table)
  const exponential = new ExponentialHistogramSeries(name('exponential'), table)
  const collection = new MetricCollection(clock)
  const add = () => collection.add(new SeriesProducer([counter, gauge, histogram, exponential]))
  const remove = add()
  const delta = new CumulativeToDelta()
  /** The points that a reader of deltas sees now, by the last part of the metric's name. */
  const read = async () => {
    const metrics = delta.convert(await collection.collect()).flatMap((each) => each.scopeMetrics[0]!.metrics)
    delta.accepted()
    return Object.fromEntries(metrics.map((metric) => [metric.descriptor.name.split('.')[1]!, metric]))
  }
  return { clock, series, counter, gauge, histogram, exponential, collection, remove, read }
}

describe('a reader of deltas', () => {
  it('sees what came since it read last, from the time when it did', async () => {
    const { clock, counter, series, read } = setUp()
    counter.add(series, 3)
    clock.advanceTo(2000)
    expect((await read()).counter!.dataPoints).toMatchObject([{ value: 3, startTime: [1, 0], endTime: [2, 0] }])
    counter.add(series, 4)
    clock.advanceTo(5000)
    const { counter: sum } = await read()
    expect(sum!.dataPoints).toMatchObject([{ value: 4, startTime: [2, 0], endTime: [5, 0] }])
    expect(sum!.aggregationTemporality).toBe(AggregationTemporality.DELTA)
  })

  it('sees no point where nothing came, but gauges always', async () => {
    const { counter, histogram, exponential, gauge, series, read } = setUp()
    counter.add(series, 3)
    histogram.record(3)
    exponential.record(series, 3)
    gauge.set(series, 3)
    await read()
    expect(Object.keys(await read())).toEqual(['gauge'])
  })

  it('gets again what did not arrive, together with what came since', async () => {
    const { counter, series, collection } = setUp()
    const delta = new CumulativeToDelta()
    const values = async () =>
      delta.convert(await collection.collect())[0]!.scopeMetrics[0]!.metrics[0]!.dataPoints.map((point) => point.value)
    counter.add(series, 3)
    expect(await values()).toEqual([3])
    counter.add(series, 4)
    expect(await values()).toEqual([7])
    delta.accepted()
    counter.add(series, 1)
    expect(await values()).toEqual([1])
  })

  it('leaves other readers alone', async () => {
    const { counter, series, read, collection } = setUp()
    counter.add(series, 3)
    await read()
    const [{ scopeMetrics }] = (await collection.collect()) as [Awaited<ReturnType<typeof collection.collect>>[0]]
    expect(scopeMetrics[0]!.metrics[0]!.dataPoints).toMatchObject([{ value: 3 }])
  })

  it('gets differences of histograms that are the histogram of what came', async () => {
    const values = fc.array(fc.double({ min: 1e-6, max: 1e4, noNaN: true }), { minLength: 1, maxLength: 20 })
    await fc.assert(
      fc.asyncProperty(values, values, async (first, then) => {
        const { histogram, exponential, series, read } = setUp()
        const record = (list: readonly number[]) => {
          for (const value of list) histogram.record(value)
          for (const value of list) exponential.record(series, value)
        }
        record(first)
        await read()
        record(then)
        const metrics = await read()
        const explicit = metrics.histogram!.dataPoints[0]!.value as Histogram
        expect(explicit.buckets.counts).toEqual([
          then.filter((value) => value <= 1).length,
          then.filter((value) => value > 1 && value <= 10).length,
          then.filter((value) => value > 10).length,
        ])
        const { count, scale, positive } = metrics.exponential!.dataPoints[0]!.value as ExponentialHistogram
        expect(count).toBe(then.length)
        const expected = new Map<number, number>()
        for (const value of then) {
          const index = Math.ceil(Math.log2(value) * 2 ** scale) - 1
          expected.set(index, (expected.get(index) ?? 0) + 1)
        }
        const found = positive.bucketCounts.flatMap((n, i) => (n !== 0 ? [[positive.offset + i, n] as const] : []))
        expect(found).toEqual([...expected].sort(([a], [b]) => a - b))
      }),
      { numRuns: 50 },
    )
  })

  it('begins anew with a series that does', async () => {
    const { clock, counter, series, remove, read, collection } = setUp()
    counter.add(series, 9)
    await read()
    remove()
    const table = new SeriesTable(10)
    const again = new CounterSeries({ name: 'blindspot.counter', unit: '1', description: '' }, table)
    again.add(
      table.intern('a', () => ({ 'span.name': 'a' })),
      2,
    )
    clock.advanceTo(3000)
    collection.add(new SeriesProducer([again]))
    expect((await read()).counter!.dataPoints).toMatchObject([{ value: 2, startTime: [3, 0] }])
  })
})

describe('the collection', () => {
  it('keeps resources apart, and gathers producers of one', async () => {
    const { collection, counter, series } = setUp()
    counter.add(series, 1)
    const producer = (instance: string, value: number) => {
      const table = new SeriesTable(10)
      const gauge = new GaugeSeries({ name: 'blindspot.go.gc.enabled', unit: '1', description: '' }, table)
      gauge.set(
        table.intern('', () => ({})),
        value,
      )
      return new SeriesProducer([gauge], resourceFromAttributes({ 'service.instance.id': instance }))
    }
    collection.add(producer('cart-1', 0))
    collection.add(producer('cart-2', 1))
    collection.add(producer('cart-2', 1))
    const collected = await collection.collect()
    expect(collected.map(({ resource, scopeMetrics }) => [resource, scopeMetrics.length])).toEqual([
      [null, 1],
      [{ 'service.instance.id': 'cart-1' }, 1],
      [{ 'service.instance.id': 'cart-2' }, 2],
    ])
  })
})
