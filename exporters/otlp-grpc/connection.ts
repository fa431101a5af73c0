import { type ClientHttp2Session, type ClientHttp2Stream, connect, type OutgoingHttpHeaders } from 'node:http2'
import { isIP, type Socket } from 'node:net'
import type { ConnectionOptions } from 'node:tls'
import type { Clock, Timer } from '../../component/clock.ts'
import { authorityOf } from './endpoint.ts'

/**
 * Waits between attempts to connect, from gRPC's connection backoff: 1 s, then 1.6 times longer each time, up to 120 s,
 * ±20 % (https://github.com/grpc/grpc/blob/master/doc/connection-backoff.md). An attempt may take 20 s.
 */
const CONNECT = { firstMs: 1000, factor: 1.6, maxMs: 120_000, jitter: 0.2, timeoutMs: 20_000 }

/** Of Node's HTTP/2, in MB, per connection; it covers bodies on their way, which the byte budget bounds already. */
const SESSION_MEMORY_MB = 4096

export interface ConnectionParts {
  readonly clock: Clock
  readonly random: () => number
  /** Null is plain text. */
  readonly tls: ConnectionOptions | null
  readonly keepalive: { readonly time: number; readonly timeout: number; readonly permit_without_stream: boolean }
}

/** One HTTP/2 connection to one address: made when it is first needed, and again after it was lost. */
export class Connection {
  readonly address: string
  lastError = 'not connected yet'
  readonly #host: string
  readonly #port: number
  readonly #parts: ConnectionParts
  #session: ClientHttp2Session | null = null
  #connecting: Promise<void> | null = null
  #abortConnect: (() => void) | null = null
  #failures = 0
  #retryAtMs = 0
  #openCalls = 0

  /** `host` is what the certificate is checked against, `address` where it is reached. */
  constructor(host: string, address: string, port: number, parts: ConnectionParts) {
    this.#host = host
    this.address = address
    this.#port = port
    this.#parts = parts
  }

  /** Whether it takes calls now. */
  get ready(): boolean {
    return this.#session !== null
  }

  /** Opens the stream of a call; null where the connection takes none any more. Node holds back what is beyond the peer's limit of streams. */
  open(headers: OutgoingHttpHeaders): ClientHttp2Stream | null {
    const session = this.#session
    if (session === null || session.closed || session.destroyed) return null
    const stream = session.request(headers)
    this.#openCalls++
    stream.on('close', () => this.#openCalls--)
    return stream
  }

  /** After a failed attempt: when the next one is allowed. */
  get retryAtMs(): number {
    return this.#retryAtMs
  }

  /** Resolves when the attempt is over, well or badly; at once where none is allowed yet. */
  connect(): Promise<void> {
    if (this.#session !== null || this.#parts.clock.nowMs() < this.#retryAtMs) return Promise.resolve()
    this.#connecting ??= this.#attempt().finally(() => {
      this.#connecting = null
    })
    return this.#connecting
  }

  /** Lets the calls that are open end; takes no new ones. */
  retire(): void {
    this.#abortConnect?.()
    this.#session?.close()
    this.#session = null
  }

  destroy(): void {
    this.#abortConnect?.()
    this.#session?.destroy()
    this.#session = null
  }

  #attempt(): Promise<void> {
    const { clock, tls } = this.#parts
    const session = connect(`${tls === null ? 'http' : 'https'}://${authorityOf(this.address, this.#port)}`, {
      settings: { enablePush: false },
      maxSessionMemory: SESSION_MEMORY_MB,
      ...(tls !== null && { ALPNProtocols: ['h2'], ...this.#serverName(), ...tls }),
    })
    return new Promise((resolve) => {
      let ready = false
      let error: Error | null = null
      const give = (message: string) => {
        error = new Error(message)
        session.destroy()
      }
      const timer = clock.after(CONNECT.timeoutMs, () => give(`no connection within ${CONNECT.timeoutMs} ms`))
      this.#abortConnect = () => give('the exporter is shutting down')
      session.on('error', (cause: Error) => {
        error ??= cause
      })
      session.on('connect', (_session, socket) => {
        // The peer's settings are the first thing that proves that it speaks HTTP/2.
        session.once('remoteSettings', () => {
          ready = true
          timer.cancel()
          this.#abortConnect = null
          this.#opened(session, socket as Socket)
          resolve()
        })
      })
      session.on('goaway', () => this.#forget(session))
      session.on('close', () => {
        timer.cancel()
        this.#forget(session)
        if (ready) return
        this.#abortConnect = null
        this.#failed(error?.message ?? 'the connection was closed before HTTP/2 began; is that a gRPC endpoint?')
        resolve()
      })
    })
  }

  #serverName(): ConnectionOptions {
    return isIP(this.#host) === 0 ? { servername: this.#host } : {}
  }

  #opened(session: ClientHttp2Session, socket: Socket): void {
    this.#session = session
    this.#failures = 0
    this.#retryAtMs = 0
    const keepalive = this.#keepAlive(session, socket)
    session.on('close', () => keepalive?.cancel())
  }

  #forget(session: ClientHttp2Session): void {
    if (this.#session === session) this.#session = null
  }

  #failed(message: string): void {
    const { clock, random } = this.#parts
    const waitMs = Math.min(CONNECT.firstMs * CONNECT.factor ** this.#failures++, CONNECT.maxMs)
    this.#retryAtMs = clock.nowMs() + waitMs * (1 - CONNECT.jitter + 2 * CONNECT.jitter * random())
    this.lastError = message
  }

  /** Pings when nothing came for `time`; a ping without answer within `timeout` ends the connection. */
  #keepAlive(session: ClientHttp2Session, socket: Socket): Timer | null {
    const { clock, keepalive } = this.#parts
    if (keepalive.time === 0) return null
    let bytesRead = socket.bytesRead
    let outstanding = false
    return clock.every(keepalive.time, () => {
      const quiet = socket.bytesRead === bytesRead
      bytesRead = socket.bytesRead
      const wanted = this.#openCalls > 0 || keepalive.permit_without_stream
      if (!quiet || !wanted || outstanding) return
      outstanding = true
      const dead = clock.after(keepalive.timeout, () => session.destroy())
      session.ping(() => {
        outstanding = false
        dead.cancel()
      })
    })
  }
}
