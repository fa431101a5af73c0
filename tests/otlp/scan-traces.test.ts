import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import {
  attributeKey,
  boolAttribute,
  doubleAttribute,
  hasAttribute,
  intAttribute,
  stringAttribute,
} from '../../otlp/attributes.ts'
import { hashBytes } from '../../otlp/hash.ts'
import { Malformed } from '../../otlp/malformed.ts'
import { RefCache } from '../../otlp/resource-cache.ts'
import { scanTraces } from '../../otlp/scan-traces.ts'
import { Source } from '../../otlp/source.ts'
import { Column, SpanTable } from '../../otlp/span-table.ts'
import { arbitraryRequest } from '../support/otlp-arbitraries.ts'
import { traceRequest } from '../support/otlp-builder.ts'
import { decodeRequest, encodeRequest, type OtlpJson } from '../support/otlp-oracle.ts'
import { scan } from '../support/scan.ts'
import { noisy, Random } from '../support/wire-noise.ts'

const REQUEST_TYPE = 'opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest'

interface ExpectedSpan {
  readonly span: OtlpJson
  readonly scope: OtlpJson
  readonly resource: OtlpJson
}

function spansOf(request: OtlpJson): ExpectedSpan[] {
  const list = (parent: OtlpJson, field: string) => (parent[field] ?? []) as OtlpJson[]
  return list(request, 'resourceSpans').flatMap((resource) =>
    list(resource, 'scopeSpans').flatMap((scope) => list(scope, 'spans').map((span) => ({ span, scope, resource }))),
  )
}

/** What a row says, in the words of OTLP/JSON, so that it can be held against the oracle. */
function rowAsJson(table: SpanTable, row: number) {
  return {
    traceId: table.traceIdHex(row),
    spanId: table.spanIdHex(row),
    parentSpanId: table.parentIdHex(row),
    name: table.name(row),
    kind: table.kind(row),
    start: table.timeUnixNano(row, Column.start),
    end: table.timeUnixNano(row, Column.end),
    flags: table.get(row, Column.flags),
    status: table.statusCode(row),
    links: table.linkCount(row),
    events: table.eventCount(row),
    nameHash: table.get(row, Column.nameHash),
  }
}

function expectedRow({ span }: ExpectedSpan): ReturnType<typeof rowAsJson> {
  // A lone surrogate cannot be in UTF-8, so names are compared as they were encoded.
  const name = Buffer.from(String(span.name ?? ''))
  return {
    traceId: String(span.traceId ?? '0'.repeat(32)),
    spanId: String(span.spanId ?? '0'.repeat(16)),
    parentSpanId: String(span.parentSpanId ?? '0'.repeat(16)),
    name: name.toString(),
    kind: Number(span.kind ?? 0),
    start: BigInt(String(span.startTimeUnixNano ?? 0)),
    end: BigInt(String(span.endTimeUnixNano ?? 0)),
    flags: Number(span.flags ?? 0),
    status: Number((span.status as OtlpJson | undefined)?.code ?? 0),
    links: ((span.links ?? []) as unknown[]).length,
    events: ((span.events ?? []) as unknown[]).length,
    nameHash: hashBytes(name, 0, name.length),
  }
}

/** One comparison a request: a matcher takes longer than the scan of a span. */
function expectSameAsOracle(table: SpanTable, request: OtlpJson): void {
  const rows = Array.from({ length: table.count }, (_, row) => row)
  const expected = spansOf(request)
  expect(rows.map((row) => rowAsJson(table, row))).toEqual(expected.map(expectedRow))
  expect(rows.map((row) => table.scopeOf(row).name)).toEqual(
    expected.map(({ scope }) => (scope.scope as OtlpJson | undefined)?.name ?? ''),
  )
  const values = expected.map(({ span }) => firstValues((span.attributes ?? []) as OtlpJson[]))
  expect(rows.map((row) => [...values[row]!.keys()].map((name) => lookUp(table, row, name)))).toEqual(
    values.map((ofSpan) => [...ofSpan.values()].map(expectedValue)),
  )
  expect(rows.filter((row) => hasAttribute(table, row, attributeKey('not there')))).toEqual([])
}

