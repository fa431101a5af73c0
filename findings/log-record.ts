import type { FindingValue, Level } from '../component/finding.ts'
import type { FindingEvent } from '../component/finding-source.ts'
import { findRule } from './catalogue/catalogue.ts'

export const FINDING_EVENT_NAME = 'blindspot.finding'

/** https://opentelemetry.io/docs/specs/otel/logs/data-model/#field-severitynumber */
const SEVERITY = {
  info: { severityNumber: 9, severityText: 'INFO' },
  warn: { severityNumber: 13, severityText: 'WARN' },
  error: { severityNumber: 17, severityText: 'ERROR' },
} as const satisfies Record<Level, object>

export type OtlpAnyValue =
  | { readonly stringValue: string }
  | { readonly boolValue: boolean }
  | { readonly intValue: string }
  | { readonly doubleValue: number }

export interface OtlpKeyValue {
  readonly key: string
  readonly value: OtlpAnyValue
}

/** A LogRecord in the form of OTLP/JSON. */
export interface OtlpLogRecord {
  readonly timeUnixNano: string
  readonly observedTimeUnixNano: string
  readonly severityNumber: number
  readonly severityText: string
  readonly eventName: string
  readonly body: OtlpAnyValue
  readonly attributes: readonly OtlpKeyValue[]
  readonly traceId?: string
  readonly spanId?: string
}

/** The event that a finding opened, changed its state or level, or resolved. Its ids are those of the first evidence. */
export function logRecordOf({ finding, previousState, timeUnixNano }: FindingEvent): OtlpLogRecord {
  const { place } = finding
  const attributes: OtlpKeyValue[] = []
  const add = (key: string, value: OtlpAnyValue) => attributes.push({ key, value })
  const addText = (key: string, text: string | null) => text !== null && add(key, { stringValue: text })

  addText('blindspot.finding.id', finding.id)
  addText('blindspot.finding.state', finding.state)
  addText('blindspot.finding.previous_state', previousState)
  add('blindspot.finding.confidence', { doubleValue: finding.confidence })
  add('blindspot.finding.cause_confidence', { doubleValue: finding.causeConfidence })
  add('blindspot.finding.occurrences', { intValue: String(finding.occurrences) })
  add('blindspot.finding.population', { intValue: String(finding.population) })
  addText('blindspot.finding.superseded_by', finding.supersededBy)
  addText('blindspot.rule', finding.rule)
  addText('blindspot.rule.name', finding.name)
  addText('blindspot.cause', finding.cause)
  addText('blindspot.level', finding.level)
  addText('service.name', place.service)
  addText('service.instance.id', place.instance)
  addText('span.name', place.operation)
  addText('client.service.name', place.edge?.from ?? null)
  addText('server.service.name', place.edge?.to ?? null)
  addText('blindspot.boundary', place.edge?.boundary ?? null)
  for (const [key, value] of Object.entries(finding.values)) {
    // Derived metrics carry it under that name too.
    const name = key === 'signal_source' ? 'blindspot.signal.source' : `blindspot.value.${key}`
    add(name, anyValue(value, unitOf(finding.rule, key)))
  }

  const span = finding.evidence.find((evidence) => evidence.kind === 'span')
  return {
    timeUnixNano: String(timeUnixNano),
    observedTimeUnixNano: String(timeUnixNano),
    ...SEVERITY[finding.level],
    eventName: FINDING_EVENT_NAME,
    body: { stringValue: finding.message },
    attributes,
    ...(span && { traceId: span.traceId, spanId: span.spanId }),
  }
}

function unitOf(rule: string, key: string): string | undefined {
  return findRule(rule)?.values.find((value) => value.key === key)?.unit
}

/** A key always has the same type, whatever its value is now: what is counted is an integer, what is measured a double. */
function anyValue(value: FindingValue, unit: string | undefined): OtlpAnyValue {
  if (typeof value === 'string') return { stringValue: value }
  if (typeof value === 'boolean') return { boolValue: value }
  const isCounted = unit === 'By' || unit?.startsWith('{') === true
  return isCounted && Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value }
}
