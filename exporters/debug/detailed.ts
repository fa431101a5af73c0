import type { Signal } from '../../component/signal.ts'
import { findingLine } from './finding-line.ts'
import { anyValue, type Json, listOf, METRIC_KINDS, objectOf, SHAPES, textOf, utcTime } from './otlp-json.ts'

const KINDS = ['Unspecified', 'Internal', 'Server', 'Client', 'Producer', 'Consumer']
const STATUS_CODES = ['Unset', 'Ok', 'Error']
const TITLES = { traces: 'Spans', metrics: 'Metrics', logs: 'Logs' } as const
const ITEMS = { traces: 'Span', metrics: 'Metric', logs: 'LogRecord' } as const

/** Everything of every item, in the layout of the Collector's debug exporter. */
export function detailedLines(signal: Exclude<Signal, 'profiles'>, request: Json): string[] {
  const shape = SHAPES[signal]
  return listOf(request, shape.resources).flatMap((resource, i) => [
    `Resource${TITLES[signal]} #${i}`,
    `Resource SchemaURL: ${textOf(resource, 'schemaUrl')}`,
    ...attributeLines('Resource attributes:', listOf(objectOf(resource, 'resource'), 'attributes')),
    ...listOf(resource, shape.scopes).flatMap((scope, j) => [
      `Scope${TITLES[signal]} #${j}`,
      `Scope${TITLES[signal]} SchemaURL: ${textOf(scope, 'schemaUrl')}`,
      `InstrumentationScope ${textOf(objectOf(scope, 'scope'), 'name')} ${textOf(objectOf(scope, 'scope'), 'version')}`,
      ...attributeLines('InstrumentationScope attributes:', listOf(objectOf(scope, 'scope'), 'attributes')),
      ...listOf(scope, shape.items).flatMap((item, k) => [`${ITEMS[signal]} #${k}`, ...itemLines(signal, item)]),
    ]),
  ])
}

function itemLines(signal: Exclude<Signal, 'profiles'>, item: Json): string[] {
  switch (signal) {
    case 'traces':
      return spanLines(item)
    case 'metrics':
      return metricLines(item)
    case 'logs':
      return logLines(item)
  }
}

function spanLines(span: Json): string[] {
  const status = objectOf(span, 'status')
  return [
    field('Trace ID', textOf(span, 'traceId')),
    field('Parent ID', textOf(span, 'parentSpanId')),
    field('ID', textOf(span, 'spanId')),
    field('Name', textOf(span, 'name')),
    field('Kind', KINDS[Number(span.kind ?? 0)] ?? textOf(span, 'kind')),
    field('Start time', utcTime(span.startTimeUnixNano)),
    field('End time', utcTime(span.endTimeUnixNano)),
    field('Status code', STATUS_CODES[Number(status.code ?? 0)] ?? textOf(status, 'code')),
    field('Status message', textOf(status, 'message')),
    ...attributeLines('Attributes:', listOf(span, 'attributes')),
    ...listOf(span, 'events').flatMap((event, i) => [
      ...(i === 0 ? ['Events:'] : []),
      `SpanEvent #${i}`,
      `     -> Name: ${textOf(event, 'name')}`,
      `     -> Timestamp: ${utcTime(event.timeUnixNano)}`,
      ...attributeLines('     -> Attributes::', listOf(event, 'attributes'), '          '),
    ]),
    ...listOf(span, 'links').flatMap((link, i) => [
      ...(i === 0 ? ['Links:'] : []),
      `SpanLink #${i}`,
      `     -> Trace ID: ${textOf(link, 'traceId')}`,
      `     -> ID: ${textOf(link, 'spanId')}`,
      ...attributeLines('     -> Attributes::', listOf(link, 'attributes'), '          '),
    ]),
  ]
}

function metricLines(metric: Json): string[] {
  const kind = METRIC_KINDS.find((name) => metric[name] !== undefined)
  const data = kind === undefined ? {} : objectOf(metric, kind)
  return [
    'Descriptor:',
    `     -> Name: ${textOf(metric, 'name')}`,
    `     -> Description: ${textOf(metric, 'description')}`,
    `     -> Unit: ${textOf(metric, 'unit')}`,
    `     -> DataType: ${kind ?? 'none'}`,
    ...listOf(data, 'dataPoints').flatMap((point, i) => [
      `DataPoint #${i}`,
      ...attributeLines('Data point attributes:', listOf(point, 'attributes')),
      ...Object.entries(point)
        .filter(([key]) => key !== 'attributes' && key !== 'exemplars')
        .map(([key, value]) => `${key}: ${key.endsWith('UnixNano') ? utcTime(value) : JSON.stringify(value)}`),
    ]),
  ]
}

function logLines(record: Json): string[] {
  const finding = findingLine(record)
  const body = anyValue(objectOf(record, 'body'))
  return [
    ...(finding === null ? [] : [finding]),
    `ObservedTimestamp: ${utcTime(record.observedTimeUnixNano)}`,
    `Timestamp: ${utcTime(record.timeUnixNano)}`,
    `SeverityText: ${textOf(record, 'severityText')}`,
    `SeverityNumber: ${textOf(record, 'severityNumber') || '0'}`,
    `EventName: ${textOf(record, 'eventName')}`,
    `Body: ${body.type}(${body.text})`,
    ...attributeLines('Attributes:', listOf(record, 'attributes')),
    `Trace ID: ${textOf(record, 'traceId')}`,
    `Span ID: ${textOf(record, 'spanId')}`,
    `Flags: ${textOf(record, 'flags') || '0'}`,
  ]
}

function field(label: string, value: string): string {
  return `    ${label.padEnd(15)}: ${value}`
}

function attributeLines(header: string, attributes: readonly Json[], indent = ''): string[] {
  if (attributes.length === 0) return []
  const lines = attributes.map((pair) => {
    const { type, text } = anyValue(objectOf(pair, 'value'))
    return `${indent}     -> ${textOf(pair, 'key')}: ${type}(${text})`
  })
  return [header, ...lines]
}