/** What each look-up says about an attribute. */
function lookUp(table: SpanTable, row: number, name: string) {
  const key = attributeKey(name)
  return {
    has: hasAttribute(table, row, key),
    string: stringAttribute(table, row, key),
    bool: boolAttribute(table, row, key),
    double: doubleAttribute(table, row, key),
    int: intAttribute(table, row, key),
  }
}

function expectedValue(value: OtlpJson): ReturnType<typeof lookUp> {
  return {
    has: true,
    string: (value.stringValue ?? null) as string | null,
    bool: (value.boolValue ?? null) as boolean | null,
    double: value.doubleValue === undefined ? null : Number(value.doubleValue),
    int: value.intValue === undefined ? null : Number(value.intValue),
  }
}

/** Of keys that stand twice, the first. */
function firstValues(attributes: readonly OtlpJson[]): Map<string, OtlpJson> {
  return new Map(attributes.map(({ key, value }) => [String(key), value as OtlpJson] as const).reverse())
}

describe('scanning any trace request', () => {
  it('reads what the oracle reads', () => {
    fc.assert(
      fc.property(arbitraryRequest('traces'), (request) => {
        const bytes = encodeRequest('traces', request)
        expectSameAsOracle(scan(bytes), decodeRequest('traces', bytes))
      }),
      { numRuns: 100 },
    )
  })

  it('reads the same where fields are out of order, repeated, unknown, or longer than need be', () => {
    fc.assert(
      fc.property(arbitraryRequest('traces'), fc.integer(), (request, seed) => {
        const plain = encodeRequest('traces', request)
        const bytes = noisy(REQUEST_TYPE, plain, new Random(seed))
        expectSameAsOracle(scan(bytes), decodeRequest('traces', plain))
      }),
      { numRuns: 200 },
    )
  })

  it('finds every part of it within the request', () => {
    fc.assert(
      fc.property(arbitraryRequest('traces'), fc.integer(), (request, seed) => {
        const bytes = noisy(REQUEST_TYPE, encodeRequest('traces', request), new Random(seed))
        const table = scan(bytes)
        const ends: number[] = []
        for (let row = 0; row < table.count; row++) {
          const [start, body, end] = [Column.recordStart, Column.bodyStart, Column.bodyEnd].map((c) =>
            table.get(row, c),
          )
          ends.push(start!, body!, end!)
          const nameEnd = table.get(row, Column.nameStart) + table.get(row, Column.nameLength)
          expect(nameEnd).toBeLessThanOrEqual(end!)
        }
        expect(ends).toEqual([...ends].sort((a, b) => a - b))
        expect(ends.at(-1) ?? 0).toBeLessThanOrEqual(bytes.length)
      }),
      { numRuns: 100 },
    )
  })

  it('is either whole or malformed when cut off anywhere', () => {
    fc.assert(
      fc.property(arbitraryRequest('traces'), fc.integer(), (request, seed) => {
        const bytes = noisy(REQUEST_TYPE, encodeRequest('traces', request), new Random(seed))
        // Longer ones take as many scans of as many bytes and say no more.
        fc.pre(bytes.length < 1500)
        const whole = scan(bytes).count
        const refs = new RefCache()
        for (let length = 0; length < bytes.length; length++) {
          const result = scanTraces(new Source(bytes.subarray(0, length)), refs)
          if (result instanceof SpanTable) expect(result.count).toBeLessThanOrEqual(whole)
          else expect(result.byteOffset).toBeLessThanOrEqual(length)
        }
      }),
      { numRuns: 20 },
    )
  })

  it('gives the same rows in a table that was used before', () => {
    const many = traceRequest([{ service: 'a', spans: [{ parentId: 7, flags: 3 }, { attributes: { x: 1 } }, {}] }])
    const few = traceRequest([{ service: 'b', spans: [{ name: 'only' }] }])
    const refs = new RefCache()
    const reused = scanTraces(new Source(many), refs)
    if (reused instanceof Malformed) throw new Error(reused.message)
    const again = scanTraces(new Source(few), refs, reused)
    expect(again).toBe(reused)
    expect(rowAsJson(reused, 0)).toEqual(rowAsJson(scan(few), 0))
    expect(reused.count).toBe(1)
    expect(reused.resources.map((resource) => resource.serviceName)).toEqual(['b'])
  })
})

