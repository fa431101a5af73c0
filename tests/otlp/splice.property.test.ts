import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { BufferMemory } from '../../otlp/buffer-memory.ts'
import { SpanGatherer } from '../../otlp/gather-spans.ts'
import { RefCache } from '../../otlp/resource-cache.ts'
import { SpanEdits } from '../../otlp/span-edits.ts'
import { Column, type SpanTable } from '../../otlp/span-table.ts'
import { encodeSpans } from '../../otlp/splice.ts'
import { arbitraryRequest } from '../support/otlp-arbitraries.ts'
import { decodeRequest, encodeMessage, encodeRequest, type OtlpJson } from '../support/otlp-oracle.ts'
import { scan } from '../support/scan.ts'
import { noisy, Random, unknownFields } from '../support/wire-noise.ts'

const REQUEST_TYPE = 'opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest'

/** An edit twice: as a call, and as what it does to a span in OTLP/JSON. */
interface EditSpec {
  readonly apply: (edits: SpanEdits, row: number) => void
  /** Null when the span is dropped. */
  readonly model: (span: OtlpJson) => OtlpJson | null
}

const text = fc.oneof(fc.string({ maxLength: 12 }), fc.constantFrom('ünïcode ✓ 𝄞', 'x'.repeat(200)))
/** Keys that generated spans often carry, and one that they do not. */
const key = fc.constantFrom('service.name', 'rpc.method', 'blindspot.rules')
const word = fc.nat(0xffff_ffff)

const anyEdit: fc.Arbitrary<EditSpec> = fc.oneof(
  fc.constant<EditSpec>({ apply: (edits, row) => edits.drop(row), model: () => null }),
  fc.tuple(word, word, word, word).map<EditSpec>(([w0, w1, w2, w3]) => ({
    apply: (edits, row) => edits.setTraceId(row, w0, w1, w2, w3),
    model: (span) => ({ ...span, traceId: [w0, w1, w2, w3].map(hex).join('') }),
  })),
  fc.tuple(word, word).map<EditSpec>(([hi, lo]) => ({
    apply: (edits, row) => edits.setParentId(row, hi, lo),
    model: (span) => ({ ...span, parentSpanId: hex(hi) + hex(lo) }),
  })),
  fc.tuple(fc.boolean(), word, word).map<EditSpec>(([isStart, hi, lo]) => ({
    apply: (edits, row) => edits.setTime(row, isStart ? Column.start : Column.end, hi, lo),
    model: (span) => {
      const time = (BigInt(hi) << 32n) | BigInt(lo)
      return { ...span, [isStart ? 'startTimeUnixNano' : 'endTimeUnixNano']: String(time) }
    },
  })),
  fc
    .constantFrom([4, 'parentSpanId'] as const, [5, 'name'] as const, [11, 'events'] as const)
    .map<EditSpec>(([field, name]) => ({
      apply: (edits, row) => edits.removeField(row, field),
      model: ({ [name]: _, ...span }) => span,
    })),
  fc.tuple(key, text).map<EditSpec>(([key, value]) => ({
    apply: (edits, row) => edits.appendString(row, key, value),
    model: (span) => withAttribute(span, key, () => ({ stringValue: value })),
  })),
  fc.tuple(key, fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n })).map<EditSpec>(([key, value]) => ({
    apply: (edits, row) =>
      edits.appendInt64(row, key, Number(BigInt.asUintN(64, value) >> 32n), Number(BigInt.asUintN(32, value))),
    model: (span) => withAttribute(span, key, () => ({ intValue: String(value) })),
  })),
  fc.tuple(key, fc.double({ noNaN: true, noDefaultInfinity: true })).map<EditSpec>(([key, value]) => ({
    apply: (edits, row) => edits.appendDouble(row, key, value),
    model: (span) => withAttribute(span, key, () => ({ doubleValue: value })),
  })),
  fc.tuple(key, text).map<EditSpec>(([key, value]) => ({
    apply: (edits, row) => edits.appendToStringArray(row, key, value),
    model: (span) =>
      withAttribute(span, key, (before) => ({
        arrayValue: { values: [...itemsOf(before), { stringValue: value }] },
      })),
  })),
  fc.nat(1000).map<EditSpec>((count) => ({
    apply: (edits, row) => edits.appendBytes(row, encodeSpanFields({ droppedLinksCount: count + 1 })),
    model: (span) => ({ ...span, droppedLinksCount: count + 1 }),
  })),
)

function encodeSpanFields(fields: OtlpJson): Uint8Array {
  return encodeMessage('opentelemetry.proto.trace.v1.Span', fields)
}

function hex(word: number): string {
  return word.toString(16).padStart(8, '0')
}

