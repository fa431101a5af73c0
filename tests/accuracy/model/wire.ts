import { encodeMessage, type OtlpJson } from '../../support/otlp-oracle.ts'
import type { Source, Span } from './span.ts'

/**
 * A request of spans as their exporters would send it. What recipes change is written here; all that they leave alone was
 * encoded once by the oracle, so that a recording can be broken thousands of times.
 *
 * ExportTraceServiceRequest { 1 resource_spans }, ResourceSpans { 1 resource, 2 scope_spans }, ScopeSpans { 1 scope, 2 spans }
 */
export function encodeSpans(spans: readonly Span[]): Uint8Array {
  const parts: Uint8Array[] = []
  const sources = new Map<Source, Span[]>()
  for (const span of spans) {
    const group = sources.get(span.source)
    if (group) group.push(span)
    else sources.set(span.source, [span])
  }
  for (const [source, own] of sources) {
    const scopeSpans = [scopeOf(source), ...own.map((span) => field(2, spanBytes(span)))]
    parts.push(field(1, Buffer.concat([resourceOf(source), field(2, Buffer.concat(scopeSpans))])))
  }
  return new Uint8Array(Buffer.concat(parts))
}

const resources = new WeakMap<OtlpJson, Uint8Array>()
const scopes = new WeakMap<OtlpJson, Uint8Array>()
const events = new WeakMap<OtlpJson, Uint8Array>()

function resourceOf({ resource }: Source): Uint8Array {
  return cached(resources, resource, () =>
    field(1, encodeMessage('opentelemetry.proto.resource.v1.Resource', resource)),
  )
}

function scopeOf({ scope }: Source): Uint8Array {
  return cached(scopes, scope, () =>
    field(1, encodeMessage('opentelemetry.proto.common.v1.InstrumentationScope', scope)),
  )
}

function eventBytes(event: OtlpJson, laterNano: bigint): Uint8Array {
  const encode = (json: OtlpJson) => field(11, encodeMessage('opentelemetry.proto.trace.v1.Span.Event', json))
  if (laterNano === 0n) return cached(events, event, () => encode(event))
  return encode({ ...event, timeUnixNano: String(BigInt(String(event.timeUnixNano)) + laterNano) })
}

function cached(cache: WeakMap<OtlpJson, Uint8Array>, key: OtlpJson, make: () => Uint8Array): Uint8Array {
  let bytes = cache.get(key)
  if (!bytes) {
    bytes = make()
    cache.set(key, bytes)
  }
  return bytes
}

/**
 * Span { 1 trace_id, 2 span_id, 3 trace_state, 4 parent_span_id, 5 name, 6 kind, 7 start (fixed64), 8 end (fixed64),
 *        11 events, 13 links, 16 flags (fixed32) }; the rest is encoded already.
 */
function spanBytes(span: Span): Uint8Array {
  const parts: Uint8Array[] = [
    field(1, Buffer.from(span.traceId, 'hex')),
    field(2, Buffer.from(span.spanId, 'hex')),
    ...(span.traceState === '' ? [] : [field(3, Buffer.from(span.traceState))]),
    ...(span.parentId === '' ? [] : [field(4, Buffer.from(span.parentId, 'hex'))]),
    field(5, Buffer.from(span.name)),
    Buffer.from([6 << 3, span.kind]),
    fixed64(7, span.startNano + span.clockNano),
    fixed64(8, span.endNano + span.clockNano),
    ...span.body.events.map((event) => eventBytes(event, span.clockNano + span.postponedNano)),
    ...span.links.map((link) => field(13, encodeMessage('opentelemetry.proto.trace.v1.Span.Link', { ...link }))),
    ...(span.flags === undefined ? [] : [fixed32(16, span.flags)]),
    span.body.rest,
  ]
  return Buffer.concat(parts)
}

function field(number: number, bytes: Uint8Array): Uint8Array {
  return Buffer.concat([varint((number << 3) | 2), varint(bytes.length), bytes])
}

function varint(value: number): Uint8Array {
  const bytes: number[] = []
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 0x80) return Buffer.from([...bytes, rest])
    bytes.push((rest & 0x7f) | 0x80)
  }
}

function fixed64(number: number, value: bigint): Uint8Array {
  const bytes = Buffer.alloc(9)
  bytes[0] = (number << 3) | 1
  bytes.writeBigUInt64LE(value, 1)
  return bytes
}

function fixed32(number: number, value: number): Uint8Array {
  const tag = varint((number << 3) | 5)
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return Buffer.concat([tag, bytes])
}
