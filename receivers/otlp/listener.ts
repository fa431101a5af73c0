import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import type { AddressInfo, Server } from 'node:net'
import type { Settings } from '../../component/component.ts'
import { GatewayError } from '../../component/errors.ts'
import { parseEndpoint } from './config-parts.ts'

export interface ListenConfig {
  readonly endpoint: string
  readonly transport: 'tcp' | 'tcp4' | 'tcp6' | 'unix'
}

/** A protocol on a port: what has to listen, and how it ends. */
export interface ProtocolServer {
  readonly server: Server
  stop(deadlineMs: number): Promise<void>
}

const FAMILIES = { tcp: 0, tcp4: 4, tcp6: 6 } as const

/** Binds a protocol's server to its endpoint. */
export class Listener {
  readonly protocol: 'grpc' | 'http'
  readonly #config: ListenConfig
  readonly #protocolServer: ProtocolServer
  readonly #settings: Settings
  #started = false

  constructor(protocol: 'grpc' | 'http', config: ListenConfig, protocolServer: ProtocolServer, settings: Settings) {
    this.protocol = protocol
    this.#config = config
    this.#protocolServer = protocolServer
    this.#settings = settings
  }

  /** `host:port` or the path of the socket; the configured endpoint while it is not listening. */
  get address(): string {
    const address = this.#protocolServer.server.address() as AddressInfo | string | null
    if (address === null) return this.#config.endpoint
    if (typeof address === 'string') return address
    return address.family === 'IPv6' ? `[${address.address}]:${address.port}` : `${address.address}:${address.port}`
  }

  async start(): Promise<void> {
    const { server } = this.#protocolServer
    try {
      server.listen(await this.#listenOptions())
      await once(server, 'listening')
    } catch (error) {
      throw new GatewayError('start_failed', this.#explain(error as NodeJS.ErrnoException), {
        retryable: false,
        cause: error,
      })
    }
    this.#started = true
    // Out of file descriptors, say: one connection is lost, the port stays open.
    server.on('error', (error) => this.#settings.logger.error(`the ${this.protocol} port failed`, { error }))
  }

  async stop(deadlineMs: number): Promise<void> {
    if (this.#started) await this.#protocolServer.stop(deadlineMs)
    this.#started = false
  }

  async #listenOptions() {
    const { endpoint, transport } = this.#config
    if (transport === 'unix') return { path: endpoint }
    const address = parseEndpoint(endpoint)
    if (address === null) throw new Error('a path needs transport: unix')
    const { host, port } = address
    if (host === '') return { host: transport === 'tcp4' ? '0.0.0.0' : '::', port, ipv6Only: transport === 'tcp6' }
    // `localhost` is 127.0.0.1 first, as for the Collector: senders that name that address must find us.
    const resolved = await lookup(host, { family: FAMILIES[transport], order: 'ipv4first' })
    return { host: resolved.address, port }
  }

  #explain(error: NodeJS.ErrnoException): string {
    const where = `${this.#settings.id} cannot listen for ${this.protocol} on ${this.#config.endpoint}`
    if (error.code === 'EADDRINUSE')
      return `${where}: the port is taken; stop the other program or set protocols.${this.protocol}.endpoint`
    if (error.code === 'EACCES') return `${where}: not permitted; ports below 1024 need rights, choose a higher one`
    return `${where}: ${error.message}`
  }
}
