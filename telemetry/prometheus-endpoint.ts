import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus'
import type { MetricReader } from '@opentelemetry/sdk-metrics'

export interface PrometheusOptions {
  readonly host: string
  readonly port: number
  /** Counters without the ending `_total`: the Collector's names. */
  readonly withoutTypeSuffix: boolean
  readonly withoutScopeInfo: boolean
}

/** `# HELP x_total`, `x_total{`: wherever a line begins with the name of a counter. */
const TYPE_SUFFIX = /^(# (?:HELP|TYPE|UNIT) )?([a-zA-Z_:][a-zA-Z0-9_:]*)_total(?=[ {])/gm

/** Answers `GET /metrics` in Prometheus' text format, on a server of its own. */
export class PrometheusEndpoint {
  /** To be given to the MeterProvider. */
  readonly reader: MetricReader
  readonly #exporter = new PrometheusExporter({ preventServerStart: true })
  readonly #serializer: PrometheusSerializer
  readonly #options: PrometheusOptions
  readonly #server: Server

  constructor(options: PrometheusOptions) {
    this.#options = options
    this.reader = this.#exporter
    this.#serializer = new PrometheusSerializer('', false, undefined, false, options.withoutScopeInfo)
    this.#server = createServer((request, response) => {
      const path = request.url?.split('?')[0]
      if (request.method !== 'GET' || path !== '/metrics') {
        response.writeHead(404, { 'content-type': 'text/plain' }).end('the metrics are at GET /metrics\n')
        return
      }
      this.scrape().then(
        (text) => response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }).end(text),
        (error: unknown) => response.writeHead(500, { 'content-type': 'text/plain' }).end(`${String(error)}\n`),
      )
    }).unref()
  }

  /** `host:port`, once started. */
  get address(): string {
    const { address, family, port } = this.#server.address() as AddressInfo
    return family === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`
  }

  async scrape(): Promise<string> {
    const { resourceMetrics } = await this.#exporter.collect()
    const text = this.#serializer.serialize(resourceMetrics)
    return this.#options.withoutTypeSuffix ? text.replace(TYPE_SUFFIX, '$1$2') : text
  }

  /** Rejects with the system's error where the port cannot be had. */
  async start(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(this.#options.port, this.#options.host, () => {
        this.#server.off('error', reject)
        resolve()
      })
    })
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return
    this.#server.closeAllConnections()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }
}
