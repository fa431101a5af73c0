import { AggregationTemporality, DataPointType, type Histogram, type MetricData } from '@opentelemetry/sdk-metrics'
import { widened } from '../../otlp/widened.ts'
import { describe, type MetricName, pointsOf, type SeriesMetric } from './series-metric.ts'
import type { SeriesTable } from './series-table.ts'

/** Bounds that the semantic conventions give for durations of requests, in seconds. */
export const DURATION_BOUNDS_SECONDS: readonly number[] = [
  0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
]

/** Where things lie in the stretch of a series. */
const COUNT = 0
const SUM = 1
const MIN = 2
const MAX = 3
const BUCKETS = 4

/**
 * A histogram with explicit bounds by series. One stretch of a Float64Array for each:
 *
 *     │ count │ sum │ min │ max │ bucket 0 │ … │ bucket n │
 *
 * Doubles count exactly to 2^53, where 32 bits would be full after an hour of heavy traffic.
 */
export class HistogramSeries implements SeriesMetric {
  readonly #name: MetricName
  readonly #table: SeriesTable
  readonly #bounds: Float64Array
  readonly #width: number
  #values: Float64Array<ArrayBuffer>

  constructor(name: MetricName, table: SeriesTable, bounds: readonly number[] = DURATION_BOUNDS_SECONDS) {
    this.#name = name
    this.#table = table
    this.#bounds = Float64Array.from(bounds)
    this.#width = BUCKETS + bounds.length + 1
    this.#values = new Float64Array(this.#width * 16)
  }

  /** Once a span: a few comparisons and additions, no allocation but when a series is new. Bounds are inclusive above. */
  record(series: number, value: number): void {
    const start = series * this.#width
    if (start >= this.#values.length) this.#values = widened(this.#values, (series + 1) * this.#width)
    const values = this.#values
    const bounds = this.#bounds
    let low = 0
    let high = bounds.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (value <= bounds[middle]!) high = middle
      else low = middle + 1
    }
    const isFirst = values[start + COUNT]! === 0
    values[start + COUNT]!++
    values[start + SUM]! += value
    if (isFirst || value < values[start + MIN]!) values[start + MIN] = value
    if (isFirst || value > values[start + MAX]!) values[start + MAX] = value
    values[start + BUCKETS + low]!++
  }

  toMetricData(): MetricData {
    const boundaries = [...this.#bounds]
    return {
      descriptor: describe(this.#name),
      aggregationTemporality: AggregationTemporality.CUMULATIVE,
      dataPointType: DataPointType.HISTOGRAM,
      dataPoints: pointsOf(
        this.#table,
        (id) => this.#values[id * this.#width]! > 0,
        (id) => this.#histogram(id, boundaries),
      ),
    }
  }

  #histogram(series: number, boundaries: number[]): Histogram {
    const values = this.#values.subarray(series * this.#width, (series + 1) * this.#width)
    return {
      buckets: { boundaries, counts: [...values.subarray(BUCKETS)] },
      count: values[COUNT]!,
      sum: values[SUM]!,
      min: values[MIN]!,
      max: values[MAX]!,
    }
  }
}
