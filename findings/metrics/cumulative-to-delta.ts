import type { Attributes } from '@opentelemetry/api'
import {
  AggregationTemporality,
  type DataPoint,
  DataPointType,
  type ExponentialHistogram,
  type Histogram,
  type MetricData,
} from '@opentelemetry/sdk-metrics'
import type { CollectedMetrics } from '../../component/finding-source.ts'
import { subtractExponential } from './subtract-exponential.ts'

type Point = DataPoint<number | Histogram | ExponentialHistogram>

/**
 * Derived metrics are summed cumulatively once, whoever reads them; a reader whose backend wants deltas keeps what it
 * read last and hands on the difference. Holds one point for each series that was there last time.
 */
export class CumulativeToDelta {
  #last = new Map<string, Point>()
  #read = this.#last

  /** The differences to what was accepted last. */
  convert(collected: readonly CollectedMetrics[]): readonly CollectedMetrics[] {
    const now = new Map<string, Point>()
    const deltas = collected.map(({ resource, scopeMetrics }) => ({
      resource,
      scopeMetrics: scopeMetrics
        .map(({ scope, metrics }) => ({ scope, metrics: this.#convertAll(resource, scope.name, metrics, now) }))
        .filter((scope) => scope.metrics.length > 0),
    }))
    this.#read = now
    return deltas.filter((group) => group.scopeMetrics.length > 0)
  }

  /** What was converted has arrived: the next differences begin there. Until then nothing is lost. */
  accepted(): void {
    this.#last = this.#read
  }

  #convertAll(
    resource: Attributes | null,
    scope: string,
    metrics: readonly MetricData[],
    now: Map<string, Point>,
  ): MetricData[] {
    const place = `${JSON.stringify(resource)} ${scope}`
    return metrics
      .map((metric) => this.#convert(metric, `${place} ${metric.descriptor.name}`, now))
      .filter((metric) => metric.dataPoints.length > 0)
  }

  #convert(metric: MetricData, key: string, now: Map<string, Point>): MetricData {
    if (metric.dataPointType === DataPointType.GAUGE) return metric
    const points: Point[] = []
    for (const point of metric.dataPoints as Point[]) {
      const pointKey = `${key} ${JSON.stringify(point.attributes)}`
      now.set(pointKey, point)
      const delta = difference(metric.dataPointType, point, this.#last.get(pointKey))
      if (delta !== null) points.push(delta)
    }
    return { ...metric, aggregationTemporality: AggregationTemporality.DELTA, dataPoints: points } as MetricData
  }
}

/** What came since the last time; all of it where the series is new or began anew; null where nothing came. */
function difference(
  type: Exclude<DataPointType, DataPointType.GAUGE>,
  point: Point,
  before: Point | undefined,
): Point | null {
  if (before === undefined) return point
  const since = { ...point, startTime: before.endTime }
  switch (type) {
    case DataPointType.SUM: {
      const [sum, last] = [point.value as number, before.value as number]
      if (sum < last) return point
      return sum === last ? null : { ...since, value: sum - last }
    }
    case DataPointType.HISTOGRAM: {
      const [all, last] = [point.value as Histogram, before.value as Histogram]
      if (all.count < last.count) return point
      return all.count === last.count ? null : { ...since, value: subtract(all, last) }
    }
    case DataPointType.EXPONENTIAL_HISTOGRAM: {
      const [all, last] = [point.value as ExponentialHistogram, before.value as ExponentialHistogram]
      if (all.count < last.count) return point
      return all.count === last.count ? null : { ...since, value: subtractExponential(all, last) }
    }
  }
}

/** Without min and max: of the values that came since they are not known. */
function subtract(all: Histogram, last: Histogram): Histogram {
  const { boundaries, counts } = all.buckets
  return {
    buckets: { boundaries, counts: counts.map((count, i) => count - last.buckets.counts[i]!) },
    count: all.count - last.count,
    sum: all.sum! - last.sum!,
  }
}
