import { describe, expect, it } from '@jest/globals'
import { ownMetricsOptions } from '../../pipeline/own-metrics-config.ts'
import { afterThisTest } from '../support/after-this-test.ts'
import { configOf } from '../support/config.ts'
import { logsRequest, metricsRequest, traceRequest } from '../support/otlp-builder.ts'
import { decodeRequest } from '../support/otlp-oracle.ts'
import { OtlpGrpcSink } from '../support/otlp-sink.ts'
import { RunningService } from '../support/service.ts'

const CONFIG = (backend: string, metrics = '') => `
processors: { memory_limiter: { check_interval: 1s, limit_mib: 4000 }, batch: , trace_window: , context_propagation: }
exporters: { otlp_grpc: { endpoint: "${backend}", tls: { insecure: true } } }
service:
  telemetry: { metrics: { ${metrics} } }
  pipelines:
    traces: { receivers: [otlp], processors: [memory_limiter, trace_window, context_propagation, batch], exporters: [otlp_grpc] }
    metrics: { receivers: [otlp], processors: [batch], exporters: [otlp_grpc] }
    logs: { receivers: [otlp], exporters: [otlp_grpc] }
`

const SENT = {
  traces: traceRequest([{ service: 'shop', spans: [{}] }]),
  metrics: metricsRequest([
    { service: 'shop', metrics: [{ name: 'load', gauge: { dataPoints: [{ asDouble: 1, timeUnixNano: '1' }] } }] },
  ]),
  logs: logsRequest([{ service: 'shop', logs: [{ body: { stringValue: 'sold out' } }] }]),
}

/** A gateway through which one item of each signal has gone. */
async function startAndSend(metrics?: string) {
  const sink = await OtlpGrpcSink.start()
  afterThisTest(() => sink.stop())
  const gateway = await RunningService.start(CONFIG(sink.endpoint, metrics))
  for (const [signal, body] of Object.entries(SENT)) {
    const headers = { 'content-type': 'application/x-protobuf' }
    const url = `http://${gateway.address('http')}/v1/${signal}`
    expect((await fetch(url, { method: 'POST', headers, body: Buffer.from(body) })).status).toBe(200)
  }
  return { sink, gateway }
}

/** The Collector's names for what the gateway has too: dashboards and alerts are made of them. */
const OF_THE_COLLECTOR = [
  ...['spans', 'metric_points', 'log_records'].flatMap((items) => [
    ...['accepted', 'refused', 'failed'].map((what) => `otelcol_receiver_${what}_${items} counter`),
    ...['sent', 'send_failed', 'enqueue_failed'].map((what) => `otelcol_exporter_${what}_${items} counter`),
  ]),
  'otelcol_receiver_requests counter',
  'otelcol_exporter_queue_size gauge',
  'otelcol_exporter_queue_capacity gauge',
  'otelcol_exporter_in_flight_requests gauge',
  'otelcol_processor_incoming_items counter',
  'otelcol_processor_outgoing_items counter',
  'otelcol_processor_memory_limiter_accepted_spans counter',
  'otelcol_processor_batch_batch_send_size histogram',
  'otelcol_processor_batch_timeout_trigger_send counter',
  'otelcol_process_cpu_seconds counter',
  'otelcol_process_memory_rss gauge',
  'otelcol_process_runtime_heap_alloc_bytes gauge',
  'otelcol_process_runtime_total_sys_memory_bytes gauge',
  'otelcol_process_uptime counter',
]

const OF_ITS_OWN = [
  'blindspot_receiver_received counter',
  'blindspot_pipeline_accepted counter',
  'blindspot_pipeline_forwarded counter',
  'blindspot_pipeline_held gauge',
  'blindspot_pipeline_dropped counter',
  'blindspot_exporter_accepted counter',
  'blindspot_exporter_held gauge',
  'blindspot_exporter_dropped counter',
  'blindspot_budget_used gauge',
  'blindspot_budget_limit gauge',
  'blindspot_degradation_stage gauge',
  'blindspot_event_loop_delay gauge',
  'blindspot_window_traces gauge',
  'blindspot_window_late_grace gauge',
]

