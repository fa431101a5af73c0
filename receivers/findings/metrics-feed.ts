import type { Attributes } from '@opentelemetry/api'
import { ProtobufMetricsSerializer } from '@opentelemetry/otlp-transformer'
import { resourceFromAttributes } from '@opentelemetry/resources'
import type { BytesBatch } from '../../component/batch.ts'
import type { Timer } from '../../component/clock.ts'
import type { ReceiverSettings } from '../../component/component.ts'
import type { Consumer } from '../../component/consumer.ts'
import type { CollectedMetrics, FindingSource } from '../../component/finding-source.ts'
import { CumulativeToDelta } from '../../findings/metrics/cumulative-to-delta.ts'
import type { FindingsReceiverConfig } from './config.ts'
import { HandOver } from './hand-over.ts'

/** Collects derived metrics at each interval and hands them on as one request. */
export class MetricsFeed {
  readonly #settings: ReceiverSettings
  readonly #config: FindingsReceiverConfig
  readonly #resource: Attributes
  readonly #source: FindingSource
  readonly #handOver: HandOver
  readonly #delta: CumulativeToDelta | null
  #timer: Timer | null = null
  #running: Promise<void> | null = null

  constructor(
    settings: ReceiverSettings,
    config: FindingsReceiverConfig,
    resource: Attributes,
    source: FindingSource,
    next: Consumer<BytesBatch>,
  ) {
    this.#settings = settings
    this.#config = config
    this.#resource = resource
    this.#source = source
    this.#handOver = new HandOver(settings, next, 'metrics')
    this.#delta = config.temporality === 'delta' ? new CumulativeToDelta() : null
  }

  start(): void {
    this.#timer = this.#settings.clock.every(this.#config.interval, () => {
      // A pipeline that takes longer than the interval gets the next collection, not a second one beside it.
      this.#running ??= this.#feed()
        .catch((error: unknown) => this.#defect(error))
        .finally(() => {
          this.#running = null
        })
    })
  }

  /** With a last collection, so that what was counted since the last interval is not lost. */
  async stop(): Promise<void> {
    this.#timer?.cancel()
    await this.#running
    await this.#feed()
  }

  #defect(error: unknown): void {
    this.#settings.logger.error('bringing findings into a pipeline met a defect of the gateway', { error })
  }

  async #feed(): Promise<void> {
    const all = await this.#source.collect()
    const collected = this.#delta === null ? all : this.#delta.convert(all)
    const points = countPoints(collected)
    if (points === 0) return
    const outcome = await this.#handOver.give(this.#encode(collected), points)
    if (outcome.kind !== 'refused') this.#delta?.accepted()
  }

  /** Requests joined end to end are one request: resource_metrics is a repeated field. */
  #encode(collected: readonly CollectedMetrics[]): Uint8Array {
    const requests = collected.map(
      ({ resource, scopeMetrics }) =>
        ProtobufMetricsSerializer.serializeRequest({
          resource: resourceFromAttributes(resource ?? this.#resource),
          scopeMetrics,
        })!,
    )
    return Buffer.concat(requests)
  }
}

function countPoints(collected: readonly CollectedMetrics[]): number {
  let points = 0
  for (const { scopeMetrics } of collected)
    for (const { metrics } of scopeMetrics) for (const metric of metrics) points += metric.dataPoints.length
  return points
}
