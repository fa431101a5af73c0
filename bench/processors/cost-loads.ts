import type { ServiceSpans, SpanSpec } from '../../tests/support/otlp-builder.ts'
import { mix, writeSpanId, writeTraceId } from '../load/fresh-ids.ts'
import { LoadSequence, RequestSlot } from '../load/fresh-request.ts'
import { type MarkedRequest, markedRequest, POINTS_PER_SPAN, writeTime } from '../load/marked-request.ts'
import { GRPC_PREFIX_BYTES, SPANS_PER_REQUEST } from '../load/request-template.ts'

/** An endless row of requests; one is valid until the next is made. */
export interface CostLoad {
  readonly name: string
  readonly spansASecond: number
  readonly spansPerRequest: number
  /** Spans after which everything that is special about it has happened once. */
  readonly cycleSpans: number
  /** The load whose cost a span it must not exceed by more than twice. */
  readonly comparedWith: string
  /** Makes the source of its requests; `nowMs` is the clock that the gateway goes by. */
  readonly open: (nowMs: () => number) => () => Uint8Array
}

const BUSY = 100_000
const ORDINARY = 'ordinary'
const ORDINARY_SLOW = 'ordinary, 1000 spans/s'
const MS_IN_NANO = 1_000_000

/** Traces of four services and eight spans, each in the middle of its calls when the next comes. */
const ordinary = (nowMs: () => number) => {
  const slot = new RequestSlot(new LoadSequence(nowMs), 0)
  return () => slot.next().subarray(GRPC_PREFIX_BYTES)
}

/** Writes the ids and times of the nth span of a request. */
class RequestWriter {
  readonly message: Buffer
  readonly #points: Uint32Array
  readonly #view: DataView
  #startHigh = 0
  #startLow = 0

  constructor({ message, points }: MarkedRequest) {
    this.message = message
    this.#points = points
    this.#view = new DataView(message.buffer, message.byteOffset, message.length)
  }

  begin(startMs: number): void {
    const nano = BigInt(Math.floor(startMs)) * 1_000_000n
    this.#startHigh = Number(nano >> 32n)
    this.#startLow = Number(nano & 0xffff_ffffn)
  }

