import type { HttpConfig } from './config.ts'
import type { Request, Response } from './http-message.ts'

type CorsConfig = NonNullable<HttpConfig['cors']>

/** Headers that pages may always send, as in the Collector. */
const ALWAYS_ALLOWED = ['accept', 'content-type', 'x-requested-with']

/** Cross-origin requests from browsers. https://fetch.spec.whatwg.org/#http-cors-protocol */
export class Cors {
  readonly #config: CorsConfig
  readonly #origins: readonly RegExp[]

  constructor(config: CorsConfig) {
    this.#config = config
    this.#origins = config.allowed_origins.map(toPattern)
  }

  /** Adds the headers of the protocol; true when the request was a preflight and is answered. */
  handle(request: Request, response: Response): boolean {
    const { origin } = request.headers
    const isPreflight = request.method === 'OPTIONS' && 'access-control-request-method' in request.headers
    response.setHeader('vary', 'Origin')
    if (origin !== undefined && this.#origins.some((pattern) => pattern.test(origin))) {
      // sendBeacon always asks with credentials, and for those `*` is not a valid answer: so the origin itself.
      response.setHeader('access-control-allow-origin', origin)
      response.setHeader('access-control-allow-credentials', 'true')
      if (isPreflight) this.#allow(request, response)
      else if (this.#config.exposed_headers.length > 0)
        response.setHeader('access-control-expose-headers', this.#config.exposed_headers.join(', '))
    }
    if (isPreflight) {
      response.statusCode = 204
      response.end()
    }
    return isPreflight
  }

  #allow(request: Request, response: Response): void {
    const { allowed_headers: allowed, max_age: maxAge } = this.#config
    const asked = request.headers['access-control-request-headers'] ?? ''
    response.setHeader('access-control-allow-methods', 'POST')
    response.setHeader(
      'access-control-allow-headers',
      allowed.includes('*') ? asked : [...ALWAYS_ALLOWED, ...allowed].join(', '),
    )
    if (maxAge > 0) response.setHeader('access-control-max-age', String(maxAge))
  }
}

function toPattern(origin: string): RegExp {
  const literal = origin.split('*').map((part) => part.replace(/[\\^$.|?+()[\]{}]/g, '\\$&'))
  return new RegExp(`^${literal.join('.*')}$`, 'i')
}
