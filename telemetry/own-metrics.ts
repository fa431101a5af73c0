import { randomUUID } from 'node:crypto'
import { type Attributes, createNoopMeter, type Meter } from '@opentelemetry/api'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { MeterProvider } from '@opentelemetry/sdk-metrics'
import { createOtlpReader, type OtlpReaderOptions } from './otlp-reader.ts'
import { PrometheusEndpoint, type PrometheusOptions } from './prometheus-endpoint.ts'

export interface OwnMetricsOptions {
  readonly version: string
  readonly resource: Attributes
  readonly prometheus: readonly PrometheusOptions[]
  readonly otlp: readonly OtlpReaderOptions[]
}

/** The gateway's metrics about itself, and the ways in which they leave. Without any way nothing is measured. */
export class OwnMetrics {
  readonly meter: Meter
  readonly endpoints: readonly PrometheusEndpoint[]
  readonly #provider: MeterProvider | null

  constructor(options: OwnMetricsOptions) {
    this.endpoints = options.prometheus.map((each) => new PrometheusEndpoint(each))
    const readers = [...this.endpoints.map((endpoint) => endpoint.reader), ...options.otlp.map(createOtlpReader)]
    if (readers.length === 0) {
      this.#provider = null
      this.meter = createNoopMeter()
      return
    }
    const resource = resourceFromAttributes({
      'service.name': 'blindspot',
      'service.version': options.version,
      'service.instance.id': randomUUID(),
      ...options.resource,
    })
    this.#provider = new MeterProvider({ resource, readers })
    this.meter = this.#provider.getMeter('blindspot', options.version)
  }

  /** Starts to listen; rejects with the system's error where a port cannot be had. */
  async start(): Promise<void> {
    for (const endpoint of this.endpoints) await endpoint.start()
  }

  /** Sends the last figures and stops listening. */
  async stop(): Promise<void> {
    await this.#provider?.shutdown().catch(() => {})
    await Promise.all(this.endpoints.map((endpoint) => endpoint.stop()))
  }
}
