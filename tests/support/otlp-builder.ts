import { encodeRequest, type OtlpJson } from './otlp-oracle.ts'

/** Short forms in which tests write down requests; what is left out gets a plain default. */
export interface SpanSpec {
  readonly name?: string
  /** `internal` where left out. */
  readonly kind?: keyof typeof KINDS
  /** Hex, or a number that stands for itself: 7 is 0000…0007. */
  readonly traceId?: string | number
  readonly spanId?: string | number
  readonly parentId?: string | number | null
  readonly startNano?: bigint | number
  readonly endNano?: bigint | number
  readonly attributes?: Attributes
  readonly events?: readonly { readonly name: string; readonly timeNano?: bigint; readonly attributes?: Attributes }[]
  readonly links?: readonly {
    readonly traceId: string | number
    readonly spanId: string | number
    readonly attributes?: Attributes
  }[]
  readonly status?: { readonly code: 0 | 1 | 2; readonly message?: string }
  readonly flags?: number
  readonly traceState?: string
}

export interface ServiceSpec {
  /** `service.name`; null leaves the attribute out. */
  readonly service: string | null
  /** Further resource attributes. */
  readonly resource?: Attributes
  readonly scope?: { readonly name: string; readonly version?: string }
}

export type ServiceSpans = ServiceSpec & { readonly spans: readonly SpanSpec[] }
export type ServiceMetrics = ServiceSpec & { readonly metrics: readonly OtlpJson[] }
export type ServiceLogs = ServiceSpec & { readonly logs: readonly OtlpJson[] }

/** bigint and whole numbers become intValue, other numbers doubleValue, objects kvlistValue, Uint8Array bytesValue. */
export type AttributeSpec =
  | string
  | number
  | bigint
  | boolean
  | Uint8Array
  | null
  | readonly AttributeSpec[]
  | { readonly [key: string]: AttributeSpec }
export type Attributes = Readonly<Record<string, AttributeSpec>>

const KINDS = { unspecified: 0, internal: 1, server: 2, client: 3, producer: 4, consumer: 5 } as const

/** 2026-01-01T00:00:00Z, where spans of tests start if nothing else is said. */
export const TEST_START_NANO = 1_767_225_600_000_000_000n

/** An ExportTraceServiceRequest: one ResourceSpans with one scope for each entry. */
export function traceRequest(services: readonly ServiceSpans[]): Uint8Array {
  return encodeRequest('traces', traceRequestJson(services))
}

export function traceRequestJson(services: readonly ServiceSpans[]): OtlpJson {
  return {
    resourceSpans: services.map((service) => ({
      resource: resourceJson(service),
      scopeSpans: [{ ...scopeJson(service), spans: service.spans.map(spanJson) }],
    })),
  }
}

/** An ExportMetricsServiceRequest; metrics are written as OTLP/JSON. */
export function metricsRequest(services: readonly ServiceMetrics[]): Uint8Array {
  return encodeRequest('metrics', {
    resourceMetrics: services.map((service) => ({
      resource: resourceJson(service),
      scopeMetrics: [{ ...scopeJson(service), metrics: service.metrics }],
    })),
  })
}

/** An ExportLogsServiceRequest; log records are written as OTLP/JSON. */
export function logsRequest(services: readonly ServiceLogs[]): Uint8Array {
  return encodeRequest('logs', {
    resourceLogs: services.map((service) => ({
      resource: resourceJson(service),
      scopeLogs: [{ ...scopeJson(service), logRecords: service.logs }],
    })),
  })
}

export function attributesJson(attributes: Attributes = {}): OtlpJson[] {
  return Object.entries(attributes).map(([key, value]) => ({ key, value: anyValueJson(value) }))
}

function anyValueJson(value: AttributeSpec): OtlpJson {
  if (value === null) return {}
  if (typeof value === 'string') return { stringValue: value }
  if (typeof value === 'boolean') return { boolValue: value }
  if (typeof value === 'bigint' || Number.isSafeInteger(value)) return { intValue: String(value) }
  if (typeof value === 'number') return { doubleValue: Number.isFinite(value) ? value : String(value) }
  if (value instanceof Uint8Array) return { bytesValue: Buffer.from(value).toString('base64') }
  if (Array.isArray(value)) return { arrayValue: { values: value.map(anyValueJson) } }
  return { kvlistValue: { values: attributesJson(value as Attributes) } }
}

function resourceJson({ service, resource }: ServiceSpec): OtlpJson {
  const name: Attributes = service === null ? {} : { 'service.name': service }
  return { attributes: attributesJson({ ...name, ...resource }) }
}

function scopeJson({ scope }: ServiceSpec): OtlpJson {
  return scope === undefined ? {} : { scope }
}

function spanJson(span: SpanSpec): OtlpJson {
  const startNano = BigInt(span.startNano ?? TEST_START_NANO)
  return {
    traceId: idHex(span.traceId ?? 1, 32),
    spanId: idHex(span.spanId ?? 1, 16),
    ...(span.parentId != null && { parentSpanId: idHex(span.parentId, 16) }),
    ...(span.traceState !== undefined && { traceState: span.traceState }),
    name: span.name ?? 'work',
    kind: KINDS[span.kind ?? 'internal'],
    startTimeUnixNano: String(startNano),
    endTimeUnixNano: String(span.endNano ?? startNano + 1_000_000n),
    attributes: attributesJson(span.attributes),
    ...(span.events !== undefined && {
      events: span.events.map((event) => ({
        timeUnixNano: String(event.timeNano ?? startNano),
        name: event.name,
        attributes: attributesJson(event.attributes),
      })),
    }),
    ...(span.links !== undefined && {
      links: span.links.map((link) => ({
        traceId: idHex(link.traceId, 32),
        spanId: idHex(link.spanId, 16),
        attributes: attributesJson(link.attributes),
      })),
    }),
    ...(span.status !== undefined && { status: span.status }),
    ...(span.flags !== undefined && { flags: span.flags }),
  }
}

/** An id as lowercase hex of the given length. */
export function idHex(id: string | number, digits: 16 | 32): string {
  return typeof id === 'string' ? id : id.toString(16).padStart(digits, '0')
}
