import { randomUUID } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import { type Attributes, createNoopMeter, type Meter } from '@opentelemetry/api'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { MeterProvider } from '@opentelemetry/sdk-metrics'
import type { OtlpReaderOptions } from './otlp-reader.ts'
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

  private constructor(meter: Meter, endpoints: readonly PrometheusEndpoint[], provider: MeterProvider | null) {
    this.meter = meter
    this.endpoints = endpoints
    this.#provider = provider
  }

  static async create(options: OwnMetricsOptions): Promise<OwnMetrics> {
    const endpoints = options.prometheus.map((each) => new PrometheusEndpoint(each))
    const readers = endpoints.map((endpoint) => endpoint.reader)
    if (options.otlp.length > 0) {
      // Loaded when used: most gateways are scraped and need no second gRPC client in memory.
      const { createOtlpReader } = await import('./otlp-reader.ts')
      readers.push(...options.otlp.map(createOtlpReader))
    }
    if (readers.length === 0) return new OwnMetrics(createNoopMeter(), [], null)
    const resource = resourceFromAttributes({
      'service.name': 'blindspot',
      'service.version': options.version,
      'service.instance.id': randomUUID(),
      ...options.resource,
    })
    const provider = new MeterProvider({ resource, readers })
    return new OwnMetrics(provider.getMeter('blindspot', options.version), endpoints, provider)
  }

  /** Starts to listen; rejects with the system's error where a port cannot be had. */
  async start(): Promise<void> {
    for (const endpoint of this.endpoints) await endpoint.start()
  }

  /** Sends the last figures, as far as their takers take them within `timeoutMs`, and stops listening. */
  async stop(timeoutMs: number): Promise<void> {
    const sent = this.#provider?.shutdown().catch(() => {})
    const timer = new AbortController()
    await Promise.race([sent, setTimeout(timeoutMs, null, { signal: timer.signal }).catch(() => {})])
    timer.abort()
    await Promise.all(this.endpoints.map((endpoint) => endpoint.stop()))
  }
}
