import http2, {
  type Http2Session,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import type { Server } from 'node:net'
import type { TlsOptions } from 'node:tls'
import type { Signal } from '../../component/signal.ts'
import { GrpcCode } from '../../component/status.ts'
import type { GrpcConfig } from './config.ts'
import { ConnectionKeeper } from './connection-keeper.ts'
import { codingOf } from './decompress.ts'
import { failStream, GrpcCall } from './grpc-call.ts'
import { isGrpcContentType, parseGrpcTimeoutMs } from './grpc-headers.ts'
import { type GrpcStatus, grpcStatus } from './grpc-message.ts'
import { Http2Sessions, http2Options } from './http2-sessions.ts'
import type { Intake } from './intake.ts'
import type { ProtocolServer } from './listener.ts'
import { exportPaths } from './services.ts'

const MIB = 1024 * 1024

/** Unary gRPC on node:http2: everything between a connection and a GrpcCall. */
export class GrpcServer implements ProtocolServer {
  readonly #intake: Intake
  readonly #config: GrpcConfig
  readonly #paths: ReadonlyMap<string, Signal>
  readonly #sessions = new Http2Sessions()
  readonly #keepers = new WeakMap<Http2Session, ConnectionKeeper>()

  constructor(intake: Intake, config: GrpcConfig) {
    this.#intake = intake
    this.#config = config
    this.#paths = exportPaths((signal) => intake.serves(signal))
  }

  open(tls: TlsOptions | null): Server {
    const options = http2Options(this.#config.max_concurrent_streams)
    const server = tls === null ? http2.createServer(options) : http2.createSecureServer({ ...options, ...tls })
    server.on('session', (session: ServerHttp2Session) => {
      this.#sessions.add(session)
      this.#keepers.set(session, new ConnectionKeeper(session, this.#config.keepalive, this.#intake.settings.clock))
    })
    server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => this.#onStream(stream, headers))
    return server
  }

  drain(): void {
    this.#sessions.close()
  }

  #onStream(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    // A reset or a lost connection: `close` follows, and the call tidies up there.
    stream.on('error', ignore)
    const keeper = this.#keepers.get(stream.session!)
    keeper?.streamOpened()
    stream.on('close', () => keeper?.streamClosed())
    if (headers[':method'] !== 'POST') refuseHttp(stream, 405)
    else if (!isGrpcContentType(headers['content-type'])) refuseHttp(stream, 415)
    else {
      const status = this.#begin(stream, headers)
      if (status !== null) failStream(stream, status)
    }
  }

  /** Starts the call, or says why there is none. */
  #begin(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): GrpcStatus | null {
    const path = headers[':path']!
    const signal = this.#paths.get(path)
    if (signal === undefined) return unknownMethod(path)
    const encodingName = headers['grpc-encoding'] as string | undefined
    const encoding = codingOf(encodingName)
    if (encoding === null)
      return grpcStatus(
        GrpcCode.unimplemented,
        `grpc-encoding ${encodingName} is not known here; use gzip, zstd, deflate or none`,
      )
    const timeout = headers['grpc-timeout'] as string | undefined
    const timeoutMs = parseGrpcTimeoutMs(timeout)
    if (Number.isNaN(timeoutMs)) return grpcStatus(GrpcCode.internal, `grpc-timeout ${timeout} is malformed`)
    new GrpcCall(stream, this.#intake, signal, encoding, timeoutMs, this.#config.max_recv_msg_size_mib * MIB)
    return null
  }
}

function unknownMethod(path: string): GrpcStatus {
  const [, service, method] = path.split('/')
  const unknown = method === 'Export' ? `unknown service ${service}` : `unknown method ${method} of service ${service}`
  return grpcStatus(GrpcCode.unimplemented, `${unknown}; is there a pipeline of this signal with this receiver?`)
}

/** Not gRPC at all: a plain HTTP answer. */
function refuseHttp(stream: ServerHttp2Stream, status: 405 | 415): void {
  stream.respond(status === 405 ? { ':status': status, allow: 'POST' } : { ':status': status }, { endStream: true })
  stream.close(http2.constants.NGHTTP2_NO_ERROR)
}

function ignore(): void {}
