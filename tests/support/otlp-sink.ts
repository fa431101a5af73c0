import { createServer as createHttpServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import * as grpc from '@grpc/grpc-js'
import { SIGNALS, type Signal } from '../../component/signal.ts'
import { responseBytes, responseObject, SinkScript, statusBytes } from './sink-answer.ts'

export type { SinkAnswer, SinkRequest } from './sink-answer.ts'

const METHODS = {
  traces: '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
  metrics: '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export',
  logs: '/opentelemetry.proto.collector.logs.v1.LogsService/Export',
  profiles: '/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export',
} as const satisfies Record<Signal, string>

const PATHS: Readonly<Record<string, Signal>> = {
  '/v1/traces': 'traces',
  '/v1/metrics': 'metrics',
  '/v1/logs': 'logs',
  '/v1development/profiles': 'profiles',
}

export interface SinkTls {
  readonly key: Buffer
  readonly cert: Buffer
  /** Asks for a certificate of the client, signed by this. */
  readonly clientCa?: Buffer
}

export interface SinkOptions {
  /** 0, or where left out: any free one. */
  readonly port?: number
  readonly tls?: SinkTls
  /** Requests that are larger are refused, by gRPC itself. */
  readonly messageLimitBytes?: number
}

/**
 * An OTLP backend for tests over gRPC: @grpc/grpc-js, which nobody here wrote, on loopback. It keeps requests as bytes,
 * fails as it is told (`answer`, `answerOnce`) and recovers when told so.
 *
 *     const sink = await OtlpGrpcSink.start()
 *     … send to sink.endpoint …
 *     await sink.taken(1)
 *     decodeRequest('traces', sink.requests[0].bytes)
 *     await sink.stop()
 */
export class OtlpGrpcSink extends SinkScript {
  readonly port: number
  readonly #server: grpc.Server

  private constructor(server: grpc.Server, port: number) {
    super()
    this.#server = server
    this.port = port
  }

  /** `host:port`. */
  get endpoint(): string {
    return `127.0.0.1:${this.port}`
  }

  static async start({ port = 0, tls, messageLimitBytes = 64 * 1024 * 1024 }: SinkOptions = {}): Promise<OtlpGrpcSink> {
    const server = new grpc.Server({
      'grpc.max_receive_message_length': messageLimitBytes,
      'grpc.max_send_message_length': messageLimitBytes,
    })
    let sink: OtlpGrpcSink
    for (const signal of SIGNALS)
      server.addService(serviceOf(signal), {
        Export: (call: Call, callback: Callback) => sink.#serve(signal, call, callback),
      })
    const credentials =
      tls === undefined
        ? grpc.ServerCredentials.createInsecure()
        : grpc.ServerCredentials.createSsl(
            tls.clientCa ?? null,
            [{ private_key: tls.key, cert_chain: tls.cert }],
            tls.clientCa !== undefined,
          )
    const bound = await new Promise<number>((resolve, reject) =>
      server.bindAsync(`127.0.0.1:${port}`, credentials, (error, p) => (error ? reject(error) : resolve(p))),
    )
    sink = new OtlpGrpcSink(server, bound)
    return sink
  }

  /** Closes at once: open calls are cut off. */
  async stop(): Promise<void> {
    this.#server.forceShutdown()
  }

  /** Takes no new call, lets the open ones end (GOAWAY), then closes. */
  drain(): Promise<void> {
    return new Promise((resolve) => this.#server.tryShutdown(() => resolve()))
  }

  #serve(signal: Signal, call: Call, callback: Callback): void {
    const headers = Object.fromEntries(Object.entries(call.metadata.getMap()).map(([k, v]) => [k, String(v)]))
    const answer = this.take({ signal, bytes: call.request, headers })
    switch (answer.kind) {
      case 'accept':
      case 'partial':
        callback(null, Buffer.from(responseBytes(signal, answer)))
        return
      case 'fail': {
        const metadata = new grpc.Metadata()
        if (answer.retryAfterMs !== undefined) metadata.set('grpc-status-details-bin', Buffer.from(statusBytes(answer)))
        callback({ code: answer.code, details: answer.message, metadata })
        return
      }
      case 'hang':
    }
  }
}

type Call = grpc.ServerUnaryCall<Buffer, Buffer>
type Callback = grpc.sendUnaryData<Buffer>

const identity = (bytes: Buffer) => bytes

function serviceOf(signal: Signal): grpc.ServiceDefinition {
  return {
    Export: {
      path: METHODS[signal],
      requestStream: false,
      responseStream: false,
      requestSerialize: identity,
      requestDeserialize: identity,
      responseSerialize: identity,
      responseDeserialize: identity,
    },
  }
}

/** The same over OTLP/HTTP on node:http; `fail` answers with `code` as the HTTP status and Retry-After in whole seconds. */
export class OtlpHttpSink extends SinkScript {
  readonly port: number
  /** Connections that came, closed ones too. */
  connections = 0
  readonly #scheme: string
  readonly #server: Server

  private constructor(server: Server, scheme: string) {
    super()
    this.#server = server
    this.#scheme = scheme
    this.port = (server.address() as AddressInfo).port
    server.on('connection', () => this.connections++)
  }

  /** `http://host:port`, without a path. */
  get endpoint(): string {
    return `${this.#scheme}://127.0.0.1:${this.port}`
  }

  static async start({ port = 0, tls }: SinkOptions = {}): Promise<OtlpHttpSink> {
    let sink: OtlpHttpSink
    const listener: RequestListener = (request, response) => void sink.#serve(request, response)
    const server =
      tls === undefined
        ? createHttpServer(listener)
        : createHttpsServer(
            { ...tls, ...(tls.clientCa && { ca: tls.clientCa, requestCert: true, rejectUnauthorized: true }) },
            listener,
          )
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, '127.0.0.1', resolve)
    })
    sink = new OtlpHttpSink(server, tls === undefined ? 'http' : 'https')
    return sink
  }

  /** Closes at once: open calls are cut off. */
  stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#server.closeAllConnections()
    return closed
  }

  /** Closes the connections that carry no request now. */
  closeIdle(): void {
    this.#server.closeIdleConnections()
  }

  async #serve(...[request, response]: Parameters<RequestListener>): Promise<void> {
    const body = await buffer(request)
    const signal = PATHS[request.url ?? '']
    if (signal === undefined || request.method !== 'POST') {
      response.writeHead(404).end()
      return
    }
    const headers = Object.fromEntries(Object.entries(request.headers).map(([k, v]) => [k, String(v)]))
    const answer = this.take({ signal, bytes: decompressed(request, body), headers })
    const contentType = request.headers['content-type'] ?? ''
    const json = contentType === 'application/json'
    switch (answer.kind) {
      case 'accept':
      case 'partial':
        response
          .writeHead(200, { 'content-type': contentType })
          .end(json ? JSON.stringify(responseObject(signal, answer)) : responseBytes(signal, answer))
        return
      case 'fail': {
        const { retryAfterMs, message } = answer
        const retryAfter = retryAfterMs === undefined ? {} : { 'retry-after': String(Math.ceil(retryAfterMs / 1000)) }
        response
          .writeHead(answer.code, { 'content-type': contentType, ...retryAfter })
          .end(json ? JSON.stringify({ code: 0, message }) : statusBytes({ kind: 'fail', code: 0, message }))
        return
      }
      case 'hang':
    }
  }
}

function decompressed(request: IncomingMessage, body: Buffer): Uint8Array {
  switch (request.headers['content-encoding'] ?? 'identity') {
    case 'identity':
      return body
    case 'gzip':
      return gunzipSync(body)
    case 'zstd':
      return zstdDecompressSync(body)
    default:
      throw new Error(`the sink does not decompress ${request.headers['content-encoding']}`)
  }
}
