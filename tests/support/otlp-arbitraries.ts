import fc from 'fast-check'
import type { Signal } from '../../component/signal.ts'
import type { OtlpJson } from './otlp-oracle.ts'

/**
 * Random export requests as OTLP/JSON objects in the normal form of the oracle: what is not there is left out, and no
 * field of implicit presence holds its default, so that `decodeRequest(encodeRequest(x))` equals x.
 */
export function arbitraryRequest(signal: Exclude<Signal, 'profiles'>): fc.Arbitrary<OtlpJson> {
  switch (signal) {
    case 'traces':
      return request('resourceSpans', 'scopeSpans', 'spans', arbitrarySpan)
    case 'metrics':
      return request('resourceMetrics', 'scopeMetrics', 'metrics', arbitraryMetric)
    case 'logs':
      return request('resourceLogs', 'scopeLogs', 'logRecords', arbitraryLogRecord)
  }
}

const text = fc.oneof(
  fc.string({ minLength: 1, maxLength: 12 }),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 12 }),
  fc.constantFrom('service.name', 'rpc.method', 'ünïcode ✓ 𝄞', 'x'.repeat(200)),
)
const uint64 = fc
  .oneof(
    fc.bigInt({ min: 1n, max: 0xffff_ffff_ffff_ffffn }),
    fc.constantFrom(1n, 1n << 53n, (1n << 53n) + 1n, 1_767_225_600_123_456_789n),
  )
  .map(String)
const int64 = fc
  .oneof(
    fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n }),
    fc.constantFrom(0n, -1n, (1n << 53n) + 1n, -(1n << 53n) - 1n),
  )
  .map(String)
const count64 = fc.oneof(fc.constant('0'), uint64)
const uint32 = fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 0xffff_ffff }))
const double = fc
  .oneof(fc.double(), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.constantFrom(0, 1.5, 2 ** 60))
  .map((value) => (Number.isFinite(value) ? (Object.is(value, -0) ? 0 : value) : String(value)))
const nonZeroDouble = double.filter((value) => value !== 0)
const hexId = (bytes: number) =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((id) => Buffer.from(id).toString('hex'))
const traceId = hexId(16)
const spanId = hexId(8)

/** Present fields only, in any mixture. */
function some(fields: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<OtlpJson> {
  return fc.record(fields, { requiredKeys: [] }).map((message) => ({ ...message }))
}

function listOf<T>(item: fc.Arbitrary<T>, maxLength = 3): fc.Arbitrary<T[]> {
  return fc.array(item, { minLength: 1, maxLength })
}

const { value: anyValue } = fc.letrec<{ value: OtlpJson }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.oneof(
      fc.oneof(fc.constant(''), text).map((stringValue) => ({ stringValue })),
      fc.boolean().map((boolValue) => ({ boolValue })),
      int64.map((intValue) => ({ intValue })),
      double.map((doubleValue) => ({ doubleValue })),
      fc.uint8Array({ maxLength: 9 }).map((bytes) => ({ bytesValue: Buffer.from(bytes).toString('base64') })),
      fc.constant({}),
    ),
    fc.array(tie('value'), { maxLength: 3 }).map((values) => ({ arrayValue: values.length === 0 ? {} : { values } })),
    fc
      .array(fc.record({ key: text, value: tie('value') }), { maxLength: 3 })
      .map((values) => ({ kvlistValue: values.length === 0 ? {} : { values } })),
  ),
}))
export const arbitraryAnyValue = anyValue

export const arbitraryAttributes = listOf(
  fc.record({ key: text, value: anyValue }).map((attribute) => ({ ...attribute })),
)

const resource = some({
  attributes: arbitraryAttributes,
  droppedAttributesCount: uint32,
  entityRefs: listOf(some({ schemaUrl: text, type: text, idKeys: listOf(text), descriptionKeys: listOf(text) }), 2),
})
const scope = some({ name: text, version: text, attributes: arbitraryAttributes, droppedAttributesCount: uint32 })

function request(
  resources: string,
  scopes: string,
  items: string,
  item: fc.Arbitrary<OtlpJson>,
): fc.Arbitrary<OtlpJson> {
  const scopeEntry = some({ scope, [items]: listOf(item, 4), schemaUrl: text })
  const resourceEntry = some({ resource, [scopes]: listOf(scopeEntry, 2), schemaUrl: text })
  return some({ [resources]: listOf(resourceEntry, 3) })
}

