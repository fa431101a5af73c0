import { lookup } from 'node:dns/promises'
import type { OutgoingHttpHeaders } from 'node:http2'
import { isIP } from 'node:net'
import { Connection, type ConnectionParts } from './connection.ts'
import { failure, Status } from './grpc-status.ts'
import { UnaryCall } from './unary-call.ts'
import type { GrpcResult, UnaryClient } from './unary-client.ts'

/** A name is looked up again at most so often, and only after a connection failed, as in grpc-go. */
const RESOLVE_INTERVAL_MS = 30_000

export interface Http2ClientParts extends ConnectionParts {
  readonly host: string
  readonly port: number
  readonly authority: string
  readonly userAgent: string
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly compression: 'gzip' | 'zstd' | 'none'
  readonly waitForReady: boolean
  readonly balancer: 'round_robin' | 'pick_first'
  /** The addresses of a name; rejects where there are none. */
  readonly resolve: (host: string) => Promise<readonly string[]>
}

/**
 * A gRPC client for unary calls on node:http2. It connects when the first call comes and again after a connection is
 * lost. While a connection is being made calls wait; while it is in backoff they fail at once with UNAVAILABLE (or wait
 * for it, with `waitForReady`). A call that the peer refused without looking at it is sent once more, unnoticed.
 */
export class Http2Client implements UnaryClient {
  readonly #parts: Http2ClientParts
  readonly #headers: OutgoingHttpHeaders
  readonly #calls = new Set<UnaryCall>()
  #connections: readonly Connection[] = []
  #resolvedAtMs = Number.NEGATIVE_INFINITY
  #connecting: Promise<void> | null = null
  #turn = 0
  #lastError = 'not connected yet'
  #closed = false

  constructor(parts: Http2ClientParts) {
    this.#parts = parts
    this.#headers = {
      ...metadata(parts.headers),
      ':method': 'POST',
      ':scheme': parts.tls === null ? 'http' : 'https',
      ':authority': parts.authority,
      'content-type': 'application/grpc',
      te: 'trailers',
      'user-agent': parts.userAgent,
      ...(parts.compression !== 'none' && { 'grpc-encoding': parts.compression }),
    }
  }

  call(path: string, message: Uint8Array, timeoutMs: number): Promise<GrpcResult> {
    const call = new UnaryCall(this.#parts.clock, timeoutMs)
    this.#calls.add(call)
    const headers: OutgoingHttpHeaders = { ...this.#headers, ':path': path }
    if (timeoutMs > 0) headers['grpc-timeout'] = grpcTimeout(timeoutMs)
    void this.#place(call, headers, message, true)
    return call.result.finally(() => this.#calls.delete(call))
  }

  close(): void {
    this.#closed = true
    for (const call of this.#calls) call.settle(failure(Status.CANCELLED, 'the exporter is shutting down'))
    for (const connection of this.#connections) connection.destroy()
  }

  async #place(call: UnaryCall, headers: OutgoingHttpHeaders, message: Uint8Array, mayRepeat: boolean): Promise<void> {
    for (;;) {
      const connection = this.#next() ?? (await this.#connected(call))
      if (call.settled) return
      if (connection === null) return call.settle(failure(Status.UNAVAILABLE, `no connection: ${this.#lastError}`))
      const stream = connection.open(headers)
      if (stream === null) continue
      const repeat = mayRepeat ? () => void this.#place(call, headers, message, false) : null
      return call.run(stream, message, this.#parts.compression !== 'none', repeat)
    }
  }

  /** The next connection that is ready, in turn; others that are lost are made anew meanwhile. */
  #next(): Connection | null {
    const connections = this.#connections
    let found: Connection | null = null
    for (let i = 0; i < connections.length; i++) {
      const connection = connections[(this.#turn + i) % connections.length]!
      if (connection.ready) found ??= connection
      else if (this.#parts.balancer === 'round_robin') void connection.connect()
    }
    this.#turn = (this.#turn + 1) % Math.max(1, connections.length)
    return found
  }

  /** A connection when there is one, or null when there is none for now and the call should not wait for it. */
  async #connected(call: UnaryCall): Promise<Connection | null> {
    while (!call.settled && !this.#closed) {
      this.#connecting ??= this.#connect().finally(() => {
        this.#connecting = null
      })
      await this.#connecting
      const connection = this.#next()
      if (connection !== null || !this.#parts.waitForReady) return connection
      await this.#untilRetry()
    }
    return null
  }

  /** Over when one connection is ready, or all have failed. */
  async #connect(): Promise<void> {
    await this.#resolve()
    const connections = this.#connections
    if (this.#parts.balancer === 'pick_first') {
      for (const connection of connections) {
        await connection.connect()
        if (connection.ready) return
      }
    } else await Promise.any(connections.map(connectOrThrow)).catch(() => {})
    if (connections.length > 0) this.#lastError = connections.map((c) => `${c.address}: ${c.lastError}`).join('; ')
  }

  /** Looks the name up when nothing is connected, and keeps the connections whose address is still there. */
  async #resolve(): Promise<void> {
    const { host, port, clock } = this.#parts
    const nowMs = clock.nowMs()
    if (this.#connections.length > 0 && (isIP(host) !== 0 || nowMs < this.#resolvedAtMs + RESOLVE_INTERVAL_MS)) return
    const addresses = await this.#parts.resolve(host).catch((error: Error) => {
      this.#lastError = error.message
      return null
    })
    if (addresses === null || this.#closed) return
    this.#resolvedAtMs = nowMs
    const kept = new Map(this.#connections.map((connection) => [connection.address, connection]))
    this.#connections = addresses.map(
      (address) => kept.get(address) ?? new Connection(host, address, port, this.#parts),
    )
    for (const [address, connection] of kept) if (!addresses.includes(address)) connection.retire()
  }

  #untilRetry(): Promise<void> {
    const { clock } = this.#parts
    const retryAtMs = Math.min(...this.#connections.map((connection) => connection.retryAtMs))
    const waitMs = Number.isFinite(retryAtMs) ? Math.max(1, retryAtMs - clock.nowMs()) : 1000
    return new Promise((resolve) => clock.after(waitMs, resolve))
  }
}

/** By the system's resolver; an address is its own. */
export async function addressesOf(host: string): Promise<readonly string[]> {
  if (isIP(host) !== 0) return [host]
  return [...new Set((await lookup(host, { all: true })).map(({ address }) => address))]
}

async function connectOrThrow(connection: Connection): Promise<void> {
  await connection.connect()
  if (!connection.ready) throw new Error(connection.lastError)
}

/** Keys that end in -bin carry bytes, in base64. */
function metadata(headers: Readonly<Record<string, string>>): Record<string, string> {
  const encode = (name: string, value: string) =>
    name.endsWith('-bin') ? Buffer.from(value, 'utf8').toString('base64') : value
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, encode(name, value)]))
}

/** At most eight digits and a unit. */
export function grpcTimeout(timeoutMs: number): string {
  const ms = Math.max(1, Math.ceil(timeoutMs))
  return ms < 1e8 ? `${ms}m` : `${Math.min(99_999_999, Math.ceil(ms / 1000))}S`
}
