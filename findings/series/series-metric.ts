import { type HrTime, ValueType } from '@opentelemetry/api'
import { emptyResource, type Resource } from '@opentelemetry/resources'
import type {
  CollectionResult,
  DataPoint,
  MetricData,
  MetricDescriptor,
  MetricProducer,
} from '@opentelemetry/sdk-metrics'
import { SCOPE } from '../metrics/scope.ts'
import type { SeriesTable } from './series-table.ts'

/** What a metric is called; the unit in UCUM, never in the name. */
export interface MetricName {
  readonly name: string
  readonly unit: string
  readonly description: string
}

/** A metric whose values lie in typed arrays, by the numbers of a SeriesTable. Always cumulative. */
export interface SeriesMetric {
  toMetricData(): MetricData
}

/** Metrics of one resource as the collection takes them in; a resource without attributes is the gateway's. */
export class SeriesProducer implements MetricProducer {
  readonly #metrics: readonly SeriesMetric[]
  readonly #resource: Resource

  constructor(metrics: readonly SeriesMetric[], resource: Resource = emptyResource()) {
    this.#metrics = metrics
    this.#resource = resource
  }

  async collect(): Promise<CollectionResult> {
    const metrics = this.#metrics.map((metric) => metric.toMetricData())
    return { resourceMetrics: { resource: this.#resource, scopeMetrics: [{ scope: SCOPE, metrics }] }, errors: [] }
  }
}

export function describe({ name, unit, description }: MetricName, valueType = ValueType.DOUBLE): MetricDescriptor {
  return { name, unit, description, valueType }
}

/** The collection puts its own times over these. */
export const UNTIMED: HrTime = [0, 0]

/** A data point for each series of the table that has been recorded. */
export function pointsOf<T>(
  table: SeriesTable,
  isRecorded: (id: number) => boolean,
  toValue: (id: number) => T,
): DataPoint<T>[] {
  const points: DataPoint<T>[] = []
  for (let id = 0; id < table.size; id++) {
    if (!isRecorded(id)) continue
    const attributes = table.attributesOf(id)
    points.push({ startTime: UNTIMED, endTime: UNTIMED, attributes, value: toValue(id) })
  }
  return points
}
