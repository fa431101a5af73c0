import type { Random } from './random.ts'
import type { DemoRequest } from './recording.ts'

/** When the recording begins: 2026-01-01T00:00:00Z. Times in it are milliseconds from there. */
const BEGIN_UNIX_NANO = 1_767_225_600_000_000_000n
/** As SDKs have it by default: spans leave every 5 s. */
const EXPORT_MS = 5000
/** Every minute by default; often enough here for a short demo. */
const METRICS_MS = 15_000

const KINDS = { internal: 1, server: 2, client: 3 } as const

export interface SpanContext {
  readonly traceId: string
  readonly spanId: string
}

export interface Work {
  readonly name: string
  readonly kind: keyof typeof KINDS
  readonly startMs: number
  readonly endMs: number
  /** Null at the root. */
  readonly parent: SpanContext | null
  readonly attributes?: Readonly<Record<string, string | number>>
}

/** A Go service with its SDK: what it did, and the requests in which it would have exported that. */
export class ShopService {
  readonly name: string
  readonly #random: Random
  readonly #resource: object
  /** Services do not export at the same moment. */
  readonly #phaseMs: number
  readonly #exports = new Map<number, object[]>()

  constructor(name: string, random: Random) {
    this.name = name
    this.#random = random
    this.#phaseMs = random.between(0, EXPORT_MS)
    this.#resource = {
      attributes: attributesOf({
        'service.name': name,
        'service.version': '2.3.1',
        'service.instance.id': `${name}-7c9d4b6f5-${random.hex(16).slice(0, 5)}`,
        'host.name': 'demo-node-1',
        'telemetry.sdk.name': 'opentelemetry',
        'telemetry.sdk.language': 'go',
        'telemetry.sdk.version': '1.45.0',
      }),
    }
  }

  newSpan(parent: SpanContext | null): SpanContext {
    return { traceId: parent?.traceId ?? this.#random.hex(32), spanId: this.#random.hex(16) }
  }

  /** The span ends, and leaves with the next export. */
  end(span: SpanContext, { name, kind, startMs, endMs, parent, attributes = {} }: Work): void {
    const turn = Math.ceil((endMs - this.#phaseMs) / EXPORT_MS)
    const batch = this.#exports.get(turn) ?? []
    this.#exports.set(turn, batch)
    batch.push({
      ...span,
      ...(parent !== null && { parentSpanId: parent.spanId }),
      name,
      kind: KINDS[kind],
      startTimeUnixNano: unixNano(startMs),
      endTimeUnixNano: unixNano(endMs),
      attributes: attributesOf(attributes),
    })
  }

  /** A span from start to end at once. */
  did(work: Work): SpanContext {
    const span = this.newSpan(work.parent)
    this.end(span, work)
    return span
  }

  traceRequests(): DemoRequest[] {
    const scope = { name: 'shop', version: '2.3.1' }
    return [...this.#exports.values()].map((spans) => ({
      signal: 'traces',
      json: { resourceSpans: [{ resource: this.#resource, scopeSpans: [{ scope, spans }] }] },
    }))
  }

  /** What the runtime instrumentation of contrib sends, as non-monotonic sums. */
  metricRequests(untilMs: number, gauges: Readonly<Record<string, string>>): DemoRequest[] {
    const scope = { name: 'go.opentelemetry.io/contrib/instrumentation/runtime', version: '0.70.0' }
    const requests: DemoRequest[] = []
    for (let atMs = this.#phaseMs; atMs < untilMs; atMs += METRICS_MS) {
      const metrics = Object.entries(gauges).map(([name, asInt]) => ({
        name,
        sum: {
          dataPoints: [{ startTimeUnixNano: unixNano(0), timeUnixNano: unixNano(atMs), asInt }],
          aggregationTemporality: 2,
          isMonotonic: false,
        },
      }))
      const resourceMetrics = [{ resource: this.#resource, scopeMetrics: [{ scope, metrics }] }]
      requests.push({ signal: 'metrics', json: { resourceMetrics } })
    }
    return requests
  }
}

function unixNano(ms: number): string {
  return String(BEGIN_UNIX_NANO + BigInt(Math.round(ms * 1e6)))
}

function attributesOf(attributes: Readonly<Record<string, string | number>>): object[] {
  return Object.entries(attributes).map(([key, value]) => ({
    key,
    value: typeof value === 'number' ? { intValue: String(value) } : { stringValue: value },
  }))
}
