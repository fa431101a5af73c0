import { SIGNALS, type Signal } from '../../component/signal.ts'

/** What OTLP calls things for each signal. https://opentelemetry.io/docs/specs/otlp/#otlpgrpc */
export interface OtlpService {
  readonly signal: Signal
  /** The gRPC service; its only method is `Export`. */
  readonly grpcName: string
  /** The count in partial_success, as JSON names it; its field number is 1 everywhere. */
  readonly rejectedField: string
}

export const SERVICES: Readonly<Record<Signal, OtlpService>> = {
  traces: {
    signal: 'traces',
    grpcName: 'opentelemetry.proto.collector.trace.v1.TraceService',
    rejectedField: 'rejectedSpans',
  },
  metrics: {
    signal: 'metrics',
    grpcName: 'opentelemetry.proto.collector.metrics.v1.MetricsService',
    rejectedField: 'rejectedDataPoints',
  },
  logs: {
    signal: 'logs',
    grpcName: 'opentelemetry.proto.collector.logs.v1.LogsService',
    rejectedField: 'rejectedLogRecords',
  },
  profiles: {
    signal: 'profiles',
    grpcName: 'opentelemetry.proto.collector.profiles.v1development.ProfilesService',
    rejectedField: 'rejectedProfiles',
  },
}

/** The signals whose pipelines use the receiver, by the `:path` of their Export method. */
export function exportPaths(served: (signal: Signal) => boolean): ReadonlyMap<string, Signal> {
  return new Map(SIGNALS.filter(served).map((signal) => [`/${SERVICES[signal].grpcName}/Export`, signal]))
}
