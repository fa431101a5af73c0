import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import type { Signal } from '../../component/signal.ts'
import { decodeRequest } from '../support/otlp-oracle.ts'

/**
 * What the fleet recorded, read with protobufjs and not with the gateway's own reader: signatures counted here say what
 * the SDK sent, whatever Blindspot makes of it.
 */
export interface Recording {
  readonly spans: readonly Span[]
  readonly points: readonly Point[]
}

export interface Source {
  readonly service: string
  readonly instance: string
  readonly host: string
  readonly scope: string
}

export interface Span extends Source {
  readonly traceId: string
  readonly spanId: string
  /** Empty for a root. */
  readonly parentId: string
  readonly traceState: string
  readonly name: string
  readonly kind: Kind
  readonly startNano: bigint
  readonly endNano: bigint
  /** The flags that say where the parent was: undefined when the SDK did not tell. */
  readonly remoteParent: boolean | undefined
  readonly links: number
  readonly attributes: Attributes
  readonly events: readonly { readonly name: string; readonly timeNano: bigint }[]
  readonly error: boolean
}

export interface Point extends Source {
  readonly metric: string
  readonly type: 'gauge' | 'sum' | 'histogram' | 'other'
  readonly timeNano: bigint
  /** As OTLP/JSON writes it, since GOGC=off does not fit a double. */
  readonly value: string
  readonly attributes: Attributes
  readonly histogram?: { readonly counts: readonly number[]; readonly bounds: readonly number[] }
}

export type Kind = 'unspecified' | 'internal' | 'server' | 'client' | 'producer' | 'consumer'
export type Attributes = Readonly<Record<string, string>>

const KINDS: readonly Kind[] = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer']
const HAS_REMOTE = 0x100
const IS_REMOTE = 0x200
const STATUS_ERROR = 2

type Json = { readonly [key: string]: Json } & readonly Json[] & string

/** The gzipped form of the Collector's file exporter: each request after its length as four bytes, big-endian. */
export function readRecording(path: string): Recording {
  const spans: Span[] = []
  const points: Point[] = []
  const bytes = gunzipSync(readFileSync(path))
  for (let at = 0; at + 4 <= bytes.length; ) {
    const length = bytes.readUInt32BE(at)
    readRequest(bytes.subarray(at + 4, at + 4 + length), spans, points)
    at += 4 + length
  }
  return { spans, points }
}

function readRequest(request: Uint8Array, spans: Span[], points: Point[]): void {
  const traces = decoded('traces', request)
  const each = list(traces?.resourceSpans).flatMap((resource) => readSpans(resource))
  if (each.length > 0 && each.every((span) => span.traceId.length === 32 && span.spanId.length === 16)) {
    spans.push(...each)
    return
  }
  for (const resource of list(decoded('metrics', request)?.resourceMetrics)) points.push(...readPoints(resource))
}

function decoded(signal: Signal, request: Uint8Array): Json | undefined {
  try {
    return decodeRequest(signal, request) as Json
  } catch {
    return undefined
  }
}

function list(value: Json | undefined): readonly Json[] {
  return value ?? []
}

function readSpans(resource: Json): Span[] {
  return list(resource.scopeSpans).flatMap((scope) =>
    list(scope.spans).map((span) => {
      const flags = Number(span.flags ?? 0)
      return {
        ...sourceOf(resource, scope),
        traceId: span.traceId ?? '',
        spanId: span.spanId ?? '',
        parentId: span.parentSpanId ?? '',
        traceState: span.traceState ?? '',
        name: span.name ?? '',
        kind: KINDS[Number(span.kind ?? 0)] ?? 'unspecified',
        startNano: BigInt(span.startTimeUnixNano ?? '0'),
        endNano: BigInt(span.endTimeUnixNano ?? '0'),
        remoteParent: flags & HAS_REMOTE ? (flags & IS_REMOTE) !== 0 : undefined,
        links: list(span.links).length,
        attributes: attributesOf(span.attributes),
        events: list(span.events).map((event) => ({
          name: event.name ?? '',
          timeNano: BigInt(event.timeUnixNano ?? '0'),
        })),
        error: Number(span.status?.code ?? 0) === STATUS_ERROR,
      }
    }),
  )
}

function readPoints(resource: Json): Point[] {
  return list(resource.scopeMetrics).flatMap((scope) =>
    list(scope.metrics).flatMap((metric) => {
      const type = metric.gauge ? 'gauge' : metric.sum ? 'sum' : metric.histogram ? 'histogram' : 'other'
      const data = type === 'other' ? undefined : metric[type]
      return list(data?.dataPoints).map((point) => ({
        ...sourceOf(resource, scope),
        metric: metric.name ?? '',
        type,
        timeNano: BigInt(point.timeUnixNano ?? '0'),
        value: String(point.asInt ?? point.asDouble ?? point.count ?? '0'),
        attributes: attributesOf(point.attributes),
        ...(type === 'histogram'
          ? {
              histogram: {
                counts: list(point.bucketCounts).map(Number),
                bounds: list(point.explicitBounds).map(Number),
              },
            }
          : {}),
      }))
    }),
  ) as Point[]
}

function sourceOf(resource: Json, scope: Json): Source {
  const attributes = attributesOf(resource.resource?.attributes)
  return {
    service: attributes['service.name'] ?? '',
    instance: attributes['service.instance.id'] ?? '',
    host: attributes['host.name'] ?? '',
    scope: scope.scope?.name ?? '',
  }
}

function attributesOf(attributes: Json | undefined): Attributes {
  return Object.fromEntries(
    list(attributes).map((one) => [one.key ?? '', String(Object.values(one.value ?? {})[0] ?? '')]),
  )
}