describe("the gateway's own metrics", () => {
  it('are to be fetched by Prometheus, under the names of the Collector and without type suffixes', async () => {
    const { gateway } = await startAndSend()
    const { address } = gateway.service.ownMetrics.endpoints[0]!
    const fetchText = async () => {
      const response = await fetch(`http://${address}/metrics`)
      expect([response.status, response.headers.get('content-type')]).toEqual([
        200,
        'text/plain; version=0.0.4; charset=utf-8',
      ])
      return response.text()
    }
    // The batches leave by their timeout.
    let text = await fetchText()
    while (!/^otelcol_processor_batch_timeout_trigger_send\{/m.test(text)) text = await fetchText()
    const types = new Set(text.split('\n').flatMap((line) => line.match(/(?<=^# TYPE )(\S+ \S+)$/)?.[0] ?? []))
    expect([...OF_THE_COLLECTOR, ...OF_ITS_OWN].filter((type) => !types.has(type))).toEqual([])
    expect(text).not.toMatch(/_total[ {]|otel_scope/)
    expect(text).toMatch(/^otelcol_receiver_accepted_spans\{receiver="otlp"\} 1$/m)
    // Before the first loss, so that a rate sees it.
    expect(text).toMatch(/^blindspot_pipeline_dropped\{pipeline="traces",otel_signal="traces",reason="rejected"\} 0$/m)
    expect((await fetch(`http://${address}/`)).status).toBe(404)
    await gateway.stop()
  })

  it('tell windows and exporters of the same id or type apart', async () => {
    const sinks = [await OtlpGrpcSink.start(), await OtlpGrpcSink.start()] as const
    afterThisTest(() => Promise.all(sinks.map((sink) => sink.stop())))
    const exporter = (sink: OtlpGrpcSink) =>
      `{ endpoint: "${sink.endpoint}", tls: { insecure: true }, sending_queue: { wait_for_result: true } }`
    const gateway = await RunningService.start(`
processors: { trace_window: }
exporters: { otlp_grpc/a: ${exporter(sinks[0])}, otlp_grpc/b: ${exporter(sinks[1])}, nop: }
service:
  pipelines:
    traces: { receivers: [otlp], exporters: [otlp_grpc/a, otlp_grpc/b] }
    traces/analyse: { receivers: [otlp], processors: [trace_window], exporters: [nop] }
    traces/unused: { receivers: [otlp/unused], processors: [trace_window], exporters: [nop] }
receivers: { otlp/unused: { protocols: { grpc: { endpoint: "127.0.0.1:0" } } } }
`)
    sinks[1].answerOnce({ kind: 'partial', rejected: 2, message: 'too old' })
    await gateway.exportTraces(traceRequest([{ service: 'shop', spans: [{ spanId: 1 }, { spanId: 2 }] }]))
    const metrics = await gateway.scrape()
    const value = (name: string, labels: string) => metrics.get(`${name}{${labels}}`)
    const held = (pipeline: string) =>
      value('blindspot_window_spans', `processor="trace_window",pipeline="traces/${pipeline}"`)
    expect([held('analyse'), held('unused')]).toEqual([2, 0])
    const rejected = (name: string) =>
      value('blindspot_exporter_rejected', `exporter="otlp_grpc/${name}",otel_signal="traces"`)
    expect([rejected('a'), rejected('b')]).toEqual([0, 2])
    await gateway.stop()
  })

  it('are sent over OTLP where that is configured, the last figures at the end', async () => {
    const own = await OtlpGrpcSink.start()
    afterThisTest(() => own.stop())
    const exporter = `{ otlp: { protocol: grpc, endpoint: "http://${own.endpoint}", headers: { x-tenant: shop } } }`
    const { gateway } = await startAndSend(`readers: [{ periodic: { interval: 3600000, exporter: ${exporter} } }]`)
    await gateway.stop()
    expect(own.requests).toHaveLength(1)
    const [{ bytes, headers, signal }] = own.requests as [(typeof own.requests)[number]]
    expect([signal, headers['x-tenant']]).toEqual(['metrics', 'shop'])
    const text = JSON.stringify(decodeRequest('metrics', bytes))
    for (const name of ['otelcol_receiver_accepted_spans', 'otelcol_process_uptime', 'blindspot.pipeline.forwarded'])
      expect(text).toContain(`"name":"${name}"`)
    expect(text).toContain('{"key":"service.name","value":{"stringValue":"blindspot"}}')
  })
})

describe('service.telemetry.metrics', () => {
  const RECEIVER = 'receivers: { otlp: { protocols: { http: } } }'
  const optionsOf = (lines: string) =>
    ownMetricsOptions(configOf([RECEIVER, CONFIG('a:1', lines)]).service.telemetry, 'test')

  it.each<[string, [string, number][]]>([
    ['', [['127.0.0.1', 8888]]],
    ['level: detailed', [['127.0.0.1', 8888]]],
    ['level: none', []],
    ['address: "0.0.0.0:9000"', [['0.0.0.0', 9000]]],
    ['address: ":9000"', [['::', 9000]]],
    ['address: "[::1]:9000"', [['::1', 9000]]],
    ['readers: [{ pull: { exporter: { prometheus: } } }]', [['127.0.0.1', 8888]]],
    ['readers: [{ pull: { exporter: { prometheus: { host: 0.0.0.0, port: 1 } } } }]', [['0.0.0.0', 1]]],
    ['readers: [{ periodic: { exporter: { otlp: { endpoint: "http://a:1" } } } }]', []],
  ])('"%s" listens on %j', (lines, places) => {
    expect(optionsOf(lines).prometheus.map(({ host, port }) => [host, port])).toEqual(places)
  })

  it.each([
    [
      'endpoint: "http://a:4317"',
      { endpoint: 'http://a:4317', gzip: true, temporality: 'cumulative', intervalMs: 60_000 },
    ],
    ['endpoint: "a:4317"', { endpoint: 'https://a:4317' }],
    ['endpoint: "a:4317", insecure: true, compression: none', { endpoint: 'http://a:4317', gzip: false }],
    ['endpoint: "a:1", headers: [{ name: x, value: y }]', { headers: { x: 'y' } }],
    ['endpoint: "a:1", headers: { x: y }, headers_list: "a=b%20c,d=e"', { headers: { x: 'y', a: 'b c', d: 'e' } }],
  ])('sends to { %s }', (otlp, expected) => {
    const [options] = optionsOf(`readers: [{ periodic: { exporter: { otlp: { ${otlp} } } } }]`).otlp
    expect(options).toMatchObject(expected)
  })
})
