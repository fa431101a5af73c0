import type { ExporterFactory } from '../../component/component.ts'
import { SIGNALS, type Signal } from '../../component/signal.ts'
import { type CompressionConfig, compress } from '../sending/compress.ts'
import { lowerCaseNames } from '../sending/headers.ts'
import { readPartialSuccess } from '../sending/otlp-answer.ts'
import type { OutgoingRequest } from '../sending/outgoing.ts'
import type { Sender, SendResult } from '../sending/sender.ts'
import { SendingExporter } from '../sending/sending-exporter.ts'
import { loadTls } from '../sending/tls.ts'
import { configSchema, type OtlpGrpcConfig } from './config.ts'
import { authorityOf, parseGrpcEndpoint } from './endpoint.ts'
import { errorOf, Status } from './grpc-status.ts'
import { addressesOf, Http2Client, type Http2ClientParts } from './http2-client.ts'
import type { UnaryClient } from './unary-client.ts'

const PATHS = {
  traces: '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
  metrics: '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export',
  logs: '/opentelemetry.proto.collector.logs.v1.LogsService/Export',
  profiles: '/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export',
} as const satisfies Record<Signal, string>

/** OTLP over gRPC: turns requests into calls and statuses into results. */
export class OtlpGrpcSender implements Sender {
  readonly #connect: () => Promise<UnaryClient>
  readonly #config: Pick<OtlpGrpcConfig, 'timeout'> & CompressionConfig
  #client: UnaryClient | null = null

  constructor(connect: () => Promise<UnaryClient>, config: Pick<OtlpGrpcConfig, 'timeout'> & CompressionConfig) {
    this.#connect = connect
    this.#config = config
  }

  async start(): Promise<void> {
    this.#client = await this.#connect()
  }

  async send(request: OutgoingRequest): Promise<SendResult> {
    if (!request.prepared) request.prepare(await compress(request.bytes, this.#config))
    const result = await this.#client!.call(PATHS[request.signal], request.bytes, this.#config.timeout)
    if (result.code === Status.OK) return { kind: 'sent', partial: readPartialSuccess(result.response) }
    return { kind: 'failed', error: errorOf(result) }
  }

  close(): void {
    this.#client?.close()
  }
}

type ClientSettings = Pick<Http2ClientParts, 'clock' | 'random'> & Partial<Pick<Http2ClientParts, 'resolve'>>

/** Reads the files that the configuration names; connects when the first call comes. */
export async function createClient(config: OtlpGrpcConfig, settings: ClientSettings): Promise<UnaryClient> {
  const { host, port, secure } = parseGrpcEndpoint(config.endpoint)!
  const { server_name_override } = config.tls
  return new Http2Client({
    clock: settings.clock,
    random: settings.random,
    host,
    port,
    tls: (secure ?? !config.tls.insecure) ? await loadTls(config.tls) : null,
    authority:
      config.authority || (server_name_override && authorityOf(server_name_override, port)) || authorityOf(host, port),
    userAgent: config.user_agent || 'blindspot',
    headers: lowerCaseNames(config.headers),
    compression: config.compression,
    waitForReady: config.wait_for_ready,
    balancer: config.balancer_name,
    resolve: settings.resolve ?? addressesOf,
    keepalive: config.keepalive,
  })
}

export const factory: ExporterFactory<OtlpGrpcConfig> = {
  kind: 'exporter',
  type: 'otlp_grpc',
  aliases: ['otlp'],
  description: 'Sends traces, metrics, logs and profiles to a backend over OTLP/gRPC.',
  signals: SIGNALS,
  config: configSchema,
  create(settings, config) {
    const connect = () => createClient(config, { clock: settings.clock, random: Math.random })
    return new SendingExporter(settings, config, new OtlpGrpcSender(connect, config))
  },
}
