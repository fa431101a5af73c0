import { attributeKey, hasAttribute, stringAttribute } from '../otlp/attributes.ts'
import { SpanKind, type SpanTable } from '../otlp/span-table.ts'
import type { Boundary } from './finding.ts'
import { rpcNameOf } from './rpc-name.ts'

const RPC_SYSTEM = ['rpc.system.name', 'rpc.system', 'component'].map(attributeKey)
const GRPC_KEYS = ['rpc.grpc.status_code', 'grpc.status_code', 'grpc.path'].map(attributeKey)
/** The last ones are all that proxies such as Envoy say. */
const HTTP_KEYS = [
  'http.request.method',
  'http.method',
  'http.response.status_code',
  'http.status_code',
  'url.full',
  'http.url',
  'http.protocol',
].map(attributeKey)
const MESSAGING_KEYS = ['messaging.system', 'messaging.destination.name'].map(attributeKey)

/**
 * What carries a call, from old and new semantic conventions, the scope's name, the kind, and last the span's name. Asked
 * once an operation.
 */
export function boundaryOf(table: SpanTable, row: number): Boundary {
  for (const key of RPC_SYSTEM) if (stringAttribute(table, row, key)?.toLowerCase().includes('grpc')) return 'grpc'
  if (GRPC_KEYS.some((key) => hasAttribute(table, row, key))) return 'grpc'
  if (MESSAGING_KEYS.some((key) => hasAttribute(table, row, key))) return 'messaging'
  if (HTTP_KEYS.some((key) => hasAttribute(table, row, key))) return 'http'
  const scope = table.scopeOf(row).name
  if (/grpc/i.test(scope)) return 'grpc'
  if (/kafka|amqp|kotel|nats/i.test(scope)) return 'messaging'
  if (/http/i.test(scope)) return 'http'
  const kind = table.kind(row)
  if (kind === SpanKind.producer || kind === SpanKind.consumer) return 'messaging'
  const name = table.name(row)
  if (rpcNameOf(name) !== null) return 'grpc'
  if (/^(HTTP )?(GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS)\b/.test(name)) return 'http'
  return 'other'
}
