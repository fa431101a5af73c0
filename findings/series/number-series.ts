import { ValueType } from '@opentelemetry/api'
import { AggregationTemporality, DataPointType, type MetricData } from '@opentelemetry/sdk-metrics'
import { widened } from '../../otlp/widened.ts'
import { describe, type MetricName, pointsOf, type SeriesMetric } from './series-metric.ts'
import type { SeriesTable } from './series-table.ts'

/** A monotonic sum by series. `add` allocates nothing once the series exists. */
export class CounterSeries implements SeriesMetric {
  readonly #name: MetricName
  readonly #table: SeriesTable
  #sums = new Float64Array(16)

  constructor(name: MetricName, table: SeriesTable) {
    this.#name = name
    this.#table = table
  }

  add(series: number, count: number): void {
    if (series >= this.#sums.length) this.#sums = widened(this.#sums, series + 1)
    this.#sums[series]! += count
  }

  toMetricData(): MetricData {
    const sums = this.#sums
    return {
      descriptor: describe(this.#name, ValueType.INT),
      aggregationTemporality: AggregationTemporality.CUMULATIVE,
      dataPointType: DataPointType.SUM,
      isMonotonic: true,
      dataPoints: pointsOf(
        this.#table,
        (id) => sums[id]! > 0,
        (id) => sums[id]!,
      ),
    }
  }
}

/** The last value by series; NaN takes a series out. */
export class GaugeSeries implements SeriesMetric {
  readonly #name: MetricName
  readonly #table: SeriesTable
  #values = new Float64Array(16).fill(Number.NaN)

  constructor(name: MetricName, table: SeriesTable) {
    this.#name = name
    this.#table = table
  }

  set(series: number, value: number): void {
    if (series >= this.#values.length) this.#values = widened(this.#values, series + 1, Number.NaN)
    this.#values[series] = value
  }

  toMetricData(): MetricData {
    const values = this.#values
    return {
      descriptor: describe(this.#name),
      aggregationTemporality: AggregationTemporality.CUMULATIVE,
      dataPointType: DataPointType.GAUGE,
      dataPoints: pointsOf(
        this.#table,
        (id) => id < values.length && !Number.isNaN(values[id]!),
        (id) => values[id]!,
      ),
    }
  }
}
