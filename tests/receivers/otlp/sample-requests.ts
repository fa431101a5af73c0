import type { Signal } from '../../../component/signal.ts'
import { logsRequest, metricsRequest, traceRequest } from '../../support/otlp-builder.ts'

/** A request with `count` spans. */
export function spans(count: number, service = 'shop'): Uint8Array {
  const list = Array.from({ length: count }, (_, i) => ({
    name: `GET /item/${i}`,
    traceId: 1 + i,
    spanId: 1 + i,
    attributes: { 'http.route': '/item/{id}' },
  }))
  return traceRequest([{ service, spans: list }])
}

/** One request of each signal, with how many items it holds. */
export const SAMPLES: Readonly<Record<Signal, { readonly items: number; readonly bytes: Uint8Array }>> = {
  traces: { items: 3, bytes: spans(3) },
  metrics: {
    items: 2,
    bytes: metricsRequest([
      { service: 'shop', metrics: [{ name: 'load', gauge: { dataPoints: [{ asDouble: 1 }, { asDouble: 2 }] } }] },
    ]),
  },
  logs: { items: 1, bytes: logsRequest([{ service: 'shop', logs: [{ body: { stringValue: 'sold out' } }] }]) },
  // resource_profiles { scope_profiles { profiles {} profiles {} } }: opaque to us, so written out.
  profiles: { items: 2, bytes: Uint8Array.from([0x0a, 0x06, 0x12, 0x04, 0x12, 0x00, 0x12, 0x00]) },
}

/** Not protobuf at all: an unfinished varint. */
export const GARBAGE = Uint8Array.from([0x0a, 0x05, 0xff, 0xff])
