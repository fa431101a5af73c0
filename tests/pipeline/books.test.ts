import { status } from '@grpc/grpc-js'
import { describe, expect, it } from '@jest/globals'
import { ITEM_NAMES, SIGNALS } from '../../component/signal.ts'
import { enrichingPipeline } from '../e2e/enriching-pipeline.ts'
import { afterThisTest } from '../support/after-this-test.ts'
import { logsRequest, metricsRequest, traceRequest } from '../support/otlp-builder.ts'
import { OtlpGrpcSink } from '../support/otlp-sink.ts'
import { RunningService, total } from '../support/service.ts'

type Metrics = ReadonlyMap<string, number>

/** Every value that a label has, such as all pipelines. */
function values(metrics: Metrics, name: string, label: string): string[] {
  const found = [...metrics.keys()].filter((series) => series.startsWith(`${name}{`))
  return [...new Set(found.map((series) => new RegExp(`[{,]${label}="([^"]*)"`).exec(series)![1]!))]
}

/** The equations of telemetry/ledger.ts that do not hold, each receiver, pipeline and exporter for itself. */
function unbalanced(metrics: Metrics): string[] {
  const wrong: string[] = []
  const equal = (what: string, left: number, right: number) => {
    if (left !== right) wrong.push(`${what}: ${left} is not ${right}`)
  }
  for (const signal of SIGNALS) {
    const of = `otel_signal="${signal}"`
    const items = ITEM_NAMES[signal]
    for (const id of values(metrics, 'blindspot_receiver_received', 'receiver')) {
      const parts = ['accepted', 'refused', 'failed'].map((what) =>
        total(metrics, `otelcol_receiver_${what}_${items}`, `receiver="${id}"`),
      )
      const received = signalTotal(metrics, 'blindspot_receiver_received', `receiver="${id}"`, of)
      equal(
        `receiver ${id}, ${signal}`,
        received,
        parts.reduce((a, b) => a + b),
      )
    }
    for (const id of values(metrics, 'blindspot_exporter_accepted', 'exporter')) {
      const own = `exporter="${id}"`
      const parts = [
        total(metrics, `otelcol_exporter_sent_${items}`, own),
        total(metrics, `otelcol_exporter_send_failed_${items}`, own),
        signalTotal(metrics, 'blindspot_exporter_held', own, of),
        signalTotal(metrics, 'blindspot_exporter_dropped', own, of),
      ]
      const accepted = signalTotal(metrics, 'blindspot_exporter_accepted', own, of)
      equal(
        `exporter ${id}, ${signal}`,
        accepted,
        parts.reduce((a, b) => a + b),
      )
    }
  }
  for (const id of values(metrics, 'blindspot_pipeline_accepted', 'pipeline')) {
    const of = (name: string) => total(metrics, `blindspot_pipeline_${name}`, `pipeline="${id}"`)
    equal(`pipeline ${id}`, of('accepted') + of('created'), of('forwarded') + of('held') + of('dropped'))
  }
  return wrong
}

function signalTotal(metrics: Metrics, name: string, own: string, signal: string): number {
  let sum = 0
  for (const [series, value] of metrics)
    if (series.startsWith(`${name}{`) && series.includes(own) && series.includes(signal)) sum += value
  return sum
}

/** One request of each signal; the spans are a trace in which work outlives its parent, so that there are findings. */
function requests(round: number) {
  const startNano = BigInt(Date.now()) * 1_000_000n
  const trace = { traceId: round + 1, startNano }
  const spans = [
    { ...trace, name: 'GET', spanId: 1, endNano: startNano + 1_000_000n },
    { ...trace, name: 'late', spanId: 2, parentId: 1, endNano: startNano + 50_000_000n },
  ]
  const dataPoints = Array.from({ length: 1 + (round % 3) }, () => ({ asDouble: 1, timeUnixNano: String(startNano) }))
  return {
    traces: traceRequest([{ service: 'shop', spans }]),
    metrics: metricsRequest([{ service: 'shop', metrics: [{ name: 'load', gauge: { dataPoints } }] }]),
    logs: logsRequest([{ service: 'shop', logs: Array(1 + (round % 4)).fill({ body: { stringValue: 'sold' } }) }]),
  }
}

describe('the books of a whole gateway', () => {
  it('balance for each receiver, pipeline and exporter at every scrape, whatever is refused', async () => {
    const sink = await OtlpGrpcSink.start()
    afterThisTest(() => sink.stop())
    const busy = { kind: 'fail', code: status.UNAVAILABLE, message: 'busy' } as const
    const never = { kind: 'fail', code: status.INVALID_ARGUMENT, message: 'no' } as const
    sink.answerOnce(...Array.from({ length: 300 }, (_, i) => [{ kind: 'accept' } as const, busy, never][i % 3]!))
    const own = `
exporters:
  otlp_grpc:
    retry_on_failure: { initial_interval: 5ms, max_interval: 20ms, max_elapsed_time: 100ms }
    sending_queue: { queue_size: 4, num_consumers: 2 }
service: { telemetry: { metrics: { address: "127.0.0.1:0" } } }
receivers: { findings: { interval: 50ms, log_delay: 20ms } }
processors: { trace_window: { quiet_complete: 20ms } }
`
    const gateway = await RunningService.start([enrichingPipeline(sink.endpoint), own])
    const post = async (signal: string, body: Uint8Array) => {
      const headers = { 'content-type': 'application/x-protobuf' }
      const url = `http://${gateway.address('http')}/v1/${signal}`
      return (await fetch(url, { method: 'POST', headers, body: Buffer.from(body) })).status
    }
    const statuses = new Set<number>()
    let sending = true
    const scraping = (async () => {
      let scrapes = 0
      for (; sending; scrapes++) {
        expect(unbalanced(await gateway.scrape())).toEqual([])
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 20))
      }
      return scrapes
    })()
    const send = async (sender: number) => {
      for (let round = 0; round < 40; round++) {
        for (const [signal, body] of Object.entries(requests(sender * 1000 + round)))
          statuses.add(await post(signal, body))
        statuses.add(await post('traces', Buffer.from([0x0a, 0x05, 0xff])))
      }
    }
    await Promise.all([0, 1, 2].map(send))
    sending = false
    expect(await scraping).toBeGreaterThan(5)
    const metrics = await gateway.scrape()
    expect(unbalanced(metrics)).toEqual([])
    // All of it happened: taken, refused for now, malformed, given up; findings were made and told.
    expect(statuses).toEqual(new Set([200, 429, 400]))
    expect(total(metrics, 'otelcol_exporter_send_failed_spans')).toBeGreaterThan(0)
    expect(total(metrics, 'otelcol_receiver_refused_log_records')).toBeGreaterThan(0)
    expect(total(metrics, 'otelcol_receiver_accepted_log_records', 'receiver="findings"')).toBeGreaterThan(0)
    expect(total(metrics, 'otelcol_receiver_accepted_metric_points', 'receiver="findings"')).toBeGreaterThan(0)
    await gateway.stop()
  })
})
