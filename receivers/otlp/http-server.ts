import http from 'node:http'
import http2, { type ServerHttp2Session } from 'node:http2'
import type { Server, Socket } from 'node:net'
import type { TlsOptions } from 'node:tls'
import { SIGNALS, type Signal } from '../../component/signal.ts'
import type { HttpConfig } from './config.ts'
import { Cors } from './cors.ts'
import { HttpExchange } from './http-exchange.ts'
import { answerText, type Request, type Response } from './http-message.ts'
import { Http2Sessions, http2Options } from './http2-sessions.ts'
import type { Intake } from './intake.ts'
import type { ProtocolServer } from './listener.ts'
import { type FirstBytes, sniffProtocol } from './protocol-sniffer.ts'

/** As many requests at once on one HTTP/2 connection. */
const MAX_STREAMS = 250
const DEFAULT_LIMIT_BYTES = 64 * 1024 * 1024

/** OTLP over HTTP/1.1 and HTTP/2 on one port: without TLS the first bytes of a connection tell, with TLS its ALPN. */
export class HttpServer implements ProtocolServer {
  readonly #intake: Intake
  readonly #config: HttpConfig
  readonly #limitBytes: number
  readonly #cors: Cors | null
  readonly #paths: ReadonlyMap<string, Signal>
  readonly #sessions = new Http2Sessions()
  readonly #undecided = new Set<Socket>()
  readonly #unanswered = new Set<Response>()
  #stopping = false

  constructor(intake: Intake, config: HttpConfig) {
    this.#intake = intake
    this.#config = config
    this.#limitBytes = config.max_request_body_size || DEFAULT_LIMIT_BYTES
    this.#cors = config.cors === undefined ? null : new Cors(config.cors)
    const paths: Record<Signal, string> = {
      traces: config.traces_url_path,
      metrics: config.metrics_url_path,
      logs: config.logs_url_path,
      profiles: config.profiles_url_path,
    }
    this.#paths = new Map(SIGNALS.filter((s) => intake.serves(s)).map((signal) => [paths[signal], signal]))
  }

  open(tls: TlsOptions | null): Server {
    const onRequest = (request: Request, response: Response) => this.#onRequest(request, response)
    return tls === null ? this.#openPlain(onRequest) : this.#openSecure(tls, onRequest)
  }

  /**
   * The HTTP/1.1 server owns the port, so that its timeouts and its closing work; each connection is looked at before it
   * or the HTTP/2 server takes it over.
   */
  #openPlain(onRequest: (request: Request, response: Response) => void): Server {
    const http1 = http.createServer(this.#http1Options(), onRequest)
    const http2Server = http2.createServer(http2Options(MAX_STREAMS), onRequest)
    http2Server.on('session', (session: ServerHttp2Session) => this.#sessions.add(session))
    const serveHttp1 = http1.listeners('connection')[0] as (this: http.Server, socket: Socket) => void
    http1.removeAllListeners('connection')
    http1.on('connection', (socket: Socket) => {
      this.#undecided.add(socket)
      sniffProtocol(socket, this.#config.read_header_timeout, (protocol: FirstBytes) => {
        this.#undecided.delete(socket)
        if (protocol === 'http2') {
          // Sockets of an HTTP/1.1 server stay open when the other side has ended; those of HTTP/2 end with it.
          socket.allowHalfOpen = false
          http2Server.emit('connection', socket)
        } else if (protocol === 'http1') serveHttp1.call(http1, socket)
      })
    })
    return http1
  }

  #openSecure(tls: TlsOptions, onRequest: (request: Request, response: Response) => void): Server {
    const options = { ...http2Options(MAX_STREAMS), ...this.#http1Options(), ...tls, allowHTTP1: true }
    const server = http2.createSecureServer(options, onRequest)
    server.on('session', (session: ServerHttp2Session) => this.#sessions.add(session))
    return server
  }

  #http1Options(): http.ServerOptions {
    const { idle_timeout, read_timeout, read_header_timeout } = this.#config
    return {
      keepAliveTimeout: idle_timeout,
      requestTimeout: read_timeout,
      // Node wants the first to be no longer than the second.
      headersTimeout: read_timeout === 0 ? read_header_timeout : Math.min(read_header_timeout, read_timeout),
    }
  }

  drain(): void {
    this.#stopping = true
    for (const socket of this.#undecided) socket.destroy()
    for (const response of this.#unanswered) if (!response.headersSent) response.setHeader('connection', 'close')
    this.#sessions.close()
  }

  #onRequest(request: Request, response: Response): void {
    for (const name of Object.keys(this.#config.response_headers))
      response.setHeader(name, this.#config.response_headers[name]!)
    if (request.httpVersionMajor === 1) {
      this.#unanswered.add(response)
      response.on('close', () => this.#unanswered.delete(response))
      if (this.#stopping || !this.#config.keep_alives_enabled) response.setHeader('connection', 'close')
    }
    if (this.#cors?.handle(request, response)) return
    const path = request.url!.split('?', 1)[0]!
    const signal = this.#paths.get(path)
    if (signal === undefined) answerText(response, 404, '404 page not found')
    else if (request.method !== 'POST') {
      response.setHeader('allow', 'POST')
      answerText(response, 405, '405 method not allowed, supported: [POST]')
    } else new HttpExchange(request, response, this.#intake, signal, this.#limitBytes, this.#config)
  }
}
