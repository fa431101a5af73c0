import type { Component, NextBySignal, ReceiverFactory, ReceiverSettings } from '../../component/component.ts'
import { SIGNALS } from '../../component/signal.ts'
import { configSchema, type OtlpReceiverConfig } from './config.ts'
import { GrpcServer } from './grpc-server.ts'
import { HttpServer } from './http-server.ts'
import { Intake } from './intake.ts'
import { Listener } from './listener.ts'

/** Takes OTLP over gRPC and HTTP. Both protocols share one intake; each has its own port. */
export class OtlpReceiver implements Component {
  readonly #settings: ReceiverSettings
  readonly #listeners: Listener[] = []
  /** Keys that the user has set and that change nothing. */
  readonly #withoutEffect: readonly string[]

  constructor(settings: ReceiverSettings, config: OtlpReceiverConfig, next: NextBySignal) {
    this.#settings = settings
    const intake = new Intake(settings, next)
    const { grpc, http } = config.protocols
    this.#withoutEffect = [
      ...(grpc?.read_buffer_size === undefined ? [] : ['grpc.read_buffer_size']),
      ...(grpc?.write_buffer_size === undefined ? [] : ['grpc.write_buffer_size']),
      ...(http === undefined || http.write_timeout === 0 ? [] : ['http.write_timeout']),
    ]
    if (grpc !== undefined) this.#listeners.push(new Listener('grpc', grpc, new GrpcServer(intake, grpc), settings))
    if (http !== undefined) this.#listeners.push(new Listener('http', http, new HttpServer(intake, http), settings))
  }

  /** `host:port` of each protocol, once started; with port 0 in the configuration the one that the system chose. */
  get addresses(): ReadonlyMap<string, string> {
    return new Map(this.#listeners.map((listener) => [listener.protocol, listener.address]))
  }

  async start(): Promise<void> {
    for (const key of this.#withoutEffect)
      this.#settings.logger.warn(`protocols.${key} is accepted for compatibility and has no effect`)
    try {
      for (const listener of this.#listeners) {
        await listener.start()
        this.#settings.logger.info(`listening for OTLP over ${listener.protocol} on ${listener.address}`)
      }
    } catch (error) {
      await this.stop(this.#settings.clock.nowMs())
      throw error
    }
  }

  async stop(deadlineMs: number): Promise<void> {
    await Promise.all(this.#listeners.map((listener) => listener.stop(deadlineMs)))
  }
}

export const factory: ReceiverFactory<OtlpReceiverConfig> = {
  kind: 'receiver',
  type: 'otlp',
  aliases: [],
  description: 'Receives traces, metrics, logs and profiles over OTLP: gRPC, and HTTP with protobuf or JSON.',
  signals: SIGNALS,
  config: configSchema,
  create: (settings, config, next) => new OtlpReceiver(settings, config, next),
}
