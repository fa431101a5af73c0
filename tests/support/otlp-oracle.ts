import { isAbsolute, join } from 'node:path'
import protobuf from 'protobufjs'
import type { Signal } from '../../component/signal.ts'

/**
 * OTLP by protobufjs and the .proto files of proto/: the independent opinion that readers and writers are tested against.
 * Messages are plain objects in the form of OTLP/JSON: lowerCamelCase, ids in hex, enums as numbers, 64-bit numbers as
 * decimal strings, bytes in base64. Only the profiles request, opaque here, holds base64 where a profile would be.
 */
export type OtlpJson = { [field: string]: unknown }

const PROTO_FOLDER = join(import.meta.dirname, '../../proto')

const root = new protobuf.Root()
root.resolvePath = (_origin, target) => (isAbsolute(target) ? target : join(PROTO_FOLDER, target))
root.loadSync([
  'opentelemetry/proto/collector/trace/v1/trace_service.proto',
  'opentelemetry/proto/collector/metrics/v1/metrics_service.proto',
  'opentelemetry/proto/collector/logs/v1/logs_service.proto',
  'opentelemetry/proto/collector/profiles/v1development/profiles_service.proto',
  'google/rpc/status.proto',
])
root.resolveAll()

const SERVICES = {
  traces: 'opentelemetry.proto.collector.trace.v1.ExportTraceService',
  metrics: 'opentelemetry.proto.collector.metrics.v1.ExportMetricsService',
  logs: 'opentelemetry.proto.collector.logs.v1.ExportLogsService',
  profiles: 'opentelemetry.proto.collector.profiles.v1development.ExportProfilesService',
} as const satisfies Record<Signal, string>

export function encodeRequest(signal: Signal, request: OtlpJson): Uint8Array {
  return encodeMessage(`${SERVICES[signal]}Request`, request)
}

export function decodeRequest(signal: Signal, bytes: Uint8Array): OtlpJson {
  return decodeMessage(`${SERVICES[signal]}Request`, bytes)
}

export function encodeResponse(signal: Signal, response: OtlpJson): Uint8Array {
  return encodeMessage(`${SERVICES[signal]}Response`, response)
}

export function decodeResponse(signal: Signal, bytes: Uint8Array): OtlpJson {
  return decodeMessage(`${SERVICES[signal]}Response`, bytes)
}

/** A message type of proto/ by its full name. */
export function messageType(typeName: string): protobuf.Type {
  return root.lookupType(typeName)
}

/** Any message of proto/ by its full name, such as `opentelemetry.proto.trace.v1.Span` or `google.rpc.Status`. */
export function encodeMessage(typeName: string, message: OtlpJson): Uint8Array {
  const type = root.lookupType(typeName)
  const encoded = type.encode(type.fromObject(convertIds(message, 'hex', 'base64'))).finish()
  return new Uint8Array(encoded)
}

/** Throws where the bytes are not that message. */
export function decodeMessage(typeName: string, bytes: Uint8Array): OtlpJson {
  const type = root.lookupType(typeName)
  const object = type.toObject(type.decode(bytes), { longs: String, enums: Number, bytes: String, json: true })
  return convertIds(object, 'base64', 'hex')
}

/** The message types of proto/, for tests of hand-written tables. */
export function messagesOfProto(): protobuf.Type[] {
  return reflected((object) => object instanceof protobuf.Type) as protobuf.Type[]
}

export function enumsOfProto(): protobuf.Enum[] {
  return reflected((object) => object instanceof protobuf.Enum) as protobuf.Enum[]
}

function reflected(matches: (object: protobuf.ReflectionObject) => boolean): protobuf.ReflectionObject[] {
  const all = (namespace: protobuf.NamespaceBase): protobuf.ReflectionObject[] =>
    namespace.nestedArray.flatMap((object) => [
      object,
      ...(object instanceof protobuf.Namespace || object instanceof protobuf.Type ? all(object) : []),
    ])
  return all(root).filter((object) => object.fullName.startsWith('.opentelemetry.') && matches(object))
}

/** The number of spans, data points, log records or (opaque here, so never) profiles. */
export function countItemsByOracle(signal: Signal, bytes: Uint8Array): number {
  const request = decodeRequest(signal, bytes)
  const list = (parent: unknown, field: string) => ((parent as OtlpJson)[field] ?? []) as OtlpJson[]
  switch (signal) {
    case 'traces':
      return list(request, 'resourceSpans')
        .flatMap((resource) => list(resource, 'scopeSpans'))
        .flatMap((scope) => list(scope, 'spans')).length
    case 'logs':
      return list(request, 'resourceLogs')
        .flatMap((resource) => list(resource, 'scopeLogs'))
        .flatMap((scope) => list(scope, 'logRecords')).length
    case 'metrics':
      return list(request, 'resourceMetrics')
        .flatMap((resource) => list(resource, 'scopeMetrics'))
        .flatMap((scope) => list(scope, 'metrics'))
        .flatMap((metric) =>
          ['gauge', 'sum', 'histogram', 'exponentialHistogram', 'summary'].map((kind) => metric[kind]),
        )
        .filter((data) => data !== undefined)
        .flatMap((data) => list(data, 'dataPoints')).length
    case 'profiles':
      throw new Error('the oracle does not look into profiles')
  }
}

const ID_FIELDS = new Set(['traceId', 'spanId', 'parentSpanId'])

/** A deep copy with the ids re-encoded: hex in OTLP/JSON, base64 in protobufjs's objects. */
function convertIds(value: OtlpJson, from: BufferEncoding, to: BufferEncoding): OtlpJson {
  return convert(value, '') as OtlpJson

  function convert(part: unknown, key: string): unknown {
    if (typeof part === 'string' && ID_FIELDS.has(key)) return Buffer.from(part, from).toString(to)
    if (typeof part === 'bigint') return part.toString()
    if (Array.isArray(part)) return part.map((item) => convert(item, ''))
    if (part === null || typeof part !== 'object' || part instanceof Uint8Array) return part
    return Object.fromEntries(Object.entries(part).map(([field, item]) => [field, convert(item, field)]))
  }
}