/** All attributes of that key give way to one at the end; the first of them is the value before. */
function withAttribute(span: OtlpJson, key: string, value: (before: OtlpJson | undefined) => OtlpJson): OtlpJson {
  const attributes = (span.attributes ?? []) as { key: string; value: OtlpJson }[]
  const before = attributes.find((attribute) => attribute.key === key)?.value
  return {
    ...span,
    attributes: [...attributes.filter((attribute) => attribute.key !== key), { key, value: value(before) }],
  }
}

function itemsOf(value: OtlpJson | undefined): readonly unknown[] {
  if (value === undefined || Object.keys(value).length === 0) return []
  if (value.arrayValue === undefined) return [value]
  return ((value.arrayValue as OtlpJson).values ?? []) as unknown[]
}

interface Plan {
  readonly request: OtlpJson
  readonly bytes: Uint8Array
  /** Edits by span, in the order of the request. */
  readonly edits: ReadonlyMap<number, readonly EditSpec[]>
}

/** A request, written in an unusual way, and edits for some of its spans. */
const anyPlan: fc.Arbitrary<Plan> = fc
  .tuple(arbitraryRequest('traces'), fc.integer(), fc.array(fc.tuple(fc.nat(), fc.array(anyEdit, { maxLength: 4 }))))
  .map(([json, seed, edits]) => {
    const plain = encodeRequest('traces', json)
    const request = decodeRequest('traces', plain)
    const spans = flatten(request).length
    return {
      request,
      bytes: noisy(REQUEST_TYPE, plain, new Random(seed)),
      edits: new Map(spans === 0 ? [] : edits.map(([row, specs]) => [row % spans, specs])),
    }
  })

function list(parent: OtlpJson, field: string): OtlpJson[] {
  return (parent[field] ?? []) as OtlpJson[]
}

/** Each span with its resource and scope, for comparisons in which order between groups does not count. */
function flatten(request: OtlpJson) {
  return list(request, 'resourceSpans').flatMap(({ scopeSpans: _, ...resource }, i) =>
    list(list(request, 'resourceSpans')[i]!, 'scopeSpans').flatMap((scopeEntry) => {
      const { spans, ...scope } = scopeEntry
      return list({ spans }, 'spans').map((span) => ({ resource, scope, span }))
    }),
  )
}

/** The request as it should be after the edits, messages that lost all their spans gone. */
function edited({ request, edits }: Plan): OtlpJson {
  let row = 0
  const spansOf = (scope: OtlpJson) =>
    list(scope, 'spans').flatMap((span) => {
      const specs = edits.get(row++) ?? []
      const after = specs.reduce<OtlpJson | null>((before, { model }) => before && model(before), span)
      return after === null ? [] : [after]
    })
  const resourceSpans = list(request, 'resourceSpans').flatMap((resource) => {
    const scopes = list(resource, 'scopeSpans')
    const left = scopes.flatMap((scope) => {
      const spans = spansOf(scope)
      if (list(scope, 'spans').length === 0) return [scope]
      return spans.length === 0 ? [] : [{ ...scope, spans }]
    })
    if (scopes.length === 0) return [resource]
    return left.length === 0 ? [] : [{ ...resource, scopeSpans: left }]
  })
  return resourceSpans.length === 0 ? {} : { resourceSpans }
}

/** Attributes of spans in the order of their keys: where an attribute stands says nothing, and edits may move it. */
function byKey(request: OtlpJson): OtlpJson {
  const sorted = structuredClone(request)
  for (const { span } of flatten(sorted))
    (span.attributes as { key: string }[] | undefined)?.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
  return sorted
}

function editsOf(table: SpanTable, plan: Plan): SpanEdits {
  const edits = new SpanEdits(table)
  for (const [row, specs] of plan.edits) for (const { apply } of specs) apply(edits, row)
  return edits
}

/** By resource and scope, in the order of their first span. */
function regrouped(spans: ReturnType<typeof flatten>): OtlpJson {
  const resources = new Map<
    string,
    { resource: OtlpJson; scopes: Map<string, { scope: OtlpJson; spans: OtlpJson[] }> }
  >()
  for (const { resource, scope, span } of spans) {
    const resourceKey = JSON.stringify(resource)
    const entry = resources.get(resourceKey) ?? { resource, scopes: new Map() }
    resources.set(resourceKey, entry)
    const scopeKey = JSON.stringify(scope)
    const group = entry.scopes.get(scopeKey) ?? { scope, spans: [] }
    entry.scopes.set(scopeKey, group)
    group.spans.push(span)
  }
  if (resources.size === 0) return {}
  return {
    resourceSpans: [...resources.values()].map(({ resource, scopes }) => ({
      ...resource,
      scopeSpans: [...scopes.values()].map(({ scope, spans }) => ({ ...scope, spans })),
    })),
  }
}