const arbitraryEvent = some({
  timeUnixNano: uint64,
  name: text,
  attributes: arbitraryAttributes,
  droppedAttributesCount: uint32,
})
const arbitraryLink = some({
  traceId,
  spanId,
  traceState: text,
  attributes: arbitraryAttributes,
  droppedAttributesCount: uint32,
  flags: uint32,
})
export const arbitrarySpan = some({
  traceId,
  spanId,
  traceState: text,
  parentSpanId: spanId,
  name: text,
  kind: fc.integer({ min: 1, max: 5 }),
  startTimeUnixNano: uint64,
  endTimeUnixNano: uint64,
  attributes: arbitraryAttributes,
  droppedAttributesCount: uint32,
  events: listOf(arbitraryEvent, 2),
  droppedEventsCount: uint32,
  links: listOf(arbitraryLink, 2),
  droppedLinksCount: uint32,
  status: some({ message: text, code: fc.integer({ min: 1, max: 2 }) }),
  flags: uint32,
})

export const arbitraryLogRecord = some({
  timeUnixNano: uint64,
  observedTimeUnixNano: uint64,
  severityNumber: fc.integer({ min: 1, max: 24 }),
  severityText: text,
  body: anyValue,
  attributes: arbitraryAttributes,
  droppedAttributesCount: uint32,
  flags: uint32,
  traceId,
  spanId,
  eventName: text,
})

const pointFields = {
  attributes: arbitraryAttributes,
  startTimeUnixNano: uint64,
  timeUnixNano: uint64,
  flags: fc.constant(1),
}
const numberValue = fc.oneof(
  double.map((asDouble) => ({ asDouble })),
  int64.map((asInt) => ({ asInt })),
  fc.constant({}),
)
const exemplars = listOf(
  fc
    .tuple(some({ timeUnixNano: uint64, spanId, traceId, filteredAttributes: arbitraryAttributes }), numberValue)
    .map(([fields, value]) => ({ ...fields, ...value })),
  2,
)
const numberPoint = fc
  .tuple(some({ ...pointFields, exemplars }), numberValue)
  .map(([fields, value]) => ({ ...fields, ...value }))
const histogramPoint = some({
  ...pointFields,
  count: uint64,
  sum: double,
  bucketCounts: listOf(count64, 5),
  explicitBounds: listOf(double, 4),
  exemplars,
  min: double,
  max: double,
})
const int32 = fc.oneof(fc.integer({ min: -20, max: 20 }), fc.integer()).filter((value) => value !== 0)
const buckets = some({ offset: int32, bucketCounts: listOf(count64, 5) })
const exponentialPoint = some({
  ...pointFields,
  count: uint64,
  sum: double,
  scale: int32,
  zeroCount: uint64,
  positive: buckets,
  negative: buckets,
  exemplars,
  min: double,
  max: double,
  zeroThreshold: nonZeroDouble,
})
const summaryPoint = some({
  ...pointFields,
  count: uint64,
  sum: nonZeroDouble,
  quantileValues: listOf(some({ quantile: nonZeroDouble, value: nonZeroDouble })),
})
const aggregationTemporality = fc.integer({ min: 1, max: 2 })
const metricData = fc.oneof(
  some({ dataPoints: listOf(numberPoint) }).map((gauge) => ({ gauge })),
  some({ dataPoints: listOf(numberPoint), aggregationTemporality, isMonotonic: fc.constant(true) }).map((sum) => ({
    sum,
  })),
  some({ dataPoints: listOf(histogramPoint), aggregationTemporality }).map((histogram) => ({ histogram })),
  some({ dataPoints: listOf(exponentialPoint), aggregationTemporality }).map((exponentialHistogram) => ({
    exponentialHistogram,
  })),
  some({ dataPoints: listOf(summaryPoint) }).map((summary) => ({ summary })),
  fc.constant({}),
)
export const arbitraryMetric = fc
  .tuple(some({ name: text, description: text, unit: text, metadata: arbitraryAttributes }), metricData)
  .map(([fields, data]) => ({ ...fields, ...data }))
