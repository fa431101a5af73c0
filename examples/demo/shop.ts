import { Random } from './random.ts'
import type { DemoRequest } from './recording.ts'
import { ShopService, type SpanContext } from './shop-service.ts'

/**
 * A synthetic recording: ninety seconds of an online shop of Go services, as their SDKs would have exported them. Made
 * from a seed, so that it is the same every time; nobody ever bought anything here.
 */
export function shopRecording(): DemoRequest[] {
  return new Shop().run()
}

/** What is broken in it, for whoever watches the demo. */
export const EXPECTED = `  CTX-002   mail begins a new trace for every request that web and checkout send it
  CTX-001   pricing serves streams that cart opens and never ends: the parent of those spans never comes
  LIFE-001  checkout books loyalty points in a goroutine that outlives the order it belongs to
  GO-001    pricing runs with GOGC=off and without a memory limit`

const SEED = 20_261_124
const LENGTH_MS = 90_000
/** Mean pauses between two of a kind. */
const VISIT_MS = 250
const ORDER_MS = 600
const QUESTION_MS = 2500
const STREAM_MS = 5000

const GOGC_OFF = '9223372036854775807'
/** The heap goal of a Go process without percentage and without limit. */
const NO_HEAP_GOAL = '9223372036844815616'

interface Call {
  readonly name: string
  readonly caller: ShopService
  readonly callee: ShopService
  readonly parent: SpanContext
  readonly startMs: number
  readonly endMs: number
}

class Shop {
  readonly #random = new Random(SEED)
  readonly #web = new ShopService('web', this.#random)
  readonly #checkout = new ShopService('checkout', this.#random)
  readonly #cart = new ShopService('cart', this.#random)
  readonly #pricing = new ShopService('pricing', this.#random)
  readonly #mail = new ShopService('mail', this.#random)

