import type { Attributes } from '@opentelemetry/api'
import { emptyResource, type Resource } from '@opentelemetry/resources'
import {
  AggregationTemporality,
  type CollectionResult,
  DataPointType,
  type GaugeMetricData,
} from '@opentelemetry/sdk-metrics'
import { describe, type MetricName, UNTIMED } from '../series/series-metric.ts'
import { SCOPE } from './scope.ts'

export interface GaugePoint {
  readonly value: number
  readonly attributes: Attributes
}

/** A gauge whose values are known when it is asked for; for the few that belong to a process or a service. */
export function gauge(name: MetricName, points: readonly GaugePoint[]): GaugeMetricData {
  return {
    descriptor: describe(name),
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
    dataPointType: DataPointType.GAUGE,
    dataPoints: points.map((point) => ({ ...point, startTime: UNTIMED, endTime: UNTIMED })),
  }
}

/** What a MetricProducer answers with; without a resource it is the gateway's. */
export function collection(metrics: GaugeMetricData[], resource: Resource = emptyResource()): CollectionResult {
  return { resourceMetrics: { resource, scopeMetrics: [{ scope: SCOPE, metrics }] }, errors: [] }
}
