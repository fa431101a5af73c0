import {
  AggregationTemporality,
  DataPointType,
  type ExponentialHistogram,
  type MetricData,
} from '@opentelemetry/sdk-metrics'
import { widened } from '../../otlp/widened.ts'
import { describe, type MetricName, pointsOf, type SeriesMetric } from './series-metric.ts'
import type { SeriesTable } from './series-table.ts'

/** The SDKs' default: from 1 ms to 1 min it leaves buckets of 7 % or finer. */
const MAX_BUCKETS = 160
/** As fine as the specification allows; the first values that lie apart coarsen it. */
const MAX_SCALE = 20

/** Where things lie in the stretch of a series: first what is touched once a span, less than a cache line. */
const SUM = 0
const MIN = 1
const MAX = 2
/** 2^scale, kept since a power costs as much as a logarithm; 0 while nothing was recorded. */
const FACTOR = 3
/** Index of the first bucket, and how many from there on are in use. */
const FIRST = 4
const USED = 5
const ZEROS = 6
const SCALE = 7
const BUCKETS = 8
const WIDTH = BUCKETS + MAX_BUCKETS

/**
 * An exponential histogram by series: bucket i at scale s holds values from 2^(i/2^s), exclusive, to 2^((i+1)/2^s),
 * inclusive. One stretch of a Float64Array for each series:
 *
 *     │ sum │ min │ max │ factor │ first │ used │ zeros │ scale │ bucket first │ … │ bucket first + used − 1 │ unused │
 *
 * For durations: what is zero or negative counts as zero.
 * https://opentelemetry.io/docs/specs/otel/metrics/data-model/#exponentialhistogram
 */
export class ExponentialHistogramSeries implements SeriesMetric {
  readonly #name: MetricName
  readonly #table: SeriesTable
  #values = new Float64Array(WIDTH * 16)

  constructor(name: MetricName, table: SeriesTable) {
    this.#name = name
    this.#table = table
  }

  /** Once a span: one logarithm and some additions, no allocation but when a series is new. */
  record(series: number, value: number): void {
    const start = series * WIDTH
    if (start >= this.#values.length) this.#values = widened(this.#values, (series + 1) * WIDTH)
    const values = this.#values
    const factor = values[start + FACTOR]!
    if (factor === 0) this.#begin(start, value)
    values[start + SUM]! += value
    if (value < values[start + MIN]!) values[start + MIN] = value
    if (value > values[start + MAX]!) values[start + MAX] = value
    if (!(value > 0)) {
      values[start + ZEROS]!++
      return
    }
    const place = indexOf(value, factor) - values[start + FIRST]!
    if (place >= 0 && place < values[start + USED]!) values[start + BUCKETS + place]!++
    else this.#countIn(start, value)
  }

  /**
   * The value below which a share `q` of what was recorded lies, to half a bucket; NaN for a series without values.
   */
  quantile(series: number, q: number): number {
    const values = this.#values.subarray(series * WIDTH, (series + 1) * WIDTH)
    const count = this.count(series)
    if (!(count > 0)) return Number.NaN
    let rank = q * count - values[ZEROS]!
    if (rank <= 0 && values[ZEROS]! > 0) return Math.min(0, values[MAX]!)
    const scale = values[SCALE]!
    for (let i = 0; i < values[USED]!; i++) {
      rank -= values[BUCKETS + i]!
      if (rank > 0) continue
      const middle = 2 ** ((values[FIRST]! + i + 0.5) * 2 ** -scale)
      return Math.min(Math.max(middle, values[MIN]!), values[MAX]!)
    }
    return values[MAX]!
  }

