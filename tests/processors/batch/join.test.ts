import { describe, expect, it } from '@jest/globals'
import { type BytesBatch, TracesBatch } from '../../../component/batch.ts'
import { ByteBudget } from '../../../component/budget.ts'
import { RefCache } from '../../../otlp/resource-cache.ts'
import { SpanEdits } from '../../../otlp/span-edits.ts'
import { Column } from '../../../otlp/span-table.ts'
import { TraceState } from '../../../otlp/trace-index.ts'
import { join } from '../../../processors/batch/join.ts'
import { opaqueBytes } from '../../support/batches.ts'
import { logsRequest, metricsRequest, type ServiceSpans, type SpanSpec } from '../../support/otlp-builder.ts'
import { decodeRequest } from '../../support/otlp-oracle.ts'
import { tracesBatch } from '../../support/scan.ts'

const budget = () => new ByteBudget(2 ** 30)

function spans(from: number, count: number): SpanSpec[] {
  return Array.from({ length: count }, (_, i) => ({ name: `span ${from + i}`, traceId: from + i, spanId: from + i }))
}

const requests: readonly (readonly ServiceSpans[])[] = [
  [
    { service: 'a', spans: spans(1, 3) },
    { service: 'b', spans: spans(4, 2) },
  ],
  [{ service: 'a', spans: spans(6, 1) }],
  [{ service: 'c', spans: spans(7, 4) }],
]

function parts(refs = new RefCache()): TracesBatch[] {
  return requests.map((services) => tracesBatch(services, refs))
}

interface Decoded {
  resourceSpans: {
    resource: { attributes: { value: { stringValue: string } }[] }
    scopeSpans: { spans: { name: string }[] }[]
  }[]
}

/** `service/span` of everything that would leave. */
function contents(batches: readonly { encode(): Uint8Array }[]): string[] {
  return batches.flatMap((batch) =>
    (decodeRequest('traces', batch.encode()) as unknown as Decoded).resourceSpans.flatMap(({ resource, scopeSpans }) =>
      scopeSpans.flatMap((scope) =>
        scope.spans.map((span) => `${resource.attributes[0]!.value.stringValue}/${span.name}`),
      ),
    ),
  )
}

const ALL = contents(parts())

describe('joining spans', () => {
  it('puts whole requests one behind the other, byte for byte', () => {
    const batches = parts()
    const [joined] = join(batches, 0, budget())
    expect(Buffer.from(joined!.encode())).toEqual(Buffer.concat(batches.map((batch) => batch.encode())))
    expect(contents([joined!])).toEqual(ALL)
  })

  it('gives rows that read as before', () => {
    const batches = parts()
    const [joined] = join(batches, 0, budget()) as [TracesBatch]
    const read = ({ table }: TracesBatch) =>
      Array.from({ length: table.count }, (_, row) => [
        table.name(row),
        table.spanIdHex(row),
        table.resourceOf(row).serviceName,
        Buffer.from(
          table.sourceOf(row).bytes.subarray(table.get(row, Column.recordStart), table.get(row, Column.bodyEnd)),
        ),
      ])
    expect(read(joined)).toEqual(batches.flatMap(read))
  })

  it('hands a single request on as it is', () => {
    const [only] = parts()
    expect(join([only!], 0, budget())).toEqual([only])
  })

  it('takes edits and drops over, and leaves the requests untouched', () => {
    const batches = parts()
    const edits = new SpanEdits(batches[1]!.table)
    edits.appendString(0, 'blindspot.note', 'marked')
    batches[1]!.edits = edits
    const drops = new SpanEdits(batches[0]!.table)
    drops.drop(0)
    batches[0]!.edits = drops
    const [joined] = join(batches, 0, budget())
    expect(joined!.itemCount).toBe(9)
    expect(contents([joined!]).toSorted()).toEqual(ALL.filter((span) => span !== 'a/span 1').toSorted())
    expect(Buffer.from(joined!.encode()).toString('latin1')).toContain('marked')
    expect(contents(parts())).toEqual(ALL)
  })

  it('keeps whole traces whole', () => {
    const batches = parts().map(({ table }) => {
      const traceCount = table.count
      const firstRow = Uint32Array.from({ length: traceCount + 1 }, (_, i) => i)
      const parentRow = Int32Array.from({ length: traceCount }, (_, i) => (i === 0 ? -2 : 0))
      return new TracesBatch(table, {
        traceCount,
        firstRow,
        parentRow,
        state: new Uint8Array(traceCount).fill(TraceState.complete),
      })
    })
    const [joined] = join(batches, 0, budget()) as [TracesBatch]
    expect(joined.traces).toEqual({
      traceCount: 10,
      firstRow: Uint32Array.from({ length: 11 }, (_, i) => i),
      parentRow: Int32Array.from([-2, 0, 0, 0, 0, -2, -2, 6, 6, 6]),
      state: new Uint8Array(10).fill(TraceState.complete),
    })
  })

  it.each([1, 2, 3, 4, 9, 10, 11])('splits into batches of at most %i', (maxItems) => {
    const batches = join(parts(), maxItems, budget())
    const full = Math.floor(10 / maxItems)
    expect(batches.map((batch) => batch.itemCount)).toEqual([
      ...Array.from({ length: full }, () => maxItems),
      ...(10 % maxItems > 0 ? [10 % maxItems] : []),
    ])
    // Each batch is regrouped by service, so only the order may differ.
    expect(contents(batches).toSorted()).toEqual(ALL.toSorted())
  })

  it.each([0, 3])('gives all memory back (at most %i items)', (maxItems) => {
    const own = budget()
    const batches = parts()
    const joined = join(batches, maxItems, own)
    for (const batch of batches) batch.release()
    for (const batch of joined) batch.encode()
    for (const batch of joined) batch.release()
    expect(own.usedBytes).toBe(0)
    for (const batch of batches) expect(batch.table.sources[0]!.references).toBe(0)
  })
})

