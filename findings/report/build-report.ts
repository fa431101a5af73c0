import type { Evidence, FindingValue, ReportSections } from '../../component/finding.ts'
import type { Finding, FindingSource } from '../../component/finding-source.ts'
import type { Report, ReportFinding, ReportInput } from './report-schema.ts'

/**
 * Puts a report together from what the detectors found and know. Lists are in an order that only their content decides,
 * so that the same recording gives the same bytes.
 */
export function buildReport(
  inputs: readonly ReportInput[],
  source: Pick<FindingSource, 'findings' | 'sections'>,
): Report {
  const sections = source.sections()
  return {
    schema: 'blindspot.report/1',
    inputs: [...inputs],
    findings: source.findings().map(findingRow).sort(by('id')),
    edges: rows(sections, 'edges')
      .map(({ from, to, boundary, calls, connected }) => ({ from, to, boundary, calls, connected }))
      .sort(by('from', 'to', 'boundary')),
    clocks: rows(sections, 'clocks')
      .map((clock) => ({
        domain: clock.domain,
        members: [...clock.members],
        reference: clock.reference,
        offset_nano: clock.offsetNano,
        uncertainty_nano: clock.uncertaintyNano,
        bounds_nano: [...clock.boundsNano] as [number, number],
        from_unix_nano: String(clock.fromUnixNano),
        until_unix_nano: String(clock.untilUnixNano),
      }))
      .sort(by('domain', 'from_unix_nano')),
    latency: rows(sections, 'latency')
      .map(({ service, operation, kind, count, reportedSeconds, effectiveSeconds }) => ({
        service,
        operation,
        kind,
        count,
        reported_seconds: { ...reportedSeconds },
        effective_seconds: { ...effectiveSeconds },
      }))
      .sort(by('service', 'operation', 'kind')),
    resources: mergedResources(sections),
    not_evaluable: rows(sections, 'notEvaluable')
      .map(({ rule, service, missing, switchOn }) => ({ rule, service, missing, switch_on: switchOn }))
      .sort(by('rule', 'service', 'missing')),
    limits: mergedLimits(sections),
  }
}

/** A finding as reports write it. */
export function findingRow(finding: Finding): ReportFinding {
  const { place } = finding
  return {
    id: finding.id,
    rule: finding.rule,
    name: finding.name,
    level: finding.level,
    cause: finding.cause,
    confidence: finding.confidence,
    cause_confidence: finding.causeConfidence,
    state: finding.state,
    superseded_by: finding.supersededBy,
    service: place.service,
    instance: place.instance,
    operation: place.operation,
    edge: place.edge && { from: place.edge.from, to: place.edge.to, boundary: place.edge.boundary },
    occurrences: finding.occurrences,
    population: finding.population,
    first_unix_nano: String(finding.firstUnixNano),
    last_unix_nano: String(finding.lastUnixNano),
    message: finding.message,
    page: finding.page,
    related: [...finding.related],
    values: valueRow(finding.values),
    evidence: finding.evidence.map(evidenceRow),
  }
}

function evidenceRow(evidence: Evidence): ReportFinding['evidence'][number] {
  switch (evidence.kind) {
    case 'span':
      return {
        trace_id: evidence.traceId,
        span_id: evidence.spanId,
        related_span_id: evidence.relatedSpanId,
        values: valueRow(evidence.values),
      }
    case 'metric':
      return {
        time_unix_nano: String(evidence.timeUnixNano),
        metric: evidence.metric,
        instance: evidence.instance,
        values: valueRow(evidence.values),
      }
  }
}

/** By key. JSON has no NaN and no infinity; they are written as text. */
function valueRow(values: Readonly<Record<string, FindingValue>>): Record<string, FindingValue> {
  return sortedByKey(values, (value) => (typeof value === 'number' && !Number.isFinite(value) ? String(value) : value))
}

type ListSection = 'edges' | 'clocks' | 'latency' | 'resources' | 'notEvaluable'
type RowsOf<K extends ListSection> = ReturnType<NonNullable<ReportSections[K]>>

function rows<K extends ListSection>(sections: readonly ReportSections[], name: K): RowsOf<K>[number][] {
  return sections.flatMap((section) => (section[name]?.() ?? []) as RowsOf<K>[number][])
}

/** Several detectors may know something of one process: one row for each. */
function mergedResources(sections: readonly ReportSections[]): Report['resources'] {
  const merged = new Map<string, Report['resources'][number]>()
  for (const { service, instance, values } of rows(sections, 'resources')) {
    const key = JSON.stringify([service, instance])
    const row = merged.get(key) ?? { service, instance, values: {} }
    merged.set(key, { ...row, values: sortedByKey({ ...row.values, ...values }, (value) => value) })
  }
  return [...merged.values()].sort(by('service', 'instance'))
}

function mergedLimits(sections: readonly ReportSections[]): Record<string, number> {
  const merged: Record<string, number> = {}
  for (const section of sections) {
    for (const [name, times] of Object.entries(section.limits?.() ?? {})) merged[name] = (merged[name] ?? 0) + times
  }
  return sortedByKey(merged, (times) => times)
}

function sortedByKey<V>(values: Readonly<Record<string, V>>, map: (value: V) => V): Record<string, V> {
  const keys = Object.keys(values).sort()
  return Object.fromEntries(keys.map((key) => [key, map(values[key]!)]))
}

/** Compares by fields in turn, by code points: the same order in every locale. */
function by<T>(...fields: (keyof T & string)[]): (a: T, b: T) => number {
  return (a, b) => {
    for (const field of fields) {
      if (a[field] < b[field]) return -1
      if (a[field] > b[field]) return 1
    }
    return 0
  }
}
