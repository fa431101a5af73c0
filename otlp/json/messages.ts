/**
 * OTLP 1.11 as the JSON codec sees it: for each message the JSON name of a field, and its type and number. A test holds
 * this table against proto/, name by name.
 *
 *     'string 5'            field 5; left out where it holds its default
 *     'double? 5'           `optional`: absent and 0 are two things
 *     'KeyValue[] 9'        repeated; numbers are packed
 *     'string 1 of value'   a member of the oneof `value`
 *     'id 1'                bytes that JSON writes in hex instead of base64
 *
 * Types with a capital letter are messages or enums of this table.
 * https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
 */
export const MESSAGES = {
  ExportTraceServiceRequest: { resourceSpans: 'ResourceSpans[] 1' },
  ResourceSpans: { resource: 'Resource 1', scopeSpans: 'ScopeSpans[] 2', schemaUrl: 'string 3' },
  ScopeSpans: { scope: 'InstrumentationScope 1', spans: 'Span[] 2', schemaUrl: 'string 3' },
  Span: {
    traceId: 'id 1',
    spanId: 'id 2',
    traceState: 'string 3',
    parentSpanId: 'id 4',
    name: 'string 5',
    kind: 'SpanKind 6',
    startTimeUnixNano: 'fixed64 7',
    endTimeUnixNano: 'fixed64 8',
    attributes: 'KeyValue[] 9',
    droppedAttributesCount: 'uint32 10',
    events: 'Event[] 11',
    droppedEventsCount: 'uint32 12',
    links: 'Link[] 13',
    droppedLinksCount: 'uint32 14',
    status: 'Status 15',
    flags: 'fixed32 16',
  },
  Event: {
    timeUnixNano: 'fixed64 1',
    name: 'string 2',
    attributes: 'KeyValue[] 3',
    droppedAttributesCount: 'uint32 4',
  },
  Link: {
    traceId: 'id 1',
    spanId: 'id 2',
    traceState: 'string 3',
    attributes: 'KeyValue[] 4',
    droppedAttributesCount: 'uint32 5',
    flags: 'fixed32 6',
  },
  Status: { message: 'string 2', code: 'StatusCode 3' },

  ExportMetricsServiceRequest: { resourceMetrics: 'ResourceMetrics[] 1' },
  ResourceMetrics: { resource: 'Resource 1', scopeMetrics: 'ScopeMetrics[] 2', schemaUrl: 'string 3' },
  ScopeMetrics: { scope: 'InstrumentationScope 1', metrics: 'Metric[] 2', schemaUrl: 'string 3' },
  Metric: {
    name: 'string 1',
    description: 'string 2',
    unit: 'string 3',
    gauge: 'Gauge 5 of data',
    sum: 'Sum 7 of data',
    histogram: 'Histogram 9 of data',
    exponentialHistogram: 'ExponentialHistogram 10 of data',
    summary: 'Summary 11 of data',
    metadata: 'KeyValue[] 12',
  },
  Gauge: { dataPoints: 'NumberDataPoint[] 1' },
  Sum: { dataPoints: 'NumberDataPoint[] 1', aggregationTemporality: 'AggregationTemporality 2', isMonotonic: 'bool 3' },
  Histogram: { dataPoints: 'HistogramDataPoint[] 1', aggregationTemporality: 'AggregationTemporality 2' },
  ExponentialHistogram: {
    dataPoints: 'ExponentialHistogramDataPoint[] 1',
    aggregationTemporality: 'AggregationTemporality 2',
  },
  Summary: { dataPoints: 'SummaryDataPoint[] 1' },
  NumberDataPoint: {
    startTimeUnixNano: 'fixed64 2',
    timeUnixNano: 'fixed64 3',
    asDouble: 'double 4 of value',
    exemplars: 'Exemplar[] 5',
    asInt: 'sfixed64 6 of value',
    attributes: 'KeyValue[] 7',
    flags: 'uint32 8',
  },
  HistogramDataPoint: {
    startTimeUnixNano: 'fixed64 2',
    timeUnixNano: 'fixed64 3',
    count: 'fixed64 4',
    sum: 'double? 5',
    bucketCounts: 'fixed64[] 6',
    explicitBounds: 'double[] 7',
    exemplars: 'Exemplar[] 8',
    attributes: 'KeyValue[] 9',
    flags: 'uint32 10',
    min: 'double? 11',
    max: 'double? 12',
  },
  ExponentialHistogramDataPoint: {
    attributes: 'KeyValue[] 1',
    startTimeUnixNano: 'fixed64 2',
    timeUnixNano: 'fixed64 3',
    count: 'fixed64 4',
    sum: 'double? 5',
    scale: 'sint32 6',
    zeroCount: 'fixed64 7',
    positive: 'Buckets 8',
    negative: 'Buckets 9',
    flags: 'uint32 10',
    exemplars: 'Exemplar[] 11',
    min: 'double? 12',
    max: 'double? 13',
    zeroThreshold: 'double 14',
  },
  Buckets: { offset: 'sint32 1', bucketCounts: 'uint64[] 2' },
  SummaryDataPoint: {
    startTimeUnixNano: 'fixed64 2',
    timeUnixNano: 'fixed64 3',
    count: 'fixed64 4',
    sum: 'double 5',
    quantileValues: 'ValueAtQuantile[] 6',
    attributes: 'KeyValue[] 7',
    flags: 'uint32 8',
  },
  ValueAtQuantile: { quantile: 'double 1', value: 'double 2' },
  Exemplar: {
    timeUnixNano: 'fixed64 2',
    asDouble: 'double 3 of value',
    spanId: 'id 4',
    traceId: 'id 5',
    asInt: 'sfixed64 6 of value',
    filteredAttributes: 'KeyValue[] 7',
  },

  ExportLogsServiceRequest: { resourceLogs: 'ResourceLogs[] 1' },
  ResourceLogs: { resource: 'Resource 1', scopeLogs: 'ScopeLogs[] 2', schemaUrl: 'string 3' },
  ScopeLogs: { scope: 'InstrumentationScope 1', logRecords: 'LogRecord[] 2', schemaUrl: 'string 3' },
  LogRecord: {
    timeUnixNano: 'fixed64 1',
    severityNumber: 'SeverityNumber 2',
    severityText: 'string 3',
    body: 'AnyValue 5',
    attributes: 'KeyValue[] 6',
    droppedAttributesCount: 'uint32 7',
    flags: 'fixed32 8',
    traceId: 'id 9',
    spanId: 'id 10',
    observedTimeUnixNano: 'fixed64 11',
    eventName: 'string 12',
  },

  Resource: { attributes: 'KeyValue[] 1', droppedAttributesCount: 'uint32 2', entityRefs: 'EntityRef[] 3' },
  InstrumentationScope: {
    name: 'string 1',
    version: 'string 2',
    attributes: 'KeyValue[] 3',
    droppedAttributesCount: 'uint32 4',
  },
  EntityRef: { schemaUrl: 'string 1', type: 'string 2', idKeys: 'string[] 3', descriptionKeys: 'string[] 4' },
  KeyValue: { key: 'string 1', value: 'AnyValue 2', keyStrindex: 'int32 3' },
  AnyValue: {
    stringValue: 'string 1 of value',
    boolValue: 'bool 2 of value',
    intValue: 'int64 3 of value',
    doubleValue: 'double 4 of value',
    arrayValue: 'ArrayValue 5 of value',
    kvlistValue: 'KeyValueList 6 of value',
    bytesValue: 'bytes 7 of value',
    stringValueStrindex: 'int32 8 of value',
  },
  ArrayValue: { values: 'AnyValue[] 1' },
  KeyValueList: { values: 'KeyValue[] 1' },
} as const satisfies Record<string, Record<string, string>>

export type MessageName = keyof typeof MESSAGES

/** The values of each enum, in their order from 0. OTLP/JSON writes numbers; names are understood on the way in. */
export const ENUMS: Readonly<Record<string, readonly string[]>> = {
  SpanKind: prefixed('SPAN_KIND', ['UNSPECIFIED', 'INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER']),
  StatusCode: prefixed('STATUS_CODE', ['UNSET', 'OK', 'ERROR']),
  AggregationTemporality: prefixed('AGGREGATION_TEMPORALITY', ['UNSPECIFIED', 'DELTA', 'CUMULATIVE']),
  SeverityNumber: prefixed('SEVERITY_NUMBER', [
    'UNSPECIFIED',
    ...['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'].flatMap((level) => [
      level,
      `${level}2`,
      `${level}3`,
      `${level}4`,
    ]),
  ]),
}

function prefixed(prefix: string, names: readonly string[]): string[] {
  return names.map((name) => `${prefix}_${name}`)
}
