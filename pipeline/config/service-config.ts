import { z } from 'zod'
import { durationMs } from '../../component/config-types.ts'

const NO_EFFECT = 'Accepted so that configurations of the Collector load; has no effect here.'

/** The Collector writes header lists as names and values, and older configurations as a map. */
const headers = z
  .union([
    z.record(z.string(), z.string()),
    z.array(z.strictObject({ name: z.string().describe('Its name.'), value: z.string().describe('Its value.') })),
  ])
  .optional()
  .describe('Headers that go with every export.')

const prometheus = z
  .strictObject({
    host: z.string().default('127.0.0.1').describe('Address to listen on.'),
    port: z.int().min(0).max(65535).default(8888).describe('Port to listen on; 0 takes a free one.'),
    without_type_suffix: z
      .boolean()
      .default(true)
      .describe('Counters without the ending _total, as the Collector has them.'),
    without_units: z.boolean().optional().describe(NO_EFFECT),
    without_scope_info: z.boolean().default(true).describe('Series without the labels of the instrumentation scope.'),
    with_resource_constant_labels: z.unknown().optional().describe(NO_EFFECT),
  })
  .describe('Metrics to be fetched by Prometheus at /metrics.')

const otlp = z
  .strictObject({
    protocol: z.enum(['grpc']).default('grpc').describe('Only OTLP over gRPC.'),
    endpoint: z.string().describe('Where to send: http://host:4317 in the clear, https://host:4317 with TLS.'),
    insecure: z.boolean().optional().describe('In the clear, where the endpoint names no scheme.'),
    headers,
    headers_list: z.string().optional().describe('Headers as key=value,key=value.'),
    compression: z.enum(['gzip', 'none']).default('gzip').describe('Compression of what is sent.'),
    timeout: z.number().default(10_000).describe('Milliseconds that one export may take.'),
    temporality_preference: z.enum(['cumulative', 'delta']).default('cumulative').describe('Temporality of counters.'),
    default_histogram_aggregation: z.string().optional().describe(NO_EFFECT),
    tls: z.unknown().optional().describe(NO_EFFECT),
  })
  .describe('Metrics sent over OTLP.')

const reader = z
  .strictObject({
    pull: z
      .strictObject({
        exporter: z.strictObject({ prometheus: prometheus.prefault({}) }).describe('Only prometheus.'),
      })
      .optional()
      .describe('Fetched by Prometheus.'),
    periodic: z
      .strictObject({
        interval: z.number().positive().default(60_000).describe('Milliseconds between two exports.'),
        timeout: z.number().positive().default(30_000).describe('Milliseconds that one export may take.'),
        exporter: z
          .strictObject({ otlp: otlp.optional(), otlp_grpc: otlp.optional() })
          .describe('otlp_grpc; otlp is an older name for the same.'),
      })
      .optional()
      .describe('Sent at an interval.'),
  })
  .describe('One way in which the gateway tells its own metrics.')

const telemetry = z.strictObject({
  logs: z
    .strictObject({
      level: z
        .string()
        .toLowerCase()
        .pipe(z.enum(['debug', 'info', 'warn', 'error']))
        .prefault('info')
        .describe('Least level that is logged: debug, info, warn, error.'),
      encoding: z.enum(['console', 'json']).default('console').describe('console for people, json for machines.'),
      initial_fields: z.record(z.string(), z.unknown()).default({}).describe('Fields of every line.'),
      development: z.unknown().optional().describe(NO_EFFECT),
      disable_caller: z.unknown().optional().describe(NO_EFFECT),
      disable_stacktrace: z.unknown().optional().describe(NO_EFFECT),
      disable_zap_resource: z.unknown().optional().describe(NO_EFFECT),
      sampling: z.unknown().optional().describe(NO_EFFECT),
      output_paths: z.unknown().optional().describe(NO_EFFECT),
      error_output_paths: z.unknown().optional().describe(NO_EFFECT),
      processors: z.unknown().optional().describe(NO_EFFECT),
    })
    .prefault({})
    .describe('The log of the gateway, on standard error.'),
  metrics: z
    .strictObject({
      level: z
        .string()
        .toLowerCase()
        .pipe(z.enum(['none', 'basic', 'normal', 'detailed']))
        .prefault('normal')
        .describe('none switches the own metrics off; the other levels are the same here.'),
      address: z
        .string()
        .regex(/^(.*):(\d+)$/, { error: 'is no address; write host:port such as 127.0.0.1:8888' })
        .optional()
        .describe('Where Prometheus fetches; short for a pull reader.'),
      readers: z
        .array(reader)
        .optional()
        .describe('How the metrics leave; by default a Prometheus reader on 127.0.0.1:8888.'),
      views: z.unknown().optional().describe(NO_EFFECT),
    })
    .prefault({})
    .describe('The own metrics of the gateway.'),
  traces: z.unknown().optional().describe(NO_EFFECT),
  resource: z
    .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
    .default({})
    .describe('Attributes of the resource of the own metrics.'),
})

/** What holds for the findings of every detector; they are one for the whole process. */
const findings = z.strictObject({
  min_confidence: z
    .number()
    .min(0)
    .max(1)
    .default(0.8)
    .describe('How sure a finding must be to be published, from 0 to 1. A cause below 0.8 is always undetermined.'),
  resolve_after: durationMs('10m').describe('Without a new occurrence for this long a finding is resolved.'),
  max_series: z
    .int()
    .min(10)
    .default(2000)
    .describe('Series of one metric about findings; the rest shares one, and is counted.'),
  max_findings: z
    .int()
    .min(100)
    .default(10_000)
    .describe('Findings that are kept, closed ones included; at the limit a tenth goes, closed and oldest first.'),
})

/** A list of ids; what they name is checked beside the schema, with the Collector's words. */
const ids = (what: string) => z.array(z.string()).default([]).describe(what)

export const pipelineSchema = z.strictObject({
  receivers: ids('Where data comes in.'),
  processors: ids('What it goes through, in this order.'),
  exporters: ids('Where it goes, to each of them.'),
})

/** `service` of a configuration. */
export const serviceSchema = z.strictObject({
  extensions: ids('Extensions to run.'),
  pipelines: z
    .record(z.string(), pipelineSchema)
    .default({})
    .describe('Pipelines by id: a signal (traces, metrics, logs, profiles), or signal/name.'),
  telemetry: telemetry.prefault({}).describe('How the gateway speaks about itself.'),
  findings: findings.prefault({}).describe('When findings are published, and how many are kept.'),
  limit_mib: z
    .int()
    .min(16)
    .optional()
    .describe(
      'The byte budget in MiB: requests in flight, held and queued together. At 80 % the oldest traces leave unjudged, at 100 % receivers refuse. By default 60 % of the memory of the container or host.',
    ),
  shutdown_timeout: durationMs('20s').describe(
    'How long the gateway may take to send on what it holds when it is stopped.',
  ),
})

export type ServiceConfig = z.output<typeof serviceSchema>
export type TelemetryConfig = ServiceConfig['telemetry']
export type FindingsConfig = ServiceConfig['findings']
