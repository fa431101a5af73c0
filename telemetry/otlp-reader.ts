import { Metadata } from '@grpc/grpc-js'
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-grpc'
import { AggregationTemporality, type MetricReader, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics'

export interface OtlpReaderOptions {
  /** `http://host:4317` in the clear, `https://host:4317` with TLS. */
  readonly endpoint: string
  readonly headers: Readonly<Record<string, string>>
  readonly gzip: boolean
  readonly temporality: 'cumulative' | 'delta'
  readonly intervalMs: number
  readonly timeoutMs: number
}

type ExporterOptions = NonNullable<ConstructorParameters<typeof OTLPMetricExporter>[0]>

/** Sends the gateway's own metrics over OTLP at an interval. */
export function createOtlpReader(options: OtlpReaderOptions): MetricReader {
  const metadata = new Metadata()
  for (const [name, value] of Object.entries(options.headers)) metadata.set(name, value)
  const exporter = new OTLPMetricExporter({
    url: options.endpoint,
    metadata,
    timeoutMillis: options.timeoutMs,
    temporalityPreference:
      options.temporality === 'delta' ? AggregationTemporality.DELTA : AggregationTemporality.CUMULATIVE,
    ...(options.gzip && { compression: 'gzip' as NonNullable<ExporterOptions['compression']> }),
  })
  return new PeriodicExportingMetricReader({
    exporter,
    exportIntervalMillis: options.intervalMs,
    exportTimeoutMillis: Math.min(options.timeoutMs, options.intervalMs),
  })
}
