import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import type { AddressInfo, Server, Socket } from 'node:net'
import { type TlsOptions, Server as TlsServer } from 'node:tls'
import type { Timer } from '../../component/clock.ts'
import type { Settings } from '../../component/component.ts'
import { GatewayError } from '../../component/errors.ts'
import { parseEndpoint, type TlsConfig } from './config-parts.ts'
import { readTls } from './tls.ts'

export type Protocol = 'grpc' | 'http'

export interface ListenConfig {
  readonly endpoint: string
  readonly transport: 'tcp' | 'tcp4' | 'tcp6' | 'unix'
  readonly tls?: TlsConfig | undefined
}

/** What serves the connections of a port. */
export interface ProtocolServer {
  /** Makes the server that is to listen. */
  open(tls: TlsOptions | null): Server
  /** Begins no further request, and closes each connection when its last one is answered. */
  drain(): void
}

const FAMILIES = { tcp: 0, tcp4: 4, tcp6: 6 } as const

/** A protocol on its port: binds it, renews its certificate, and takes it down in order. */
export class Listener {
  readonly protocol: Protocol
  readonly #config: ListenConfig
  readonly #protocolServer: ProtocolServer
  readonly #settings: Settings
  readonly #sockets = new Set<Socket>()
  #server: Server | null = null
  #reload: Timer | null = null

  constructor(protocol: Protocol, config: ListenConfig, protocolServer: ProtocolServer, settings: Settings) {
    this.protocol = protocol
    this.#config = config
    this.#protocolServer = protocolServer
    this.#settings = settings
  }

  /** `host:port` or the path of the socket; the configured endpoint while it is not listening. */
  get address(): string {
    const address = this.#server?.address() as AddressInfo | string | null | undefined
    if (address === null || address === undefined) return this.#config.endpoint
    if (typeof address === 'string') return address
    return address.family === 'IPv6' ? `[${address.address}]:${address.port}` : `${address.address}:${address.port}`
  }

  async start(): Promise<void> {
    const { tls } = this.#config
    try {
      const server = this.#protocolServer.open(tls === undefined ? null : await readTls(tls))
      server.listen(await this.#listenOptions())
      await once(server, 'listening')
      this.#server = server
    } catch (error) {
      throw new GatewayError('start_failed', this.#explain(error as NodeJS.ErrnoException), {
        retryable: false,
        cause: error,
      })
    }
    // Out of file descriptors, say: one connection is lost, the port stays open.
    this.#server.on('error', (error) => this.#settings.logger.error(`the ${this.protocol} port failed`, { error }))
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
    })
    if (tls !== undefined && tls.reload_interval > 0)
      this.#reload = this.#settings.clock.every(tls.reload_interval, () => this.#renewCertificate(tls))
  }

  /** No new connections; what is under way has until `deadlineMs` and is then cut off. */
  async stop(deadlineMs: number): Promise<void> {
    const server = this.#server
    if (server === null) return
    this.#server = null
    this.#reload?.cancel()
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    this.#protocolServer.drain()
    const { clock } = this.#settings
    const timer = clock.after(deadlineMs - clock.nowMs(), () => {
      for (const socket of this.#sockets) socket.destroy()
    })
    await closed
    timer.cancel()
  }

  async #renewCertificate(config: TlsConfig): Promise<void> {
    try {
      const tls = await readTls(config)
      if (this.#server instanceof TlsServer) this.#server.setSecureContext(tls)
    } catch (error) {
      this.#settings.logger.warn(`the ${this.protocol} port keeps its certificate: the new one cannot be read`, {
        error,
      })
    }
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
