import { describe, expect, it } from '@jest/globals'
import { countSpans } from '../../../bench/load/count-spans.ts'
import { LoadSequence, RequestSlot } from '../../../bench/load/fresh-request.ts'
import { SERVICES, SPANS_PER_REQUEST, TRACES_PER_REQUEST } from '../../../bench/load/request-template.ts'
import { decodeRequest } from '../../support/otlp-oracle.ts'

interface Span {
  readonly service: string
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
}

interface Request {
  readonly resourceSpans: readonly {
    readonly resource: {
      readonly attributes: readonly { readonly key: string; readonly value: { stringValue: string } }[]
    }
    readonly scopeSpans: readonly { readonly spans: readonly Omit<Span, 'service'>[] }[]
  }[]
}

const GRPC_PREFIX_BYTES = 5

/** Groups of four requests, taken in turn from two of the slots that the generator keeps in flight. */
function load(groups: number): { sizes: number[]; spans: Span[] } {
  const sequence = new LoadSequence()
  const slots = [new RequestSlot(sequence, 0), new RequestSlot(sequence, 1)]
  const sizes: number[] = []
  const spans: Span[] = []
  for (let i = 0; i < groups * SERVICES.length; i++) {
    const body = slots[i % slots.length]!.next().subarray(GRPC_PREFIX_BYTES)
    sizes.push(body.length)
    for (const { resource, scopeSpans } of (decodeRequest('traces', body) as unknown as Request).resourceSpans) {
      const service = resource.attributes.find(({ key }) => key === 'service.name')!.value.stringValue
      for (const scope of scopeSpans) spans.push(...scope.spans.map((span) => ({ ...span, service })))
    }
  }
  return { sizes, spans }
}

describe('the load of the bench', () => {
  const { sizes, spans } = load(2)
  const traces = Map.groupBy(spans, ({ traceId }) => traceId)

  it('has requests of 512 spans of about 420 bytes', () => {
    expect(spans).toHaveLength(sizes.length * SPANS_PER_REQUEST)
    const meanBytes = sizes.reduce((sum, size) => sum + size, 0) / spans.length
    expect(Math.abs(meanBytes - 420)).toBeLessThan(10)
  })

  it('never repeats an id', () => {
    expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(spans.length)
    // One trace in a request of the last service begins anew.
    expect(traces.size).toBe(2 * (TRACES_PER_REQUEST + 1))
  })

  it('has traces of 8 spans from four services, but for those that lost their context', () => {
    const sizesOfTraces = [...traces.values()].map((trace) => trace.length)
    expect(sizesOfTraces.filter((size) => size !== 8).sort()).toEqual([2, 2, 6, 6])
    const whole = [...traces.values()].find((trace) => trace.length === 8)!
    expect(new Set(whole.map(({ service }) => service))).toEqual(new Set(SERVICES))
  })

  it('has one orphan, one lost context and one child that outlives its parent in 256 traces', () => {
    const byId = new Map(spans.map((span) => [span.spanId, span]))
    const orphans = spans.filter(({ parentSpanId }) => parentSpanId !== undefined && !byId.has(parentSpanId))
    expect(orphans.map(({ service }) => service)).toEqual(['pricing', 'pricing'])
    const roots = spans.filter(({ parentSpanId }) => parentSpanId === undefined)
    expect(roots.filter(({ service }) => service !== 'frontend').map(({ service }) => service)).toEqual([
      'stock',
      'stock',
    ])
    const outliving = spans.filter(({ parentSpanId, endTimeUnixNano }) => {
      const parent = byId.get(parentSpanId ?? '')
      return parent !== undefined && BigInt(endTimeUnixNano) > BigInt(parent.endTimeUnixNano)
    })
    expect(outliving.map(({ service }) => service)).toEqual(['stock', 'stock'])
  })

  it('happens now', () => {
    const startMs = spans.map(({ startTimeUnixNano }) => Number(BigInt(startTimeUnixNano) / 1_000_000n))
    for (const ms of startMs) expect(Math.abs(Date.now() - ms)).toBeLessThan(60_000)
  })
})

describe('countSpans', () => {
  it('counts what the oracle counts', () => {
    const sequence = new LoadSequence()
    const body = new RequestSlot(sequence, 0).next().subarray(GRPC_PREFIX_BYTES)
    expect(countSpans(body)).toBe(SPANS_PER_REQUEST)
    expect(countSpans(Buffer.concat([body, body]))).toBe(2 * SPANS_PER_REQUEST)
    expect(countSpans(Buffer.alloc(0))).toBe(0)
  })

  it('refuses what breaks off', () => {
    const body = new RequestSlot(new LoadSequence(), 0).next().subarray(GRPC_PREFIX_BYTES)
    expect(() => countSpans(body.subarray(0, body.length - 1))).toThrow('reaches past')
  })
})