describe('one request, spliced', () => {
  it('is the request itself when nothing is edited', () => {
    fc.assert(
      fc.property(anyPlan, ({ bytes }) => {
        const table = scan(bytes)
        expect(encodeSpans(table, null)).toBe(bytes)
        expect(encodeSpans(table, new SpanEdits(table))).toBe(bytes)
      }),
      { numRuns: 25 },
    )
  })

  it('says after any edits what it said before, but for the edits', () => {
    fc.assert(
      fc.property(anyPlan, (plan) => {
        const table = scan(plan.bytes)
        const after = decodeRequest('traces', encodeSpans(table, editsOf(table, plan)))
        expect(byKey(after)).toEqual(byKey(edited(plan)))
      }),
      { numRuns: 120 },
    )
  })

  it('keeps every unknown field on every level, unless its message was dropped or replaced', () => {
    fc.assert(
      fc.property(anyPlan, (plan) => {
        const table = scan(plan.bytes)
        const edits = new SpanEdits(table)
        for (const row of plan.edits.keys()) {
          edits.setParentId(row, 1, 2)
          edits.appendToStringArray(row, 'blindspot.rules', 'CTX-001')
        }
        const after = encodeSpans(table, edits)
        expect(unknownFields(REQUEST_TYPE, after)).toEqual(unknownFields(REQUEST_TYPE, plan.bytes))
      }),
      { numRuns: 40 },
    )
  })

  it('leaves the bytes of spans that are not edited as they are, in their order', () => {
    fc.assert(
      fc.property(anyPlan, (plan) => {
        const table = scan(plan.bytes)
        const edits = editsOf(table, plan)
        const after = encodeSpans(table, edits)
        const again = scan(after)
        const kept = [...Array(table.count).keys()].filter((row) => !edits.isDropped(row))
        expect(again.count).toBe(kept.length)
        const untouched = kept.flatMap((row, i) => (edits.isChanged(row) ? [] : [[row, i] as const]))
        expect(untouched.map(([, i]) => recordOf(again, i))).toEqual(untouched.map(([row]) => recordOf(table, row)))
      }),
      { numRuns: 40 },
    )
  })
})

describe('spans of several requests, regrouped', () => {
  it('are each there once, under their resource and scope, with their edits and unknown fields', () => {
    fc.assert(
      fc.property(fc.array(anyPlan, { minLength: 1, maxLength: 3 }), (plans) => {
        const refs = new RefCache()
        const gatherer = new SpanGatherer(8, new BufferMemory(() => 0))
        for (const plan of plans) {
          const table = scan(plan.bytes, refs)
          gatherer.from(table, editsOf(table, plan))
          gatherer.addRows(0, table.count)
        }
        const after = encodeSpans(gatherer.table, gatherer.edits)
        const expected = plans.flatMap((plan) => flatten(byKey(edited(plan))))
        const spans = flatten(byKey(decodeRequest('traces', after)))
        expect(spans.map(asText).sort()).toEqual(expected.map(asText).sort())
      }),
      { numRuns: 60 },
    )
  })

  it('stand in one message for each resource and scope, in the order of their rows', () => {
    fc.assert(
      fc.property(fc.array(arbitraryRequest('traces'), { minLength: 1, maxLength: 3 }), (requests) => {
        const refs = new RefCache()
        const gatherer = new SpanGatherer(8, new BufferMemory(() => 0))
        const plain = requests.map((request) => encodeRequest('traces', request))
        // Twice the same requests: equal resources of different requests become one.
        for (const bytes of [...plain, ...plain]) {
          gatherer.from(scan(bytes.slice(), refs), null)
          gatherer.addRows(0, scan(bytes, refs).count)
        }
        const spans = plain.flatMap((bytes) => flatten(decodeRequest('traces', bytes)))
        const after = decodeRequest('traces', encodeSpans(gatherer.table, null))
        expect(after).toEqual(regrouped([...spans, ...spans]))
      }),
      { numRuns: 40 },
    )
  })

  it('take no more room than the requests that they came in, when all come', () => {
    fc.assert(
      fc.property(fc.array(anyPlan, { minLength: 1, maxLength: 3 }), (plans) => {
        const gatherer = new SpanGatherer(8, new BufferMemory(() => 0))
        for (const { bytes } of plans) {
          const table = scan(bytes)
          gatherer.from(table, null)
          gatherer.addRows(0, table.count)
        }
        const before = plans.reduce((sum, { bytes }) => sum + bytes.length, 0)
        expect(encodeSpans(gatherer.table, null).length).toBeLessThanOrEqual(before)
      }),
      { numRuns: 40 },
    )
  })
})

function recordOf(table: SpanTable, row: number): string {
  const { bytes } = table.sourceOf(row)
  const record = bytes.subarray(table.get(row, Column.recordStart), table.get(row, Column.bodyEnd))
  return Buffer.from(record).toString('hex')
}

function asText(value: unknown): string {
  return JSON.stringify(value, (_key, part) =>
    part !== null && typeof part === 'object' && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  )
}
