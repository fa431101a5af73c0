import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { decodeRequest, encodeMessage, encodeRequest, type OtlpJson } from '../../support/otlp-oracle.ts'
import { linkTree, Recording } from './recording.ts'
import { Span } from './span.ts'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const REAL = `${ROOT}../shared/recordings/`
const FLEET = `${ROOT}examples/recordings/`

/** Reads a recording of a real system (`hotel-load50`) or of the fleet (`fleet/healthy`); null where it is not there. */
export function loadRecording(name: string): Recording | null {
  const fleet = name.startsWith('fleet/')
  const path = fleet ? `${FLEET}${name.slice('fleet/'.length)}.otlp.pb.gz` : `${REAL}${name}.otlp.jsonl.gz`
  if (!existsSync(path)) return null
  const bytes = gunzipSync(readFileSync(path))
  const spans = (fleet ? framedRequests(bytes) : lineRequests(bytes)).flatMap(spansOf)
  linkTree(spans)
  return new Recording(name, spans)
}

function lineRequests(bytes: Buffer): OtlpJson[] {
  return bytes
    .toString('utf8')
    .split('\n')
    .filter((line) => line.startsWith('{"resourceSpans"'))
    .map((line) => decodeRequest('traces', encodeRequest('traces', JSON.parse(line) as OtlpJson)))
}

/** Each request after its length as four bytes, big-endian; metrics among them have no spans with ids. */
function framedRequests(bytes: Buffer): OtlpJson[] {
  const requests: OtlpJson[] = []
  for (let at = 0; at + 4 <= bytes.length; ) {
    const length = bytes.readUInt32BE(at)
    const request = decoded(bytes.subarray(at + 4, at + 4 + length))
    if (request !== null) requests.push(request)
    at += 4 + length
  }
  return requests
}

function decoded(bytes: Uint8Array): OtlpJson | null {
  try {
    const request = decodeRequest('traces', bytes)
    const spans = list(request.resourceSpans)
      .flatMap((resource) => list(resource.scopeSpans))
      .flatMap((scope) => list(scope.spans))
    const isTraces = spans.length > 0 && spans.every((span) => textOf(span.traceId).length === 32)
    return isTraces ? request : null
  } catch {
    return null
  }
}

function spansOf(request: OtlpJson): Span[] {
  return list(request.resourceSpans).flatMap((resourceSpans) => {
    const resource = (resourceSpans.resource ?? {}) as OtlpJson
    const service = attributeOf(resource, 'service.name')
    return list(resourceSpans.scopeSpans).flatMap((scopeSpans) => {
      const scope = (scopeSpans.scope ?? {}) as OtlpJson
      const source = sourceOf(service, resource, scope)
      return list(scopeSpans.spans).map((span) => spanOf(source, span))
    })
  })
}

const sources = new Map<string, Span['source']>()

function sourceOf(service: string, resource: OtlpJson, scope: OtlpJson): Span['source'] {
  const instance = JSON.stringify(resource)
  const key = instance + JSON.stringify(scope)
  let source = sources.get(key)
  if (!source) {
    source = { service, instance, resource, scope }
    sources.set(key, source)
  }
  return source
}

function spanOf(source: Span['source'], span: OtlpJson): Span {
  const { attributes, status, droppedAttributesCount, droppedEventsCount, droppedLinksCount } = span
  const rest = { attributes, status, droppedAttributesCount, droppedEventsCount, droppedLinksCount }
  const given = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined))
  return new Span({
    source,
    traceId: textOf(span.traceId),
    spanId: textOf(span.spanId),
    parentId: textOf(span.parentSpanId),
    name: textOf(span.name),
    kind: Number(span.kind ?? 0),
    startNano: BigInt(textOf(span.startTimeUnixNano) || '0'),
    endNano: BigInt(textOf(span.endTimeUnixNano) || '0'),
    flags: span.flags === undefined || span.flags === 0 ? undefined : Number(span.flags),
    traceState: textOf(span.traceState),
    links: list(span.links).map((link) => ({ traceId: textOf(link.traceId), spanId: textOf(link.spanId) })),
    body: { rest: encodeMessage('opentelemetry.proto.trace.v1.Span', given), events: list(span.events) },
  })
}

export function attributeOf(resource: OtlpJson, key: string): string {
  const found = list(resource.attributes).find((attribute) => attribute.key === key)
  return textOf((found?.value as OtlpJson | undefined)?.stringValue)
}

function list(value: unknown): readonly OtlpJson[] {
  return (value ?? []) as readonly OtlpJson[]
}

function textOf(value: unknown): string {
  return value === undefined || value === null ? '' : String(value)
}
