import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { jsonToProtobuf } from '../../../otlp/json/json-to-protobuf.ts'
import { quickJsonToProtobuf } from '../../../otlp/json/quick-json.ts'
import { messageSchema } from '../../../otlp/json/schema.ts'
import { mutated } from '../../fuzz/mutate.ts'
import { arbitraryRequest } from '../../support/otlp-arbitraries.ts'
import { traceRequestJson } from '../../support/otlp-builder.ts'
import { Random } from '../../support/wire-noise.ts'

const REQUESTS = {
  traces: 'ExportTraceServiceRequest',
  metrics: 'ExportMetricsServiceRequest',
  logs: 'ExportLogsServiceRequest',
} as const
type Signal = keyof typeof REQUESTS

function quick(signal: Signal, text: string | Uint8Array): Uint8Array | null {
  return quickJsonToProtobuf(messageSchema(REQUESTS[signal]), Buffer.from(text))
}

/** By JSON.parse, which takes every form. */
function slow(signal: Signal, text: string | Uint8Array): unknown {
  return jsonToProtobuf(signal, Buffer.from(text).toString('utf8'))
}

const SPANS = traceRequestJson([
  {
    service: 'cart',
    spans: [
      {
        name: 'GET "/" 東京',
        kind: 'client',
        parentId: 7,
        attributes: { a: 'b', n: 200n, d: 1.5, yes: true, list: ['x', { k: '\\' }] },
        events: [{ name: 'e' }],
        status: { code: 2, message: 'm' },
        flags: 257,
      },
    ],
  },
])

describe('OTLP/JSON as encoders write it, read in one pass', () => {
  it.each(['traces', 'metrics', 'logs'] as const)('gives of %s what JSON.parse leads to, or nothing', (signal) => {
    fc.assert(
      fc.property(arbitraryRequest(signal), fc.constantFrom(undefined, 2, '\t'), (request, indent) => {
        const text = JSON.stringify(request, null, indent)
        const outcome = quick(signal, text)
        if (outcome !== null) expect(outcome).toEqual(slow(signal, text))
      }),
    )
  })

  it('reads what the exporters of SDKs and the Collector write', () => {
    expect(quick('traces', JSON.stringify(SPANS))).toEqual(slow('traces', JSON.stringify(SPANS)))
  })

  it.each([
    ['{}', ''],
    [' {\r\n\t} ', ''],
    ['{"resourceSpans":[]}', ''],
    ['{"resourceSpans":[{"schemaUrl":"a\\u00e9\\n"}]}', '0a061a0461c3a90a'],
  ])('reads %j', (text, hex) => {
    expect(Buffer.from(quick('traces', text)!).toString('hex')).toBe(hex)
  })

  it.each([
    ['a name in snake_case', '{"resource_spans":[]}'],
    ['an unknown name', '{"resourceSpans":[],"more":1}'],
    ['a name twice', '{"resourceSpans":[],"resourceSpans":[]}'],
    ['a null', '{"resourceSpans":null}'],
    ['an enum by its name', '{"resourceSpans":[{"scopeSpans":[{"spans":[{"kind":"SPAN_KIND_CLIENT"}]}]}]}'],
    ['a leading zero', '{"resourceSpans":[{"scopeSpans":[{"spans":[{"kind":01}]}]}]}'],
    ['a comma too many', '{"resourceSpans":[{},]}'],
    ['a comma too few', '{"resourceSpans":[{}{}]}'],
    ['a text that breaks off', '{"resourceSpans":[{"schemaUrl":"a'],
    ['more after the end', '{} {}'],
    ['nothing', ''],
    ['bytes that are no UTF-8', Buffer.from('{"resourceSpans":[{"schemaUrl":"\xff"}]}', 'latin1')],
  ])('leaves %s to JSON.parse', (_, text) => {
    expect(quick('traces', text)).toBeNull()
  })

  it('gives of any mutation what JSON.parse leads to, or nothing', () => {
    const random = new Random(1)
    const text = Buffer.from(JSON.stringify(SPANS))
    for (let i = 0; i < 20_000; i++) {
      const changed = mutated(text, random)
      const outcome = quick('traces', changed)
      if (outcome === null) continue
      const expected = slow('traces', changed)
      if (!(expected instanceof Uint8Array) || !Buffer.from(outcome).equals(expected))
        throw new Error(`${i}: ${Buffer.from(changed).toString('latin1')}`)
    }
  })
})
