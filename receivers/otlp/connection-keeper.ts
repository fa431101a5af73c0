import { constants, type ServerHttp2Session } from 'node:http2'
import type { Clock, Timer } from '../../component/clock.ts'
import type { GrpcConfig } from './config.ts'

type Keepalive = GrpcConfig['keepalive']

/** Pings that come too soon are forgiven twice, as in grpc-go. */
const FORGIVEN_PINGS = 2
/** While no call is open a client may ping only this often, unless permit_without_stream says otherwise. */
const PINGLESS_MS = 2 * 3_600_000
/** Connections of one start must not all reach their age at once. */
const AGE_JITTER = 0.1

/**
 * The life of one gRPC connection: closed when idle or of age, pinged when silent, sent away when it pings too much.
 * https://pkg.go.dev/google.golang.org/grpc/keepalive has the meaning of every parameter; 0 is never.
 */
export class ConnectionKeeper {
  readonly #session: ServerHttp2Session
  readonly #config: Keepalive
  readonly #clock: Clock
  readonly #timers = new Set<Timer>()
  #idleTimer: Timer | null = null
  #openStreams = 0
  #bytesRead = 0
  #lastPingMs = Number.NEGATIVE_INFINITY
  #strikes = 0

  constructor(session: ServerHttp2Session, config: Keepalive, clock: Clock) {
    this.#session = session
    this.#config = config
    this.#clock = clock
    const { max_connection_age, time } = config.server_parameters
    if (max_connection_age > 0)
      this.#after(max_connection_age * (1 - AGE_JITTER + 2 * AGE_JITTER * Math.random()), () => this.#retire())
    if (time > 0) this.#watchSilence(time)
    this.#startIdle()
    session.on('ping', () => this.#onPing())
    session.on('close', () => this.#end())
  }

  streamOpened(): void {
    this.#openStreams++
    this.#idleTimer?.cancel()
  }

  /** Also forgives pings: what a client sends between answers measures the line, and does not abuse it. */
  streamClosed(): void {
    this.#strikes = 0
    this.#lastPingMs = Number.NEGATIVE_INFINITY
    if (--this.#openStreams === 0) this.#startIdle()
  }

  #startIdle(): void {
    const idleMs = this.#config.server_parameters.max_connection_idle
    if (idleMs > 0 && !this.#session.closed) this.#idleTimer = this.#clock.after(idleMs, () => this.#session.close())
  }

  #retire(): void {
    this.#session.close()
    const graceMs = this.#config.server_parameters.max_connection_age_grace
    if (graceMs > 0) this.#after(graceMs, () => this.#session.destroy())
  }

  #watchSilence(timeMs: number): void {
    this.#after(timeMs, () => {
      // Destroyed, by an unanswered ping, it has no socket any more, though `close` may still be to come.
      if (this.#session.destroyed) return
      const { bytesRead } = this.#session.socket
      if (bytesRead === this.#bytesRead) this.#ping()
      this.#bytesRead = bytesRead
      this.#watchSilence(timeMs)
    })
  }

  #ping(): void {
    const dead = this.#after(this.#config.server_parameters.timeout, () => this.#session.destroy())
    this.#session.ping((error) => {
      if (error === null) dead.cancel()
    })
  }

  #onPing(): void {
    const { min_time, permit_without_stream } = this.#config.enforcement_policy
    const nowMs = this.#clock.nowMs()
    const leastMs = this.#openStreams === 0 && !permit_without_stream ? PINGLESS_MS : min_time
    if (nowMs - this.#lastPingMs < leastMs && ++this.#strikes > FORGIVEN_PINGS) {
      this.#session.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM, 0, Buffer.from('too_many_pings'))
      this.#session.destroy(undefined, constants.NGHTTP2_ENHANCE_YOUR_CALM)
    }
    this.#lastPingMs = nowMs
  }

  #after(delayMs: number, action: () => void): Timer {
    const timer = this.#clock.after(delayMs, () => {
      this.#timers.delete(timer)
      action()
    })
    this.#timers.add(timer)
    return timer
  }

  #end(): void {
    this.#idleTimer?.cancel()
    for (const timer of this.#timers) timer.cancel()
    this.#timers.clear()
  }
}
