import type { Attributes, HrTime } from '@opentelemetry/api'
import type { DataPoint, MetricData, MetricProducer, ScopeMetrics } from '@opentelemetry/sdk-metrics'
import type { Clock } from '../../component/clock.ts'
import type { CollectedMetrics } from '../../component/finding-source.ts'

/**
 * Asks every producer of derived metrics and puts the gateway's time on what it says: a series starts when its producer
 * was added and is as of now. The SDK reads the machine's clock, which is wrong in a replay.
 */
export class MetricCollection {
  readonly #clock: Clock
  readonly #startedBy = new Map<MetricProducer, bigint>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  add(producer: MetricProducer): () => void {
    this.#startedBy.set(producer, this.#clock.nowUnixNano())
    return () => this.#startedBy.delete(producer)
  }

  /** One entry for each resource, the gateway's (null) first where it has anything. */
  async collect(): Promise<readonly CollectedMetrics[]> {
    const nowUnixNano = this.#clock.nowUnixNano()
    const collected = await Promise.all(
      [...this.#startedBy].map(async ([producer, start]) => ({ start, result: await producer.collect() })),
    )
    const byResource = new Map<string, { resource: Attributes | null; scopeMetrics: ScopeMetrics[] }>()
    for (const { start, result } of collected) {
      const { resource, scopeMetrics } = result.resourceMetrics
      const key = JSON.stringify(resource.attributes)
      let group = byResource.get(key)
      if (!group) {
        group = { resource: isGateway(resource.attributes) ? null : resource.attributes, scopeMetrics: [] }
        byResource.set(key, group)
      }
      for (const { scope, metrics } of scopeMetrics) {
        const filled = metrics.filter((metric) => metric.dataPoints.length > 0)
        if (filled.length === 0) continue
        group.scopeMetrics.push({ scope, metrics: filled.map((metric) => stamp(metric, start, nowUnixNano)) })
      }
    }
    return [...byResource.values()].filter((group) => group.scopeMetrics.length > 0)
  }
}

function isGateway(attributes: Attributes): boolean {
  return Object.keys(attributes).length === 0
}

function stamp(metric: MetricData, startUnixNano: bigint, endUnixNano: bigint): MetricData {
  const startTime = hrTime(startUnixNano)
  const endTime = hrTime(endUnixNano)
  const dataPoints = (metric.dataPoints as DataPoint<unknown>[]).map((point) => ({ ...point, startTime, endTime }))
  return { ...metric, dataPoints } as MetricData
}

export function hrTime(unixNano: bigint): HrTime {
  return [Number(unixNano / 1_000_000_000n), Number(unixNano % 1_000_000_000n)]
}
