/** A pipeline.yaml as a team writes it: everything that comes in is looked at and goes on to one backend. */
export const enrichingPipeline = (backend: string) => `
receivers:
  otlp:
    protocols:
      grpc:
        endpoint: 127.0.0.1:0
      http:
        endpoint: 127.0.0.1:0
  findings:
    interval: 1s

processors:
  # Shorter than the defaults, for a test that does not want to wait.
  trace_window:
    quiet_complete: 400ms
    quiet: 600ms
    max_wait: 800ms
  context_propagation:
    judge_interval: 200ms
    provisional_after: 0s
  span_lifetime:
    judge_interval: 200ms
  go_runtime:

exporters:
  otlp_grpc:
    endpoint: ${backend}
    tls:
      insecure: true

service:
  telemetry:
    metrics:
      address: 127.0.0.1:0
  pipelines:
    traces:
      receivers: [otlp]
      processors: [trace_window, context_propagation, span_lifetime]
      exporters: [otlp_grpc]
    metrics:
      receivers: [otlp]
      processors: [go_runtime]
      exporters: [otlp_grpc]
    metrics/derived:
      receivers: [findings]
      exporters: [otlp_grpc]
    logs:
      receivers: [otlp, findings]
      exporters: [otlp_grpc]
`