  write(row: number, trace: number, span: number, parent: number, fromNano: number, untilNano: number): void {
    const at = row * POINTS_PER_SPAN
    const points = this.#points
    writeTraceId(this.#view, points[at]!, trace)
    writeSpanId(this.#view, points[at + 1]!, span)
    if (points[at + 2] !== 0) writeSpanId(this.#view, points[at + 2]!, parent)
    writeTime(this.#view, points[at + 3]!, this.#startHigh, this.#startLow + fromNano)
    writeTime(this.#view, points[at + 4]!, this.#startHigh, this.#startLow + untilNano)
  }
}

/** Ten attributes, as the spans of the ordinary load have. */
function spanOf(kind: 'server' | 'client' | 'internal', name: string, row: number, hasParent: boolean): SpanSpec {
  const random = mix(row + 77)
  return {
    name,
    kind,
    parentId: hasParent ? 1 : null,
    attributes: {
      'rpc.system': 'grpc',
      'rpc.service': 'shop.v2.Service',
      'rpc.method': name,
      'rpc.grpc.status_code': 0,
      'server.address': 'mesh.shop.svc.cluster.local',
      'server.port': 50_051,
      'network.peer.address': `10.12.${random & 255}.${(random >>> 8) & 255}`,
      'network.peer.port': 30_000 + (random % 30_000),
      'app.request.id': `${random.toString(16).padStart(8, '0')}-77aa-4c1e`,
      'app.tenant': `tenant-${(random >>> 16) % 40}`,
    },
  }
}

function processOf(service: string, host: string): Omit<ServiceSpans, 'spans'> {
  return {
    service,
    resource: {
      'service.version': '1.14.2',
      'service.instance.id': `${service}-6d5f7c9b8-x2k4q`,
      'host.id': host,
      'telemetry.sdk.name': 'opentelemetry',
      'telemetry.sdk.language': 'go',
    },
    scope: { name: 'go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc', version: '0.70.0' },
  }
}

const TRACE_SPANS = 1_000_000 - (1_000_000 % SPANS_PER_REQUEST)
const JOB_NANO = (TRACE_SPANS / BUSY) * 1e9

/** One batch job after the other: a root, and below it a step and the call of each item. */
const largeTrace = (nowMs: () => number) => {
  const rows = Array.from({ length: SPANS_PER_REQUEST }, (_, row) =>
    row % 2 === 0 ? spanOf('internal', `step ${row % 32}`, row, true) : spanOf('client', 'Reserve', row, true),
  )
  const first = new RequestWriter(
    markedRequest([
      { ...processOf('batch', 'a'), spans: [{ ...rows[0]!, name: 'job', parentId: null }, ...rows.slice(1)] },
    ]),
  )
  const others = new RequestWriter(markedRequest([{ ...processOf('batch', 'a'), spans: rows }]))
  let span = 0
  let startMs = 0
  return () => {
    const trace = Math.floor(span / TRACE_SPANS)
    const root = trace * TRACE_SPANS
    const isFirst = span === root
    if (isFirst) startMs = nowMs()
    const writer = isFirst ? first : others
    writer.begin(isFirst ? startMs : nowMs())
    for (let row = 0; row < SPANS_PER_REQUEST; row++, span++) {
      const untilNano = span === root ? JOB_NANO : MS_IN_NANO - (row % 2) * 1000
      writer.write(row, trace, span, row % 2 === 0 || span - 1 === root ? root : span - 1, (row % 2) * 1000, untilNano)
    }
    return writer.message
  }
}

const singleSpans = (nowMs: () => number) => {
  const spans = Array.from({ length: SPANS_PER_REQUEST }, (_, row) => spanOf('server', `GET /${row % 8}`, row, false))
  const writer = new RequestWriter(markedRequest([{ ...processOf('cron', 'a'), spans }]))
  let trace = 0
  return () => {
    writer.begin(nowMs())
    for (let row = 0; row < SPANS_PER_REQUEST; row++, trace++) writer.write(row, trace, trace, 0, 0, MS_IN_NANO)
    return writer.message
  }
}

const LONG_TRACE = 0xf000_0000
const LONG_SPANS = 64

/** The ordinary load, and a loop that goes on under the context of the request that started it, for hours. */
const longLivedTrace = (nowMs: () => number) => {
  const next = ordinary(nowMs)
  const spans = Array.from({ length: LONG_SPANS }, (_, row) => spanOf('internal', `poll ${row % 4}`, row, true))
  const writer = new RequestWriter(markedRequest([{ ...processOf('poller', 'a'), spans }]))
  const root = new RequestWriter(
    markedRequest([{ ...processOf('poller', 'a'), spans: [spanOf('server', 'GET /start', 0, false)] }]),
  )
  let span = LONG_TRACE
  return () => {
    const isFirst = span === LONG_TRACE
    writer.begin(nowMs())
    for (let row = 0; row < LONG_SPANS; row++) writer.write(row, LONG_TRACE, ++span, LONG_TRACE, 0, MS_IN_NANO)
    if (!isFirst) return Buffer.concat([next(), writer.message])
    root.begin(nowMs())
    root.write(0, LONG_TRACE, LONG_TRACE, 0, 0, MS_IN_NANO)
    return Buffer.concat([next(), root.message, writer.message])
  }
}

const SERVICES = 10_000
const EDGES_PER_SERVICE = 10
/** An agent on each node hands on the spans of its pods together: so many services a request, with so many calls each. */
const SERVICES_PER_REQUEST = 80
const CALLS = 4
/** Of each call its service has the request that led to it and the call itself, and the callee one. */
const SPANS_PER_CALL = 3
const SPANS_OF_AGENT = SERVICES_PER_REQUEST * CALLS * SPANS_PER_CALL
/** The edges of a service go to ten others: to service * 7 + 1 + edge * 13, whose inverse is by 7143. */
const calleeOf = (service: number, edge: number) => (service * 7 + 1 + edge * 13) % SERVICES
const callerOf = (service: number, edge: number) => ((service - 1 - edge * 13 + SERVICES) * 7143) % SERVICES

/** Every service on a host of its own calls ten others and is called by ten: 100 000 edges, and pairs of clocks. */
const manyEdges = (nowMs: () => number) => {
  const writers = Array.from({ length: SERVICES / SERVICES_PER_REQUEST }, (_, i) => {
    const services = Array.from({ length: SERVICES_PER_REQUEST }, (_, k) => i * SERVICES_PER_REQUEST + k)
    return new RequestWriter(
      markedRequest(
        services.map((service) => ({
          ...processOf(`service-${service}`, `host-${service}`),
          spans: Array.from({ length: CALLS }, (_, call) => [
            spanOf('server', 'Front', call, false),
            spanOf('client', 'Get', call, true),
            spanOf('server', 'Get', call + CALLS, true),
          ]).flat(),
        })),
      ),
    )
  })
  let request = 0
  let startMs = 0
  return () => {
    const round = Math.floor(request / writers.length)
    const part = request++ % writers.length
    if (part === 0) startMs = nowMs()
    const writer = writers[part]!
    writer.begin(startMs)
    const trace = (caller: number, call: number) => (round * SERVICES + caller) * CALLS + call
    for (let k = 0; k < SERVICES_PER_REQUEST; k++)
      for (let call = 0; call < CALLS; call++) {
        const service = part * SERVICES_PER_REQUEST + k
        const edge = (round * CALLS + call) % EDGES_PER_SERVICE
        const row = (k * CALLS + call) * SPANS_PER_CALL
        const made = trace(service, call)
        const served = trace(callerOf(service, edge), call)
        writer.write(row, made, made * 4, 0, 0, 12 * MS_IN_NANO)
        writer.write(row + 1, made, made * 4 + 1, made * 4, MS_IN_NANO, 11 * MS_IN_NANO)
        writer.write(row + 2, served, served * 4 + 2, served * 4 + 1, 2 * MS_IN_NANO, 10 * MS_IN_NANO)
      }
    return writer.message
  }
}

/** Every caller's edge leads to the callee that has it: the numbers above are the other's inverse. */
for (const edge of [0, 9])
  for (const service of [0, 1234])
    if (callerOf(calleeOf(service, edge), edge) !== service) throw new Error('an edge has two callers')

const HOURS = 2

export const COST_LOADS: readonly CostLoad[] = [
  {
    name: ORDINARY,
    spansASecond: BUSY,
    spansPerRequest: SPANS_PER_REQUEST,
    cycleSpans: 1_000_000,
    comparedWith: ORDINARY,
    open: ordinary,
  },
  {
    name: 'one trace of 1 M spans',
    spansASecond: BUSY,
    spansPerRequest: SPANS_PER_REQUEST,
    cycleSpans: TRACE_SPANS,
    comparedWith: ORDINARY,
    open: largeTrace,
  },
  {
    name: '1 M traces of one span',
    spansASecond: BUSY,
    spansPerRequest: SPANS_PER_REQUEST,
    cycleSpans: 1_000_000,
    comparedWith: ORDINARY,
    open: singleSpans,
  },
  {
    name: '10 000 services, 100 000 edges',
    spansASecond: BUSY,
    spansPerRequest: SPANS_OF_AGENT,
    cycleSpans: SERVICES * CALLS * SPANS_PER_CALL * EDGES_PER_SERVICE,
    comparedWith: ORDINARY,
    open: manyEdges,
  },
  {
    name: ORDINARY_SLOW,
    spansASecond: 1000,
    spansPerRequest: SPANS_PER_REQUEST,
    cycleSpans: 1_000_000,
    comparedWith: ORDINARY_SLOW,
    open: ordinary,
  },
  {
    name: `a trace that lives for ${HOURS} hours`,
    spansASecond: 1000,
    spansPerRequest: SPANS_PER_REQUEST + LONG_SPANS,
    cycleSpans: HOURS * 3600 * 1000,
    comparedWith: ORDINARY_SLOW,
    open: longLivedTrace,
  },
]
