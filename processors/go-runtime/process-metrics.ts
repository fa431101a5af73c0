import { resourceFromAttributes } from '@opentelemetry/resources'
import type { CollectionResult, MetricProducer } from '@opentelemetry/sdk-metrics'
import type { Clock } from '../../component/clock.ts'
import { collection, type GaugePoint, gauge } from '../../findings/metrics/gauge.ts'
import type { GoProcess } from './go-process.ts'
import type { RuntimeRule } from './runtime-rule.ts'

/** The derived metrics of one process, with the process as their resource. A silent process has none. */
export class ProcessMetrics implements MetricProducer {
  readonly #process: GoProcess
  readonly #rules: readonly RuntimeRule[]
  readonly #clock: Clock

  constructor(process: GoProcess, rules: readonly RuntimeRule[], clock: Clock) {
    this.#process = process
    this.#rules = rules
    this.#clock = clock
  }

  async collect(): Promise<CollectionResult> {
    const values = derivedValues(this.#process, this.#clock.nowMs())
    const metrics = this.#rules
      .flatMap((rule) => rule.metrics)
      .flatMap((name) => {
        const point = values.get(name.name)
        return point === undefined ? [] : [gauge(name, [point])]
      })
    return collection(metrics, resourceFromAttributes(this.#process.identity))
  }
}

/** By the name of the metric. */
export function derivedValues(process: GoProcess, nowMs: number): ReadonlyMap<string, GaugePoint> {
  return new Map(process.watches.flatMap((watch) => [...watch.derived(nowMs)]))
}
