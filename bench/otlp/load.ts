import { WireReader } from '../../otlp/wire.ts'

/** Spans in a request, as the SDKs' batch processors send them by default. */
export const SPANS_PER_REQUEST = 512
const SERVICES = ['frontend', 'checkout', 'cart', 'payment']

/** A request of 512 spans of 4 services, about 420 bytes and 8 to 10 attributes a span: what the whole-gateway bench sends. */
export function benchRequest(seed = 1): Uint8Array {
  const random = new Random(seed)
  return message(
    SERVICES.map((service) =>
      field(1, [
        field(
          1,
          resourceAttributes(service).map(([key, value]) => field(1, keyValue(key, text(value)))),
        ),
        field(2, [
          field(1, [text(`go.opentelemetry.io/contrib/${service}`), string(2, '0.66.0')]),
          ...Array.from({ length: SPANS_PER_REQUEST / SERVICES.length }, (_, i) => field(2, span(random, service, i))),
        ]),
        string(3, 'https://opentelemetry.io/schemas/1.37.0'),
      ]),
    ),
  )
}

/** How many top-level fields a request has; for benches that check their output. */
export function countFields(bytes: Uint8Array): number {
  const reader = new WireReader(bytes)
  let count = 0
  for (; reader.next(); count++) reader.skip()
  return count
}

function resourceAttributes(service: string): [string, string][] {
  return [
    ['service.name', service],
    ['service.namespace', 'shop'],
    ['service.version', '1.4.2'],
    ['service.instance.id', `${service}-7d9c5b6f4-x2x7k`],
    ['telemetry.sdk.language', 'go'],
    ['telemetry.sdk.name', 'opentelemetry'],
    ['telemetry.sdk.version', '1.41.0'],
    ['host.name', 'node-17.internal'],
    ['k8s.pod.name', `${service}-7d9c5b6f4-x2x7k`],
  ]
}

function span(random: Random, service: string, index: number): Uint8Array[] {
  const isServer = index % 2 === 0
  const startNano = 1_767_225_600_000_000_000n + BigInt(index) * 1_000_000n
  const attributes: [string, Uint8Array][] = [
    ['http.request.method', text('GET')],
    ['http.response.status_code', integer(200)],
    ['url.path', text(`/api/${service}/items/${random.next() % 1000}`)],
    ['server.address', text(`${service}.shop.svc`)],
    ['server.port', integer(8080)],
    ['network.protocol.version', text('1.1')],
    ['user_agent.original', text('grpc-go/1.76.0 checkout-client/2.4.1 (linux/amd64)')],
    ['client.address', text('10.42.0.17')],
    ['url.scheme', text('http')],
    ['shop.customer', text(String(random.next()))],
  ]
  return [
    bytes(1, random.id(16)),
    bytes(2, random.id(8)),
    bytes(4, random.id(8)),
    string(5, `${isServer ? 'GET' : 'HTTP GET'} /api/${service}`),
    Uint8Array.of(0x30, isServer ? 2 : 3),
    fixed64(7, startNano),
    fixed64(8, startNano + 750_000n),
    ...attributes.slice(0, 8 + (index % 3)).map(([key, value]) => field(9, keyValue(key, value))),
    field(15, [Uint8Array.of(0x18, 1)]),
    Uint8Array.of(0x85, 0x01, 1, 1, 0, 0),
  ]
}

function keyValue(key: string, value: Uint8Array): Uint8Array[] {
  return [string(1, key), field(2, [value])]
}

const text = (value: string) => string(1, value)
const integer = (value: number) => message([Uint8Array.of(0x18), varint(value)])
const string = (number: number, value: string) => bytes(number, Buffer.from(value))
const bytes = (number: number, value: Uint8Array) => field(number, [value])

function field(number: number, parts: readonly Uint8Array[]): Uint8Array {
  const body = message(parts)
  return message([varint(number * 8 + 2), varint(body.length), body])
}

function fixed64(number: number, value: bigint): Uint8Array {
  const out = Buffer.alloc(9)
  out[0] = number * 8 + 1
  out.writeBigUInt64LE(value, 1)
  return out
}

function message(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts))
}

function varint(value: number): Uint8Array {
  const out: number[] = []
  for (; value > 127; value >>>= 7) out.push((value & 127) | 128)
  return Uint8Array.from([...out, value])
}

/** A seeded generator (xorshift32), so that every run measures the same bytes. */
class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed | 1
  }

  next(): number {
    this.#state ^= this.#state << 13
    this.#state ^= this.#state >>> 17
    this.#state ^= this.#state << 5
    return this.#state >>> 0
  }

  id(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.next() & 0xff)
  }
}
