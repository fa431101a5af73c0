import type { ReportInput } from '../../findings/report/report-schema.ts'
import type { ReplayInput } from './replay-input.ts'

/** The inputs of a replay as rows of the report. */
export function reportInputs(inputs: readonly ReplayInput[]): ReportInput[] {
  return inputs.map(({ recording, ordering, traces, counts }) => ({
    path: recording.path,
    ordering,
    traces: traces.count,
    spans: counts.spans,
    metric_points: counts.metricPoints,
    log_records: counts.logRecords,
    rejected: recording.rejected,
    first_unix_nano: counts.firstUnixNano === null ? null : String(counts.firstUnixNano),
    last_unix_nano: counts.lastUnixNano === null ? null : String(counts.lastUnixNano),
  }))
}
