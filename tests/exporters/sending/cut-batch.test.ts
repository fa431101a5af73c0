import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import type { Batch } from '../../../component/batch.ts'
import { ByteBudget } from '../../../component/budget.ts'
import { requestsOf } from '../../../exporters/sending/cut-batch.ts'
import type { OutgoingRequest } from '../../../exporters/sending/outgoing.ts'
import { SpanEdits } from '../../../otlp/span-edits.ts'
import { logsBatch, opaqueBytes } from '../../support/batches.ts'
import { metricsRequest, type ServiceSpans } from '../../support/otlp-builder.ts'
import { decodeRequest, type OtlpJson } from '../../support/otlp-oracle.ts'
import { tracesBatch } from '../../support/scan.ts'

function newBudget(): ByteBudget {
  return new ByteBudget(1e9)
}

/** `name of the service/name of the span` with its attributes, in the order of the request. */
function spansIn(request: OutgoingRequest | { bytes: Uint8Array }): string[] {
  const { resourceSpans = [] } = decodeRequest('traces', request.bytes) as { resourceSpans?: OtlpJson[] }
  return (resourceSpans as unknown as ResourceSpans[]).flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) =>
      spans.map(({ name, attributes = [] }) => JSON.stringify([resource.attributes[0], name, attributes])),
    ),
  )
}

interface ResourceSpans {
  readonly resource: { readonly attributes: readonly OtlpJson[] }
  readonly scopeSpans: readonly { readonly spans: readonly { name: string; attributes?: OtlpJson[] }[] }[]
}

function bytesOf(requests: readonly OutgoingRequest[]): number[] {
  return requests.map(({ bytes }) => bytes.length)
}

const aBatch = fc
  .array(
    fc.record({
      service: fc.constantFrom('cart', 'shop', 'a service with a name that takes room'),
      spans: fc.array(fc.nat(400), { minLength: 1, maxLength: 20 }),
    }),
    { minLength: 1, maxLength: 5 },
  )
  .map((services) => {
    let number = 0
    return services.map(
      ({ service, spans }): ServiceSpans => ({
        service,
        spans: spans.map((padding) => ({ name: `${number++}${'.'.repeat(padding)}`, spanId: number })),
      }),
    )
  })

describe('requestsOf', () => {
  it('loses no span, changes none and keeps within the limit, where more than one is in a request', () => {
    fc.assert(
      fc.property(aBatch, fc.integer({ min: 100, max: 3000 }), fc.nat(3), (services, maxBytes, every) => {
        const budget = newBudget()
        const batch = tracesBatch(services)
        batch.edits = new SpanEdits(batch.table)
        for (let row = 0; row < batch.table.count; row++) {
          if (every > 0 && row % (every + 1) === 0) batch.edits.appendString(row, 'added', 'x'.repeat(row))
          if (every > 1 && row % every === 1) batch.edits.drop(row)
        }
        const whole = spansIn({ bytes: batch.encode() })
        const requests = requestsOf(batch, maxBytes, budget)
        expect(requests.flatMap(spansIn).sort()).toEqual(whole.sort())
        for (const request of requests) {
          if (request.items > 1) expect(request.bytes.length).toBeLessThanOrEqual(maxBytes)
          expect(spansIn(request)).toHaveLength(request.items)
          request.release()
        }
        batch.release()
        expect(budget.usedBytes).toBe(0)
      }),
    )
  })

  it('fills each but the last, in the order of the batch', () => {
    const spans = Array.from({ length: 1000 }, (_, i) => ({ name: `span ${i}`, attributes: { text: 'x'.repeat(300) } }))
    const requests = requestsOf(tracesBatch([{ service: 'shop', spans }]), 40_000, newBudget())
    expect(requests).toHaveLength(11)
    expect(Math.min(...bytesOf(requests.slice(0, -1)))).toBeGreaterThan(35_000)
    expect(requests.flatMap(spansIn).map((span) => JSON.parse(span)[1])).toEqual(spans.map(({ name }) => name))
  })

  it.each<[string, Batch]>([
    ['spans', tracesBatch([{ service: 'shop', spans: [{ name: 'a' }, { name: 'b' }] }])],
    ['logs', logsBatch('a', 'b')],
  ])('leaves a batch within the limit as it is: %s', (_, batch) => {
    const whole = batch.encode()
    for (const maxBytes of [whole.length, 0]) {
      const [request, ...more] = requestsOf(batch, maxBytes, newBudget())
      expect([request!.bytes === whole, more.length]).toEqual([true, 0])
    }
  })

  it('lets an item that alone is larger go alone', () => {
    const spans = ['a', 'b'.repeat(500), 'c'].map((name) => ({ name }))
    const requests = requestsOf(tracesBatch([{ service: 'shop', spans }]), 200, newBudget())
    expect(requests.map(({ items }) => items)).toEqual([1, 1, 1])
  })

  it('cuts logs and metrics too', () => {
    const budget = newBudget()
    const texts = Array.from({ length: 50 }, (_, i) => `record ${i} ${'x'.repeat(100)}`)
    const points = Array.from({ length: 60 }, (_, i) => ({ timeUnixNano: String(i + 1), asDouble: i }))
    const metrics = metricsRequest([{ service: 'shop', metrics: [{ name: 'm', gauge: { dataPoints: points } }] }])
    for (const [batch, items] of [
      [logsBatch(...texts), 50],
      [opaqueBytes('metrics', metrics, 60), 60],
    ] as const) {
      const requests = requestsOf(batch, 500, budget)
      expect(Math.max(...bytesOf(requests))).toBeLessThanOrEqual(500)
      expect(requests.reduce((sum, request) => sum + request.items, 0)).toBe(items)
      for (const request of requests) request.release()
      expect(budget.usedBytes).toBe(0)
    }
  })
})
