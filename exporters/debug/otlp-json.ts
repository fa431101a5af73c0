import type { Batch } from '../../component/batch.ts'
import { protobufToJson } from '../../otlp/json/protobuf-to-json.ts'
import { Malformed } from '../../otlp/malformed.ts'

/** OTLP/JSON as objects: absent fields are absent, ids hex, 64-bit numbers decimal strings. */
export type Json = { readonly [field: string]: unknown }

/** What a batch holds. */
export function readJson(batch: Batch): Json | Malformed {
  const json = protobufToJson(batch.signal, batch.encode())
  return json instanceof Malformed ? json : JSON.parse(json.toString('utf8'))
}

export function listOf(parent: Json, field: string): readonly Json[] {
  return (parent[field] as readonly Json[] | undefined) ?? []
}

export function objectOf(parent: Json, field: string): Json {
  return (parent[field] as Json | undefined) ?? {}
}

export function textOf(parent: Json, field: string): string {
  const value = parent[field]
  return value === undefined ? '' : String(value)
}

/** The resource, scope and item lists of each signal. */
export const SHAPES = {
  traces: { resources: 'resourceSpans', scopes: 'scopeSpans', items: 'spans' },
  metrics: { resources: 'resourceMetrics', scopes: 'scopeMetrics', items: 'metrics' },
  logs: { resources: 'resourceLogs', scopes: 'scopeLogs', items: 'logRecords' },
} as const

/** The five kinds of metric, by the field of Metric that holds their points. */
export const METRIC_KINDS = ['gauge', 'sum', 'histogram', 'exponentialHistogram', 'summary'] as const

/** The type and the value of an AnyValue, for people. */
export function anyValue(value: Json): { readonly type: string; readonly text: string } {
  const [kind, content] = Object.entries(value)[0] ?? ['empty', '']
  switch (kind) {
    case 'stringValue':
      return { type: 'Str', text: String(content) }
    case 'boolValue':
      return { type: 'Bool', text: String(content) }
    case 'intValue':
      return { type: 'Int', text: String(content) }
    case 'doubleValue':
      return { type: 'Double', text: String(content) }
    case 'bytesValue':
      return { type: 'Bytes', text: String(content) }
    case 'arrayValue':
      return {
        type: 'Slice',
        text: `[${listOf(content as Json, 'values')
          .map(quoted)
          .join(',')}]`,
      }
    case 'kvlistValue':
      return {
        type: 'Map',
        text: `{${listOf(content as Json, 'values')
          .map(quotedPair)
          .join(',')}}`,
      }
    default:
      return { type: 'Empty', text: '' }
  }
}

function quoted(value: Json): string {
  const { type, text } = anyValue(value)
  return type === 'Str' ? JSON.stringify(text) : text
}

function quotedPair(pair: Json): string {
  return `${JSON.stringify(textOf(pair, 'key'))}:${quoted(objectOf(pair, 'value'))}`
}

/** `key=value` for each attribute. */
export function pairsOf(attributes: readonly Json[]): string[] {
  return attributes.map((pair) => `${textOf(pair, 'key')}=${anyValue(objectOf(pair, 'value')).text}`)
}

/** Nanoseconds since the epoch as `2026-01-01 00:00:00.123456789 +0000 UTC`, as the Collector prints times. */
export function utcTime(unixNano: unknown): string {
  const nano = BigInt((unixNano as string | undefined) ?? 0)
  const second = new Date(Number(nano / 1_000_000_000n) * 1000).toISOString().slice(0, 19).replace('T', ' ')
  const fraction = String(nano % 1_000_000_000n)
    .padStart(9, '0')
    .replace(/0+$/, '')
  return `${second}${fraction === '' ? '' : `.${fraction}`} +0000 UTC`
}
