import type { ComponentKind } from '../../component/component.ts'

const AT_A_RECEIVER = 'before a receiver put an authenticating proxy, or use its tls with client_ca_file'

/**
 * Components of the Collector that people bring along and that Blindspot does not have, and what to do instead. Only what
 * is certain stands here; for anything else the message lists what there is.
 */
export const INSTEAD: Readonly<Record<ComponentKind, Readonly<Record<string, string>>>> = {
  receiver: {
    jaeger: 'let the services send OTLP to the receiver "otlp"; Jaeger clients are replaced by OpenTelemetry SDKs',
    zipkin: 'let the services send OTLP to the receiver "otlp"',
    opencensus: 'let the services send OTLP to the receiver "otlp"',
    prometheus: 'scrape with a Collector or Prometheus and send OTLP to the receiver "otlp"',
    hostmetrics: 'collect with a Collector agent on the host and send OTLP to the receiver "otlp"',
    filelog: 'collect with a Collector agent on the host and send OTLP to the receiver "otlp"',
    kafka: 'read with a Collector and send OTLP to the receiver "otlp"',
  },
  processor: {
    groupbytrace: 'use "trace_window", which gathers whole traces',
    attributes: 'keep it in a Collector before or behind Blindspot',
    resource: 'keep it in a Collector before or behind Blindspot',
    transform: 'keep it in a Collector before or behind Blindspot',
    filter: 'keep it in a Collector before or behind Blindspot',
    resourcedetection: 'keep it in the agent on the host, which knows the host',
    k8sattributes: 'keep it in the agent on the node, which sees the pods',
    k8s_attributes: 'keep it in the agent on the node, which sees the pods',
    probabilistic_sampler: 'sample behind Blindspot, which wants to see every span',
    tail_sampling: 'sample behind Blindspot, which wants to see every span',
    queuebatch: 'use "batch"',
  },
  exporter: {
    logging: 'use "debug", its new name',
    jaeger: 'send OTLP to Jaeger with "otlp_grpc"',
    zipkin: 'send OTLP with "otlp_http"',
    opencensus: 'send OTLP with "otlp_grpc"',
    prometheus: 'send OTLP to Prometheus with "otlp_http" (endpoint http://prometheus:9090/api/v1/otlp)',
    prometheusremotewrite: 'send OTLP to Prometheus with "otlp_http" (endpoint http://prometheus:9090/api/v1/otlp)',
    loki: 'send OTLP to Loki with "otlp_http" (endpoint http://loki:3100/otlp)',
    loadbalancing: 'use "otlp_grpc" to one gateway',
    load_balancing: 'use "otlp_grpc" to one gateway',
  },
  connector: {
    spanmetrics: 'use the receiver "findings", which brings durations and calls as metrics',
    span_metrics: 'use the receiver "findings", which brings durations and calls as metrics',
    servicegraph: 'use the receiver "findings", which brings the calls between services as metrics',
    service_graph: 'use the receiver "findings", which brings the calls between services as metrics',
    forward: 'name the receiver in each pipeline; fan-out costs nothing',
  },
  extension: {
    health_check: 'let the prober connect to the port of the receiver, or fetch /metrics on port 8888',
    healthcheckv2: 'let the prober connect to the port of the receiver, or fetch /metrics on port 8888',
    zpages: 'the own metrics on port 8888 tell what it told',
    pprof: 'start node with --cpu-prof to profile the gateway',
    basicauth: `write headers: { authorization: "Basic …" } at the exporter; ${AT_A_RECEIVER}`,
    bearertokenauth: `write headers: { authorization: "Bearer …" } at the exporter; ${AT_A_RECEIVER}`,
    oauth2client: 'send through a proxy that adds the token; a fixed one goes into headers of the exporter',
    oidc: AT_A_RECEIVER,
    memory_ballast: 'leave it out; service.limit_mib bounds the memory',
    file_storage: 'leave it out; sending queues are held in memory',
  },
}

/** What to use instead of a component that Blindspot does not have, or null where nothing certain is known. */
export function instead(kind: ComponentKind, type: string): string | null {
  const known = INSTEAD[kind]
  return Object.hasOwn(known, type) ? known[type]! : null
}