  /** Makes a series equal to that of another histogram, which has to be of the same table. */
  takeOver(series: number, other: ExponentialHistogramSeries): void {
    const start = series * WIDTH
    if (start >= this.#values.length) this.#values = widened(this.#values, (series + 1) * WIDTH)
    this.#values.set(other.#values.subarray(start, start + WIDTH), start)
  }

  /** Summed up, since it is asked for less often than it would be counted. */
  count(series: number): number {
    const start = series * WIDTH
    if (start >= this.#values.length) return 0
    const values = this.#values
    let count = values[start + ZEROS]!
    for (let i = 0; i < values[start + USED]!; i++) count += values[start + BUCKETS + i]!
    return count
  }

  toMetricData(): MetricData {
    return {
      descriptor: describe(this.#name),
      aggregationTemporality: AggregationTemporality.CUMULATIVE,
      dataPointType: DataPointType.EXPONENTIAL_HISTOGRAM,
      dataPoints: pointsOf(
        this.#table,
        (id) => this.count(id) > 0,
        (id) => this.#histogram(id),
      ),
    }
  }

  #histogram(series: number): ExponentialHistogram {
    const values = this.#values.subarray(series * WIDTH, (series + 1) * WIDTH)
    return {
      count: this.count(series),
      sum: values[SUM]!,
      min: values[MIN]!,
      max: values[MAX]!,
      scale: values[SCALE]!,
      zeroCount: values[ZEROS]!,
      positive: { offset: values[FIRST]!, bucketCounts: [...values.subarray(BUCKETS, BUCKETS + values[USED]!)] },
      negative: { offset: 0, bucketCounts: [] },
    }
  }

  #begin(start: number, value: number): void {
    const values = this.#values
    values[start + SCALE] = MAX_SCALE
    values[start + FACTOR] = 2 ** MAX_SCALE
    values[start + MIN] = value
    values[start + MAX] = value
  }

  /** Where the bucket may not be among those in use. */
  #countIn(start: number, value: number): void {
    const values = this.#values
    const index = indexOf(value, values[start + FACTOR]!)
    if (values[start + USED]! === 0) {
      values[start + FIRST] = index
      values[start + USED] = 1
    }
    const first = Math.min(index, values[start + FIRST]!)
    const last = Math.max(index, values[start + FIRST]! + values[start + USED]! - 1)
    if (last - first >= MAX_BUCKETS) {
      this.#coarsen(start, first, last)
      this.#countIn(start, value)
      return
    }
    if (first < values[start + FIRST]!) this.#extendDown(start, first)
    if (last - first + 1 > values[start + USED]!) values[start + USED] = last - first + 1
    values[start + BUCKETS + index - first]!++
  }

  /** Moves the buckets up so that `first` has a place. */
  #extendDown(start: number, first: number): void {
    const values = this.#values
    const by = values[start + FIRST]! - first
    const buckets = start + BUCKETS
    values.copyWithin(buckets + by, buckets, buckets + values[start + USED]!)
    values.fill(0, buckets, buckets + by)
    values[start + FIRST] = first
    values[start + USED]! += by
  }

  /** Merges neighbouring buckets, each step halves them, until `first` to `last` fit. */
  #coarsen(start: number, first: number, last: number): void {
    const values = this.#values
    let steps = 0
    while (Math.floor(last / 2 ** steps) - Math.floor(first / 2 ** steps) >= MAX_BUCKETS) steps++
    const oldFirst = values[start + FIRST]!
    const used = values[start + USED]!
    const newFirst = Math.floor(oldFirst / 2 ** steps)
    const buckets = start + BUCKETS
    for (let i = 0; i < used; i++) {
      const count = values[buckets + i]!
      values[buckets + i] = 0
      // Never beyond i: the place was read before.
      values[buckets + Math.floor((oldFirst + i) / 2 ** steps) - newFirst]! += count
    }
    values[start + FIRST] = newFirst
    values[start + USED] = Math.floor((oldFirst + used - 1) / 2 ** steps) - newFirst + 1
    values[start + SCALE]! -= steps
    values[start + FACTOR]! /= 2 ** steps
  }
}

function indexOf(value: number, factor: number): number {
  return Math.ceil(Math.log2(value) * factor) - 1
}
