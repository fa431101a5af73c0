import { z } from 'zod'
import { FINDING_STATES } from '../../component/finding-source.ts'

/** Nanoseconds since 1970 as decimal text: they are beyond what a JSON number holds. */
const unixNano = z.string().regex(/^\d+$/).describe('Nanoseconds since 1970-01-01T00:00:00Z, in decimal.')
const hexId = (digits: number) => z.string().regex(new RegExp(`^[0-9a-f]{${digits}}$`))
const count = z.int().min(0)
const values = z
  .record(z.string(), z.union([z.number(), z.string(), z.boolean()]))
  .describe('Numbers of the rule, by snake_case key with unit; the page of the rule says which.')

const boundary = z.enum(['http', 'grpc', 'messaging', 'other'])
const edge = z.strictObject({
  from: z.string().describe('The service that calls.'),
  to: z.string().describe('The service that is called.'),
  boundary,
})

const spanEvidence = z.strictObject({
  trace_id: hexId(32),
  span_id: hexId(16).describe('The span at fault.'),
  related_span_id: hexId(16).nullable().describe('The other span that it is about; the page of the rule says which.'),
  values,
})
const metricEvidence = z.strictObject({
  time_unix_nano: unixNano,
  metric: z.string(),
  instance: z.string(),
  values,
})

const input = z.strictObject({
  path: z.string(),
  ordering: z
    .enum(['arrival', 'sorted'])
    .describe('`sorted` where the recording was not in order of arrival; then nothing in it can be late.'),
  traces: count,
  spans: count,
  metric_points: count,
  log_records: count,
  rejected: count.describe('Messages that are torn or malformed.'),
  first_unix_nano: unixNano.nullable(),
  last_unix_nano: unixNano.nullable(),
})

const finding = z.strictObject({
  id: z.string().describe('Stable: the same trouble at the same place has it in every run.'),
  rule: z.string().regex(/^[A-Z]+-\d{3}$/),
  name: z.string(),
  level: z.enum(['error', 'warn', 'info']),
  cause: z.string(),
  confidence: z.number().min(0).max(1).describe('That rule and place are right.'),
  cause_confidence: z.number().min(0).max(1).describe('That the cause is right.'),
  state: z.enum(FINDING_STATES),
  superseded_by: z.string().nullable(),
  service: z.string().describe('Where the trouble shows.'),
  instance: z.string().nullable(),
  operation: z.string().nullable(),
  edge: edge.nullable(),
  occurrences: count,
  population: count.describe('How many occurrences there could have been.'),
  first_unix_nano: unixNano,
  last_unix_nano: unixNano,
  message: z.string(),
  page: z.string(),
  related: z.array(z.string()).describe('Rules that this finding outranks on the same spans.'),
  values,
  evidence: z.array(z.union([spanEvidence, metricEvidence])),
})

const quantiles = z.strictObject({ p50: z.number(), p90: z.number(), p99: z.number() })

/** The report of `blindspot replay --format json`; docs/report.schema.json is made of it. */
export const reportSchema = z.strictObject({
  schema: z.literal('blindspot.report/1'),
  inputs: z.array(input),
  findings: z.array(finding).describe('By id.'),
  edges: z.array(z.strictObject({ ...edge.shape, calls: count, connected: count })).describe('By from, to, boundary.'),
  clocks: z.array(
    z.strictObject({
      domain: z.string(),
      members: z.array(z.string()),
      reference: z.string(),
      offset_nano: z.number(),
      uncertainty_nano: z.number(),
      bounds_nano: z.tuple([z.number(), z.number()]),
      from_unix_nano: unixNano,
      until_unix_nano: unixNano,
    }),
  ),
  latency: z.array(
    z.strictObject({
      service: z.string(),
      operation: z.string(),
      kind: z.string(),
      count,
      reported_seconds: quantiles,
      effective_seconds: quantiles,
    }),
  ),
  resources: z.array(
    z.strictObject({ service: z.string(), instance: z.string(), values: z.record(z.string(), z.number()) }),
  ),
  not_evaluable: z
    .array(z.strictObject({ rule: z.string(), service: z.string(), missing: z.string(), switch_on: z.string() }))
    .describe('Rules that cannot speak about a service, and what to switch on.'),
  limits: z.record(z.string(), count).describe('How often a limit cut something short.'),
})

export type Report = z.output<typeof reportSchema>
export type ReportInput = Report['inputs'][number]
export type ReportFinding = Report['findings'][number]

/** As JSON Schema, draft 2020-12. */
export function reportJsonSchema(): object {
  return {
    $id: 'urn:blindspot:report:1',
    title: 'Report of blindspot replay',
    ...z.toJSONSchema(reportSchema),
  }
}