describe('a field that is unusual', () => {
  const id = (length: number, fill = 1) => [length, ...new Array<number>(length).fill(fill)]
  /** One span with these fields, in a request. */
  const request = (...fields: number[]): Uint8Array => {
    const span = [0x12, fields.length, ...fields]
    const scope = [0x12, span.length, ...span]
    return Uint8Array.from([0x0a, scope.length, ...scope])
  }

  it.each([
    ['a trace id of no bytes is absent', [0x0a, 0], { traceId: '0'.repeat(32) }],
    ['a second, empty trace id takes the first one away', [0x0a, ...id(16), 0x0a, 0], { traceId: '0'.repeat(32) }],
    ['the last of two parent ids counts', [0x22, ...id(8), 0x22, ...id(8, 2)], { parentSpanId: '02'.repeat(8) }],
    ['the last of two kinds counts', [0x30, 2, 0x30, 3], { kind: 3 }],
    ['a kind beyond 7 bits reads as 127', [0x30, 0x80, 0x02], { kind: 127 }],
    ['a negative kind reads as 127', [0x30, ...new Array<number>(9).fill(0xff), 1], { kind: 127 }],
    ['the last of two names counts', [0x2a, 1, 0x61, 0x2a, 1, 0x62], { name: 'b' }],
    ['a status without a code leaves the one before', [0x7a, 2, 0x18, 2, 0x7a, 3, 0x12, 1, 0x78], { status: 2 }],
    ['a status with a code overrides the one before', [0x7a, 2, 0x18, 2, 0x7a, 2, 0x18, 1], { status: 1 }],
    [
      'a field of another wire type than it should be is unknown',
      [0x09, ...id(8).slice(1)],
      { traceId: '0'.repeat(32) },
    ],
    ['a tag longer than need be is the same tag', [0xb0, 0x80, 0x00, 4], { kind: 4 }],
    ['a length longer than need be is the same length', [0x2a, 0x81, 0x80, 0x00, 0x61], { name: 'a' }],
    [
      'an unknown group is passed over',
      [0x9b, 0x06, 0x08, 1, 0x9b, 0x06, 0x9c, 0x06, 0x9c, 0x06, 0x30, 1],
      { kind: 1 },
    ],
    ['flags have a tag of two bytes', [0x85, 0x01, 1, 2, 0, 0], { flags: 0x201 }],
  ])('%s', (_name, fields, expected) => {
    expect(rowAsJson(scan(request(...fields)), 0)).toMatchObject(expected)
  })

  it('counts links and events up to 255', () => {
    const events = Array.from({ length: 300 }, () => ({ name: 'e' }))
    const links = Array.from({ length: 256 }, () => ({ traceId: 1, spanId: 2 }))
    const table = scan(traceRequest([{ service: 'a', spans: [{ events, links }] }]))
    expect([table.eventCount(0), table.linkCount(0)]).toEqual([255, 255])
  })

  it.each([
    ['a trace id of 15 bytes', [0x0a, ...id(15)], 'trace_id has 15 bytes instead of 16', ''],
    ['a span id of 16 bytes', [0x12, ...id(16)], 'span_id has 16 bytes instead of 8', ''],
    ['a parent id of 7 bytes', [0x22, ...id(7)], 'parent_span_id has 7 bytes instead of 8', ''],
    ['a length beyond the span', [0x2a, 9, 0x61], 'a length of 9 runs past the end of its message', ''],
    ['a length beyond 32 bits', [0x2a, 0xff, 0xff, 0xff, 0xff, 0x1f], 'a length does not fit 32 bits', ''],
    ['a time cut short', [0x39, 1, 2, 3], 'a fixed64 runs past the end of its message', ''],
    ['flags cut short', [0x85, 0x01, 1], 'a fixed32 runs past the end of its message', ''],
    ['a varint without an end', [0x30, 0x80], 'a varint runs past the end of its message', ''],
    ['a varint of 11 bytes', [0x30, ...new Array<number>(10).fill(0x80), 1], 'a varint is longer than 10 bytes', ''],
    ['field number 0', [0x00, 0x00], 'a field has the number 0', ''],
    ['wire type 6', [0x0e, 0x00], 'there is no wire type 6', ''],
    ['a group that ends without a beginning', [0x9c, 0x06], 'a group ends that was not begun', ''],
    ['a group that is closed by another', [0x9b, 0x06, 0xa4, 0x06], 'a group ends that was not begun', ''],
    ['a group that is not closed', [0x9b, 0x06, 0x08, 1], 'a group is not closed', ''],
    ['a key cut short', [0x4a, 2, 0x0a, 9], 'a length of 9 runs past the end of its message', '.attributes[0]'],
    [
      'a value cut short',
      [0x4a, 4, 0x0a, 0, 0x12, 5],
      'a length of 5 runs past the end of its message',
      '.attributes[0].value',
    ],
    ['a status cut short', [0x30, 1, 0x7a, 1, 0x18], 'a varint runs past the end of its message', '.status'],
  ])('%s is malformed, and the path says where', (_name, fields, problem, path) => {
    const result = scanTraces(new Source(request(...fields)), new RefCache())
    expect(result).toBeInstanceOf(Malformed)
    expect(result).toMatchObject({
      problem,
      path: `ExportTraceServiceRequest.resource_spans[0].scope_spans[0].spans[0]${path}`,
    })
  })

  it('says in which of many messages it broke', () => {
    const spans = [{ attributes: { a: 'x', b: 'y', c: 'z', d: 'wreck' } }]
    const bytes = traceRequest([
      { service: 'a', spans: [{}, {}] },
      { service: 'b', spans: [{}, ...spans] },
    ])
    // The length of the key `d` becomes larger than the attribute.
    const at = Buffer.from(bytes).lastIndexOf('wreck') - 5
    expect(bytes[at]).toBe(0x64)
    bytes[at - 1] = 0x7f
    expect(scanTraces(new Source(bytes), new RefCache())).toMatchObject({
      byteOffset: at - 1,
      path: 'ExportTraceServiceRequest.resource_spans[1].scope_spans[0].spans[1].attributes[3]',
    })
  })

  it.each([
    [100, true],
    [101, false],
  ])('reads groups nested %i deep: %s', (depth, isRead) => {
    const open = new Array<number[]>(depth).fill([0x0b]).flat()
    const close = new Array<number[]>(depth).fill([0x0c]).flat()
    const result = scanTraces(new Source(Uint8Array.from([...open, ...close])), new RefCache())
    expect(result instanceof SpanTable).toBe(isRead)
  })

  it('refuses a resource whose attributes are broken, at the byte where they are', () => {
    const bytes = traceRequest([{ service: 'shop', resource: { depth: 'x' }, spans: [{}] }])
    const at = Buffer.from(bytes).indexOf('shop') - 1
    bytes[at] = 0x7f
    expect(scanTraces(new Source(bytes), new RefCache())).toMatchObject({
      byteOffset: at,
      path: 'ExportTraceServiceRequest.resource_spans[0].resource.attributes[0].value',
    })
  })
})
