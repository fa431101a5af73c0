import {
  type ClientRequest,
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingMessage,
  type OutgoingHttpHeaders,
} from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import type { ConnectionOptions } from 'node:tls'
import type { Clock } from '../../component/clock.ts'

/** Of an answer no more than this is read, as in the Collector; the rest is not worth a connection. */
const RESPONSE_LIMIT_BYTES = 64 * 1024

export interface HttpPosterParts {
  readonly clock: Clock
  readonly tls: ConnectionOptions
  /** Of both schemes. */
  readonly maxSockets: number
  readonly maxFreeSockets: number
  readonly keepAlive: boolean
  readonly idleTimeoutMs: number
}

export type HttpResult =
  | {
      readonly kind: 'answered'
      readonly status: number
      readonly headers: IncomingMessage['headers']
      readonly body: Buffer
    }
  | { readonly kind: 'failed'; readonly reason: 'timeout' | 'closed' | 'connection'; readonly message: string }

/** POSTs over HTTP/1.1 connections that are kept and bounded in number. */
export class HttpPoster {
  readonly #clock: Clock
  readonly #http: HttpAgent
  readonly #https: HttpsAgent
  readonly #aborts = new Set<() => void>()

  constructor(parts: HttpPosterParts) {
    const options = {
      keepAlive: parts.keepAlive,
      maxSockets: parts.maxSockets,
      maxFreeSockets: parts.maxFreeSockets,
      // Node closes sockets by this only while they are idle: a request has its own deadline.
      ...(parts.idleTimeoutMs > 0 && { timeout: parts.idleTimeoutMs }),
    }
    this.#clock = parts.clock
    this.#http = new HttpAgent(options)
    this.#https = new HttpsAgent({ ...options, ...parts.tls })
  }

  /** Never rejects. `timeoutMs` covers all of it; 0 is without limit. */
  post(url: URL, headers: OutgoingHttpHeaders, body: Uint8Array, timeoutMs: number): Promise<HttpResult> {
    return new Promise((resolve) => {
      let request: ClientRequest
      const settle = (result: HttpResult) => {
        timer?.cancel()
        this.#aborts.delete(abort)
        resolve(result)
      }
      const end = (reason: 'timeout' | 'closed', message: string) => {
        settle({ kind: 'failed', reason, message })
        request.destroy()
      }
      const abort = () => end('closed', 'the exporter is shutting down')
      const outOfTime = () => end('timeout', `no answer within ${timeoutMs} ms`)
      const timer = timeoutMs > 0 ? this.#clock.after(timeoutMs, outOfTime) : null
      this.#aborts.add(abort)
      const send = (mayRepeat: boolean) => {
        request = this.#open(url, { ...headers, 'content-length': body.byteLength })
        request.on('response', (response) => readAnswer(response, settle))
        request.on('error', (error: NodeJS.ErrnoException) => {
          // A kept connection that the server was closing at that moment: it has not read the request.
          if (mayRepeat && request.reusedSocket && error.code === 'ECONNRESET' && this.#aborts.has(abort)) send(false)
          else settle({ kind: 'failed', reason: 'connection', message: reasonOf(error) })
        })
        request.end(body)
      }
      send(true)
    })
  }

  close(): void {
    for (const abort of [...this.#aborts]) abort()
    this.#http.destroy()
    this.#https.destroy()
  }

  #open(url: URL, headers: OutgoingHttpHeaders): ClientRequest {
    const options = { method: 'POST', headers }
    return url.protocol === 'https:'
      ? httpsRequest(url, { ...options, agent: this.#https })
      : httpRequest(url, { ...options, agent: this.#http })
  }
}

function readAnswer(response: IncomingMessage, settle: (result: HttpResult) => void): void {
  const chunks: Buffer[] = []
  let readBytes = 0
  const answered = () =>
    settle({
      kind: 'answered',
      status: response.statusCode ?? 0,
      headers: response.headers,
      body: Buffer.concat(chunks),
    })
  response.on('data', (chunk: Buffer) => {
    readBytes += chunk.byteLength
    if (readBytes <= RESPONSE_LIMIT_BYTES) chunks.push(chunk)
    else {
      answered()
      response.destroy()
    }
  })
  response.on('end', answered)
  response.on('error', (error) => settle({ kind: 'failed', reason: 'connection', message: reasonOf(error) }))
}

/** Node's message; where several addresses failed, the message of each. */
function reasonOf(error: Error): string {
  if (error instanceof AggregateError) return error.errors.map((each) => (each as Error).message).join('; ')
  return error.message
}
