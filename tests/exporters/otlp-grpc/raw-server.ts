import {
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
  type Settings,
} from 'node:http2'
import { type AddressInfo, connect, createServer as createTcpServer, type Server, type Socket } from 'node:net'
import { buffer } from 'node:stream/consumers'

export interface RawCall {
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  readonly stream: ServerHttp2Stream
}

/** HTTP/2 by hand, for answers that a proper gRPC server does not give. */
export class RawServer {
  readonly calls: RawCall[] = []
  readonly sessions: ServerHttp2Session[] = []
  readonly #server: Http2Server

  private constructor(server: Http2Server) {
    this.#server = server
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  static async start(
    answer: (call: RawCall, index: number) => void,
    settings: Settings = {},
    address = '127.0.0.1',
    port = 0,
  ): Promise<RawServer> {
    const server = createServer({ settings })
    const raw = new RawServer(server)
    server.on('session', (session) => raw.sessions.push(session))
    server.on('stream', async (stream, headers) => {
      stream.on('error', () => {})
      const call = { headers, body: await buffer(stream).catch(() => Buffer.alloc(0)), stream }
      raw.calls.push(call)
      answer(call, raw.calls.length - 1)
    })
    await new Promise<void>((resolve) => server.listen(port, address, resolve))
    return raw
  }

  stop(): Promise<void> {
    for (const session of this.sessions) session.destroy()
    return new Promise((resolve) => this.#server.close(() => resolve()))
  }
}

/** Passes bytes on to a port until it is told to stall; without one it takes connections and says nothing. */
export class StallingProxy {
  readonly #server: Server
  readonly #sockets: Socket[] = []
  connections = 0

  private constructor(target: number | null) {
    this.#server = createTcpServer((socket) => {
      this.connections++
      this.#add(socket)
      if (target === null) return
      const onward = connect(target, '127.0.0.1')
      this.#add(onward)
      socket.pipe(onward).pipe(socket)
    })
  }

  static async start(target: number | null): Promise<StallingProxy> {
    const proxy = new StallingProxy(target)
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve))
    return proxy
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  stall(): void {
    for (const socket of this.#sockets) socket.unpipe().pause()
  }

  stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    return new Promise((resolve) => this.#server.close(() => resolve()))
  }

  #add(socket: Socket): void {
    socket.on('error', () => {})
    this.#sockets.push(socket)
  }
}

/** A proper answer with this body, these trailers and these headers beside the usual ones. */
export function respond(
  stream: ServerHttp2Stream,
  body: Uint8Array,
  trailers: Record<string, string>,
  headers: Record<string, string> = {},
): void {
  stream.respond({ ':status': 200, 'content-type': 'application/grpc', ...headers }, { waitForTrailers: true })
  stream.on('wantTrailers', () => stream.sendTrailers(trailers))
  stream.end(body)
}

/** A message behind its prefix. */
export function framed(message: Uint8Array, flag = 0): Buffer {
  const prefix = Buffer.alloc(5)
  prefix[0] = flag
  prefix.writeUInt32BE(message.byteLength, 1)
  return Buffer.concat([prefix, message])
}

export const OK = { 'grpc-status': '0' }