describe('joining bytes', () => {
  const metric = (name: string, points: number) => ({
    name,
    unit: 's',
    sum: {
      aggregationTemporality: 2,
      isMonotonic: true,
      dataPoints: Array.from({ length: points }, (_, i) => ({ asInt: String(i) })),
    },
  })
  const metrics = [
    { bytes: metricsRequest([{ service: 'a', metrics: [metric('m1', 5), metric('m2', 2)] }]), items: 7 },
    { bytes: metricsRequest([{ service: 'b', metrics: [metric('m3', 4)] }]), items: 4 },
  ]
  const logs = [
    {
      bytes: logsRequest([{ service: 'a', logs: [{ body: { stringValue: '1' } }, { body: { stringValue: '2' } }] }]),
      items: 2,
    },
    { bytes: logsRequest([{ service: 'b', logs: [{ body: { stringValue: '3' } }] }]), items: 1 },
  ]

  it.each([
    ['metrics', metrics],
    ['logs', logs],
  ] as const)('puts %s one behind the other', (signal, requests) => {
    const own = budget()
    const [joined] = join(
      requests.map(({ bytes, items }) => opaqueBytes(signal, bytes, items)),
      0,
      own,
    )
    expect(Buffer.from(joined!.encode())).toEqual(Buffer.concat(requests.map(({ bytes }) => bytes)))
    expect(joined!.itemCount).toBe(requests.reduce((sum, { items }) => sum + items, 0))
    expect(own.usedBytes).toBe(joined!.encode().length)
    joined!.release()
    expect(own.usedBytes).toBe(0)
  })

  interface DecodedMetrics {
    resourceMetrics: {
      resource: { attributes: { value: { stringValue: string } }[] }
      scopeMetrics: {
        metrics: { name: string; unit: string; sum: { isMonotonic: boolean; dataPoints: { asInt: unknown }[] } }[]
      }[]
    }[]
  }
  const points = (bytes: Uint8Array): string[] =>
    (decodeRequest('metrics', bytes) as unknown as DecodedMetrics).resourceMetrics.flatMap(
      ({ resource, scopeMetrics }) =>
        scopeMetrics.flatMap((scope) =>
          scope.metrics.flatMap(({ name, unit, sum }) =>
            sum.dataPoints.map(
              (point) =>
                `${resource.attributes[0]!.value.stringValue} ${name} ${unit} ${sum.isMonotonic} ${String(point.asInt)}`,
            ),
          ),
        ),
    )

  it.each([1, 2, 3, 4, 5, 7, 10])(
    'splits metrics into requests of at most %i points, each with its resource, name and unit',
    (maxItems) => {
      const batches = join(
        metrics.map(({ bytes, items }) => opaqueBytes('metrics', bytes, items)),
        maxItems,
        budget(),
      ) as BytesBatch[]
      const found = batches.map((batch) => points(batch.encode()))
      expect(found.flat()).toEqual(metrics.flatMap(({ bytes }) => points(bytes)))
      expect(found.map((each) => each.length)).toEqual(batches.map((batch) => batch.itemCount))
      expect(Math.max(...batches.map((batch) => batch.itemCount))).toBe(maxItems)
      expect(batches.length).toBe(Math.ceil(11 / maxItems))
    },
  )
})
