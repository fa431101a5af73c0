import type { Attributes, SpanSpec } from '../../tests/support/otlp-builder.ts'
import { mix } from './fresh-ids.ts'
import { type MarkedRequest, markedRequest } from './marked-request.ts'

export const SERVICES = ['frontend', 'cart', 'pricing', 'stock'] as const
export const SPANS_PER_REQUEST = 512
/** Each service has two spans of a trace: the call it serves, and the call it makes. */
export const TRACES_PER_REQUEST = SPANS_PER_REQUEST / 2
export const SPANS_PER_TRACE = SERVICES.length * 2

/** Of the 256 traces of a request, those that are broken, so that detectors have something to find: one of each. */
export const BROKEN = { childOutlivesParent: 64, orphan: 128, contextLost: 255 } as const

export const GRPC_PREFIX_BYTES = 5

/**
 * What a service of the chain sends, as a gRPC message: as an SDK would, with its resource once and 512 spans of 2 for
 * each trace.
 */
export function requestTemplate(service: number, variant: number): MarkedRequest {
  const spans: SpanSpec[] = []
  for (let trace = 0; trace < TRACES_PER_REQUEST; trace++) {
    const hasParent = service > 0 && !(service === SERVICES.length - 1 && trace === BROKEN.contextLost)
    spans.push({ ...serving(service, trace, variant), parentId: hasParent ? 1 : null })
    spans.push({ ...calling(service, trace, variant), parentId: 1 })
  }
  const parts = [{ service: SERVICES[service]!, resource: resourceOf(service), scope: SCOPE, spans }]
  const request = markedRequest(parts, GRPC_PREFIX_BYTES)
  request.message.writeUInt32BE(request.message.length - GRPC_PREFIX_BYTES, 1)
  return request
}

const SCOPE = { name: 'go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc', version: '0.70.0' }

function resourceOf(service: number): Attributes {
  return {
    'service.version': '1.14.2',
    'service.instance.id': `${SERVICES[service]}-6d5f7c9b8-x2k4q`,
    'deployment.environment.name': 'bench',
    'host.id': '5f0c1a7e9b3d4c62',
    'telemetry.sdk.name': 'opentelemetry',
    'telemetry.sdk.language': 'go',
    'telemetry.sdk.version': '1.45.0',
  }
}

/** Attributes as otelhttp and otelgrpc write them; values differ from span to span as users, routes and addresses do. */
function serving(service: number, trace: number, variant: number): SpanSpec {
  const random = mix(trace + 1000 * variant + 77_777 * service)
  if (service > 0) return rpcSpan('server', service, trace, random)
  const route = `/api/v2/${['products', 'baskets', 'customers', 'orders'][random % 4]}/{id}`
  return {
    name: `GET ${route}`,
    kind: 'server',
    attributes: {
      'http.request.method': 'GET',
      'http.route': route,
      'http.response.status_code': 200,
      'url.path': route.replace('{id}', `${random}`),
      'url.scheme': 'https',
      'server.address': 'shop.example.com',
      'client.address': `10.12.${random & 255}.${(random >>> 8) & 255}`,
      'network.protocol.version': '1.1',
      'user_agent.original': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
      'app.tenant': `tenant-${(random >>> 16) % 40}`,
    },
  }
}

function calling(service: number, trace: number, variant: number): SpanSpec {
  const random = mix(trace + 1000 * variant + 77_777 * service + 1)
  if (service < SERVICES.length - 1) return rpcSpan('client', service + 1, trace, random)
  return {
    name: 'SELECT stock.levels',
    kind: 'client',
    attributes: {
      'db.system.name': 'postgresql',
      'db.namespace': 'stock',
      'db.collection.name': 'levels',
      'db.operation.name': 'SELECT',
      'db.query.text': 'SELECT sku, site, level, reserved FROM levels WHERE sku = ANY($1) AND site = $2',
      'server.address': 'stock-db.shop.svc.cluster.local',
      'server.port': 5432,
      'db.response.returned_rows': random % 30,
      'app.tenant': `tenant-${(random >>> 16) % 40}`,
    },
  }
}

/** Both sides of a call name the same method: it is told by the trace. */
function rpcSpan(kind: 'server' | 'client', callee: number, trace: number, random: number): SpanSpec {
  const name = SERVICES[callee]!
  const method = ['Get', 'List', 'Reserve', 'Quote'][trace % 4]!
  return {
    name: `shop.v2.${name}.Service/${method}`,
    kind,
    attributes: {
      'rpc.system': 'grpc',
      'rpc.service': `shop.v2.${name}.Service`,
      'rpc.method': method,
      'rpc.grpc.status_code': 0,
      'server.address': `${name}.shop.svc.cluster.local`,
      'server.port': 50051,
      'network.peer.address': `10.12.${random & 255}.${(random >>> 8) & 255}`,
      'network.peer.port': 30_000 + (random % 30_000),
      'app.request.id': `${random.toString(16).padStart(8, '0')}-77aa-4c1e`,
      'app.tenant': `tenant-${(random >>> 16) % 40}`,
    },
  }
}
