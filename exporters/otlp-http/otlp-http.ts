import type { OutgoingHttpHeaders } from 'node:http'
import type { Clock } from '../../component/clock.ts'
import type { ExporterFactory } from '../../component/component.ts'
import { GatewayError } from '../../component/errors.ts'
import { SIGNALS, type Signal } from '../../component/signal.ts'
import { protobufToJson } from '../../otlp/json/protobuf-to-json.ts'
import { Malformed } from '../../otlp/malformed.ts'
import { compress } from '../sending/compress.ts'
import { lowerCaseNames } from '../sending/headers.ts'
import { readPartialSuccess, readPartialSuccessJson, readStatus, readStatusJson } from '../sending/otlp-answer.ts'
import type { OutgoingRequest } from '../sending/outgoing.ts'
import type { PartialSuccess, Sender, SendResult } from '../sending/sender.ts'
import { SendingExporter } from '../sending/sending-exporter.ts'
import { loadTls } from '../sending/tls.ts'
import { configSchema, type OtlpHttpConfig } from './config.ts'
import { HttpPoster, type HttpResult } from './http-post.ts'
import { errorOf } from './http-status.ts'

const PATHS = {
  traces: '/v1/traces',
  metrics: '/v1/metrics',
  logs: '/v1/logs',
  profiles: '/v1development/profiles',
} as const satisfies Record<Signal, string>

const PROTOBUF = 'application/x-protobuf'
const JSON_TYPE = 'application/json'

/** OTLP over HTTP: turns requests into POSTs and answers into results. */
class OtlpHttpSender implements Sender {
  readonly #config: OtlpHttpConfig
  readonly #clock: Clock
  readonly #headers: OutgoingHttpHeaders
  #poster: HttpPoster | null = null

  constructor(config: OtlpHttpConfig, clock: Clock) {
    this.#config = config
    this.#clock = clock
    this.#headers = {
      'user-agent': 'blindspot',
      ...lowerCaseNames(config.headers),
      ...(config.compression !== 'none' && { 'content-encoding': config.compression }),
    }
  }

  async start(): Promise<void> {
    const { tls, sending_queue, max_conns_per_host, max_idle_conns_per_host, disable_keep_alives, idle_conn_timeout } =
      this.#config
    const consumers = sending_queue.enabled ? sending_queue.num_consumers * SIGNALS.length : Number.POSITIVE_INFINITY
    this.#poster = new HttpPoster({
      clock: this.#clock,
      tls: await loadTls(tls),
      maxSockets: max_conns_per_host || consumers,
      maxFreeSockets: max_idle_conns_per_host,
      keepAlive: !disable_keep_alives,
      idleTimeoutMs: idle_conn_timeout,
    })
  }

  async send(request: OutgoingRequest): Promise<SendResult> {
    const url = urlOf(this.#config, request.signal)
    if (url === null) return failed('backend_rejected', `neither endpoint nor ${request.signal}_endpoint is set`, false)
    const type = this.#typeOf(request.signal)
    if (!request.prepared) {
      const encoded = type === JSON_TYPE ? protobufToJson(request.signal, request.bytes) : request.bytes
      if (encoded instanceof Malformed) return failed('malformed_request', encoded.message, false)
      request.prepare(await compress(encoded, this.#config))
    }
    const headers = { ...this.#headers, 'content-type': type }
    return this.#read(await this.#poster!.post(url, headers, request.bytes, this.#config.timeout))
  }

  close(): void {
    this.#poster?.close()
  }

  #typeOf(signal: Signal): string {
    return this.#config.encoding === 'json' && signal !== 'profiles' ? JSON_TYPE : PROTOBUF
  }

  #read(result: HttpResult): SendResult {
    if (result.kind === 'failed')
      return failed(result.reason === 'timeout' ? 'deadline_exceeded' : 'backend_unavailable', result.message, true)
    const { status, headers, body } = result
    const isJson = headers['content-type']?.startsWith(JSON_TYPE) ?? false
    if (status >= 200 && status < 300)
      return { kind: 'sent', partial: partialOf(body, isJson, headers['content-type']) }
    const said = isJson ? readStatusJson(body.toString('utf8')) : readStatus(body)
    return { kind: 'failed', error: errorOf(status, said.message, headers['retry-after'], this.#clock.nowMs()) }
  }
}

function partialOf(body: Buffer, isJson: boolean, contentType: string | undefined): PartialSuccess | null {
  if (isJson) return readPartialSuccessJson(body.toString('utf8'))
  return contentType?.startsWith(PROTOBUF) ? readPartialSuccess(body) : null
}

function failed(code: GatewayError['code'], message: string, retryable: boolean): SendResult {
  return { kind: 'failed', error: new GatewayError(code, message, { retryable }) }
}

/** The signal's own URL, or the endpoint with OTLP's path behind its own. */
export function urlOf(config: OtlpHttpConfig, signal: Signal): URL | null {
  const own = config[`${signal}_endpoint`]
  if (own !== undefined) return new URL(own)
  return config.endpoint === undefined ? null : new URL(config.endpoint.replace(/\/+$/, '') + PATHS[signal])
}

export const factory: ExporterFactory<OtlpHttpConfig> = {
  kind: 'exporter',
  type: 'otlp_http',
  aliases: ['otlphttp'],
  description: 'Sends traces, metrics, logs and profiles to a backend over OTLP/HTTP.',
  signals: SIGNALS,
  config: configSchema,
  create: (settings, config) => new SendingExporter(settings, config, new OtlpHttpSender(config, settings.clock)),
}
