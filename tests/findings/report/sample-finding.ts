import type { Finding } from '../../../component/finding-source.ts'
import type { ReportInput } from '../../../findings/report/report-schema.ts'

export const INPUT: ReportInput = {
  path: 'a.otlp.jsonl.gz',
  ordering: 'arrival',
  traces: 1000,
  spans: 11_000,
  metric_points: 0,
  log_records: 1,
  rejected: 0,
  first_unix_nano: '1767225600000000001',
  last_unix_nano: '1767225601000000002',
}

/** A finding of a lost edge, with what a test changes of it. */
export function finding(changes: Partial<Finding>): Finding {
  return {
    id: 'aa00000000000001',
    rule: 'CTX-002',
    name: 'context_lost_between_services',
    level: 'error',
    cause: 'caller_does_not_inject',
    confidence: 0.99,
    causeConfidence: 0.95,
    state: 'confirmed',
    supersededBy: null,
    place: {
      service: 'search',
      instance: null,
      operation: '/search.Search/Nearby',
      edge: { from: 'frontend', to: 'search', boundary: 'grpc' },
    },
    occurrences: 1000,
    population: 1000,
    firstUnixNano: 1767225600000000001n,
    lastUnixNano: 1767225601000000002n,
    message: 'search starts new traces.',
    page: 'docs/rules/CTX-002.md',
    related: [],
    values: { seen: 1, connected_share: 0 },
    evidence: [
      { kind: 'span', traceId: '1'.repeat(32), spanId: '2'.repeat(16), relatedSpanId: null, values: {} },
      {
        kind: 'metric',
        timeUnixNano: 1767225600000000003n,
        metric: 'go.config.gogc',
        instance: 'i-1',
        values: { value: Number.POSITIVE_INFINITY },
      },
    ],
    ...changes,
  }
}