  run(): DemoRequest[] {
    this.#every(VISIT_MS, (atMs) => this.#visit(atMs))
    this.#every(ORDER_MS, (atMs) => this.#order(atMs))
    this.#every(QUESTION_MS, (atMs) => this.#question(atMs))
    this.#every(STREAM_MS, (atMs) => this.#priceStream(atMs))
    const healthy = { 'go.config.gogc': '100', 'go.memory.gc.goal': '41943040', 'go.goroutine.count': '38' }
    const pricing = { 'go.config.gogc': GOGC_OFF, 'go.memory.gc.goal': NO_HEAP_GOAL, 'go.goroutine.count': '52' }
    const services = [this.#web, this.#checkout, this.#cart, this.#pricing, this.#mail]
    return services.flatMap((service) => [
      ...service.traceRequests(),
      ...service.metricRequests(LENGTH_MS, service === this.#pricing ? pricing : healthy),
    ])
  }

  #every(meanMs: number, happen: (atMs: number) => void): void {
    for (let atMs = 0; atMs < LENGTH_MS; atMs += this.#random.between(0.5, 1.5) * meanMs) happen(atMs)
  }

  /** Somebody looks at a product. Nothing is wrong with that. */
  #visit(startMs: number): void {
    const endMs = startMs + this.#random.between(20, 60)
    const page = this.#web.newSpan(null)
    const priced = this.#rpc({
      name: 'shop.Pricing/Quote',
      caller: this.#web,
      callee: this.#pricing,
      parent: page,
      startMs: startMs + 2,
      endMs: endMs - 3,
    })
    this.#pricing.did({
      name: 'SELECT prices',
      kind: 'client',
      startMs: startMs + 5,
      endMs: endMs - 6,
      parent: priced,
      attributes: { 'db.system.name': 'postgresql', 'db.namespace': 'prices', 'server.address': 'prices-db' },
    })
    this.#web.end(page, {
      name: 'GET /products/{id}',
      kind: 'server',
      startMs,
      endMs,
      parent: null,
      attributes: { 'http.request.method': 'GET', 'http.route': '/products/{id}', 'http.response.status_code': 200 },
    })
  }

  /** Somebody buys: the points are booked by a goroutine that nobody waits for, and mail loses the trace. */
  #order(startMs: number): void {
    const endMs = startMs + this.#random.between(120, 200)
    const page = this.#web.newSpan(null)
    const { caller, callee } = { caller: this.#web, callee: this.#checkout }
    const order = this.#rpc({
      name: 'shop.Checkout/PlaceOrder',
      caller,
      callee,
      parent: page,
      startMs: startMs + 3,
      endMs: endMs - 3,
    })
    const from = { caller: this.#checkout, parent: order }
    this.#rpc({ ...from, callee: this.#cart, name: 'shop.Cart/Get', startMs: startMs + 8, endMs: startMs + 25 })
    this.#rpc({
      ...from,
      callee: this.#pricing,
      name: 'shop.Pricing/Quote',
      startMs: startMs + 28,
      endMs: startMs + 50,
    })
    this.#mailRequest(this.#checkout, order, startMs + 55, startMs + 80)
    this.#checkout.did({
      name: 'book loyalty points',
      kind: 'internal',
      startMs: startMs + 85,
      endMs: endMs + this.#random.between(30, 90),
      parent: order,
    })
    this.#web.end(page, {
      name: 'POST /orders',
      kind: 'server',
      startMs,
      endMs,
      parent: null,
      attributes: { 'http.request.method': 'POST', 'http.route': '/orders', 'http.response.status_code': 201 },
    })
  }

  /** Somebody writes to the shop. */
  #question(startMs: number): void {
    const page = this.#web.newSpan(null)
    this.#mailRequest(this.#web, page, startMs + 4, startMs + 40)
    this.#web.end(page, {
      name: 'POST /contact',
      kind: 'server',
      startMs,
      endMs: startMs + 45,
      parent: null,
      attributes: { 'http.request.method': 'POST', 'http.route': '/contact', 'http.response.status_code': 202 },
    })
  }

  /** cart watches prices by a stream whose span it never ends, so that only pricing's side of it is exported. */
  #priceStream(startMs: number): void {
    const neverEnded = this.#cart.newSpan(null)
    this.#pricing.did({
      name: 'shop.Pricing/Watch',
      kind: 'server',
      startMs,
      endMs: startMs + this.#random.between(3000, 4500),
      parent: neverEnded,
      attributes: rpcAttributes('shop.Pricing/Watch'),
    })
  }

  /** mail was built without a propagator: it takes part in no trace but its own. */
  #mailRequest(caller: ShopService, parent: SpanContext, startMs: number, endMs: number): void {
    const http = { 'http.request.method': 'POST', 'http.response.status_code': 202 }
    caller.did({
      name: 'POST',
      kind: 'client',
      startMs,
      endMs,
      parent,
      attributes: { ...http, 'server.address': 'mail', 'server.port': 8080, 'url.full': 'http://mail:8080/send' },
    })
    this.#mail.did({
      name: 'POST /send',
      kind: 'server',
      startMs: startMs + 2,
      endMs: endMs - 2,
      parent: null,
      attributes: { ...http, 'http.route': '/send', 'url.path': '/send', 'url.scheme': 'http' },
    })
  }

  /** A call over gRPC whose context arrives. Gives the callee's span. */
  #rpc({ name, caller, callee, parent, startMs, endMs }: Call): SpanContext {
    const attributes = rpcAttributes(name)
    const call = caller.did({
      name,
      kind: 'client',
      startMs,
      endMs,
      parent,
      attributes: { ...attributes, 'server.address': callee.name, 'server.port': 50_051 },
    })
    return callee.did({ name, kind: 'server', startMs: startMs + 1, endMs: endMs - 1, parent: call, attributes })
  }
}

function rpcAttributes(name: string): Record<string, string | number> {
  const [service, method] = name.split('/')
  return { 'rpc.system': 'grpc', 'rpc.service': service!, 'rpc.method': method!, 'rpc.grpc.status_code': 0 }
}
