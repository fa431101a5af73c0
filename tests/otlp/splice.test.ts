import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { RefCache } from '../../otlp/resource-cache.ts'
import { scanTraces } from '../../otlp/scan-traces.ts'
import { Source } from '../../otlp/source.ts'
import { SpanEdits } from '../../otlp/span-edits.ts'
import { Column, SpanTable } from '../../otlp/span-table.ts'
import { encodeSpans } from '../../otlp/splice.ts'
import { traceRequest } from '../support/otlp-builder.ts'
import { decodeRequest } from '../support/otlp-oracle.ts'
import { scan } from '../support/scan.ts'

const REQUEST = traceRequest([
  {
    service: 'frontend',
    spans: [
      {
        name: 'GET /',
        kind: 'server',
        traceId: 1,
        spanId: 1,
        startNano: 10n,
        endNano: 90n,
        attributes: { a: 'x', b: 2 },
      },
      { name: 'cart', kind: 'client', traceId: 1, spanId: 2, parentId: 1, startNano: 20n, endNano: 80n },
    ],
  },
  {
    service: 'cart',
    spans: [{ name: 'cart', kind: 'server', traceId: 1, spanId: 3, parentId: 2, startNano: 30n, endNano: 70n }],
  },
])

interface DecodedSpan {
  readonly attributes: readonly { readonly key: string; readonly value: unknown }[]
}

function spansOf(bytes: Uint8Array): readonly DecodedSpan[] {
  const request = decodeRequest('traces', bytes) as {
    resourceSpans: { scopeSpans: { spans: DecodedSpan[] }[] }[]
  }
  return request.resourceSpans.flatMap((resource) => resource.scopeSpans.flatMap((scope) => scope.spans))
}

describe('scanning a trace request', () => {
  const table = scan(REQUEST)

  it('reads each span into a row', () => {
    expect(table.count).toBe(3)
    expect([0, 1, 2].map((row) => table.name(row))).toEqual(['GET /', 'cart', 'cart'])
    expect(table.spanIdHex(2)).toBe('0000000000000003')
    expect(table.parentIdHex(2)).toBe('0000000000000002')
    expect(table.timeUnixNano(1, Column.end)).toBe(80n)
    expect(table.resourceOf(2).serviceName).toBe('cart')
    expect(table.kind(2)).toBe(2)
  })

  it.each([...REQUEST.keys()].slice(1))('cut off at byte %i it is malformed, or a shorter valid request', (length) => {
    const result = scanTraces(new Source(REQUEST.slice(0, length)), new RefCache())
    if (result instanceof SpanTable) expect(result.count).toBeLessThan(3)
    else
      expect(result).toMatchObject({
        path: expect.stringMatching(/^ExportTraceServiceRequest/),
        problem: expect.any(String),
      })
  })

  it('survives random changes of its bytes', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(REQUEST.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 }),
        (changes) => {
          const bytes = REQUEST.slice()
          for (const [at, value] of changes) bytes[at] = value
          const result = scanTraces(new Source(bytes), new RefCache())
          if (!(result instanceof SpanTable)) expect(result.byteOffset).toBeLessThanOrEqual(bytes.length)
          else encodeSpans(result, new SpanEdits(result))
        },
      ),
      { numRuns: 5000 },
    )
  })
})

describe('encoding spans', () => {
  it('gives the very bytes of the request when nothing was edited', () => {
    const table = scan(REQUEST)
    expect(encodeSpans(table, null)).toBe(table.sources[0]!.bytes)
  })

  it('adds attributes and leaves everything else as it was', () => {
    const table = scan(REQUEST)
    const edits = new SpanEdits(table)
    edits.appendToStringArray(1, 'blindspot.rules', 'CTX-001')
    edits.appendToStringArray(1, 'blindspot.rules', 'LIFE-001')
    const before = spansOf(REQUEST)
    const after = spansOf(encodeSpans(table, edits))
    expect(after[0]).toEqual(before[0])
    expect(after[2]).toEqual(before[2])
    expect(after[1]!.attributes).toEqual([
      {
        key: 'blindspot.rules',
        value: { arrayValue: { values: [{ stringValue: 'CTX-001' }, { stringValue: 'LIFE-001' }] } },
      },
    ])
  })

  it('replaces an attribute of the same key, so that keys stay unique', () => {
    const table = scan(REQUEST)
    const edits = new SpanEdits(table)
    edits.appendString(0, 'a', 'y')
    const keys = spansOf(encodeSpans(table, edits))[0]!.attributes.map((attribute) => attribute.key)
    expect(keys.sort()).toEqual(['a', 'b'])
  })

  it('replaces fixed fields', () => {
    const table = scan(REQUEST)
    const edits = new SpanEdits(table)
    edits.setParentId(2, 0, 9)
    edits.setTime(2, Column.end, 0, 77)
    const again = scan(encodeSpans(table, edits))
    expect(again.parentIdHex(2)).toBe('0000000000000009')
    expect(again.timeUnixNano(2, Column.end)).toBe(77n)
  })

  it('leaves out dropped spans, and resources that have none left', () => {
    const table = scan(REQUEST)
    const edits = new SpanEdits(table)
    edits.drop(2)
    const again = scan(encodeSpans(table, edits))
    expect(again.count).toBe(2)
    expect(again.resources.map((resource) => resource.serviceName)).toEqual(['frontend'])
  })

  it('leaves attributes away, and nothing else, where nobody will read the spans, clones included', () => {
    const table = scan(REQUEST)
    const edits = new SpanEdits(table, null, true)
    const clone = edits.clone()
    for (const unread of [edits, clone]) {
      unread.appendString(0, 'a', 'y')
      unread.appendInt64(0, 'c', 0, 1)
      unread.appendDouble(0, 'd', 1)
      unread.appendToStringArray(0, 'blindspot.rules', 'CTX-001')
      expect(unread.isEmpty).toBe(true)
      unread.setTime(0, Column.end, 0, 77)
      const again = encodeSpans(table, unread)
      expect(scan(again).timeUnixNano(0, Column.end)).toBe(77n)
      expect(spansOf(again)[0]!.attributes).toEqual(spansOf(REQUEST)[0]!.attributes)
    }
  })

  it('keeps the edits of a branch apart from those of its clone', () => {
    const table = scan(REQUEST)
    const edits = new SpanEdits(table)
    const clone = edits.clone()
    clone.drop(0)
    expect(edits.isDropped(0)).toBe(false)
    expect(encodeSpans(table, edits)).toBe(REQUEST)
  })
})
