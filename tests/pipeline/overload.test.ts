import { status } from '@grpc/grpc-js'
import { describe, expect, it } from '@jest/globals'
import { afterThisTest } from '../support/after-this-test.ts'
import { traceRequest } from '../support/otlp-builder.ts'
import { countItemsByOracle } from '../support/otlp-oracle.ts'
import { OtlpGrpcSink } from '../support/otlp-sink.ts'
import { RunningService } from '../support/service.ts'

const REQUESTS = 100

/** A request of about a quarter MiB whose span is named after it. */
function request(name: string, traceId = 1): Uint8Array {
  return traceRequest([
    { service: 'a', spans: [{ name, traceId, attributes: { payload: name.padEnd(256 * 1024, '.') } }] },
  ])
}

const CONFIG = (endpoint: string, processors: string) => `
processors:
  batch:
  trace_window: { quiet_complete: 10ms, max_batch_spans: 1 }
  context_propagation:
  span_lifetime:
exporters:
  otlp_grpc:
    endpoint: "${endpoint}"
    tls: { insecure: true }
    compression: none
    retry_on_failure: { initial_interval: 300ms, max_interval: 500ms, max_elapsed_time: 0 }
service:
  limit_mib: 16
  pipelines: { traces: { receivers: [otlp], processors: [${processors}], exporters: [otlp_grpc] } }
`

const SMALL_SPANS = 2000
const TEMPLATE = Buffer.from(
  traceRequest([
    { service: 'a', spans: Array.from({ length: SMALL_SPANS }, (_, i) => ({ name: 's', spanId: i + 1 })) },
  ]),
)

/** A request whose spans take more room as rows than as bytes, each a trace of its own. */
function smallSpans(request: number): Uint8Array {
  const bytes = Buffer.from(TEMPLATE)
  let trace = request * SMALL_SPANS
  // Span: trace_id is field 1 with 16 bytes, span_id follows as field 2.
  for (let at = bytes.indexOf('0a10', 0, 'hex'); at >= 0; at = bytes.indexOf('0a10', at + 18, 'hex'))
    bytes.writeUInt32BE(++trace, at + 14)
  expect(trace).toBe((request + 1) * SMALL_SPANS)
  return bytes
}

describe('a destination that is slower than what comes in', () => {
  it.each(['', 'batch', 'trace_window'])(
    'makes senders wait and memory stay within the budget (processors: %s)',
    async (processors) => {
      const sink = await OtlpGrpcSink.start()
      afterThisTest(() => sink.stop())
      sink.answer({ kind: 'fail', code: status.UNAVAILABLE, message: 'busy' })
      const gateway = await RunningService.start(CONFIG(sink.endpoint, processors))
      const { budget } = gateway.service

      const acknowledged: string[] = []
      const waiting: string[] = []
      for (let i = 0; i < REQUESTS; i++) {
        const name = `span ${i}`
        const error = await gateway.exportTraces(request(name, i + 1))
        if (error === null) acknowledged.push(name)
        else {
          waiting.push(name)
          expect(error.code).toBe(status.RESOURCE_EXHAUSTED)
          expect(error.metadata.get('grpc-status-details-bin')).toHaveLength(1)
        }
      }
      // Not all of 25 MiB fits into 16.
      expect(acknowledged.length).toBeGreaterThan(2)
      expect(waiting.length).toBeGreaterThan(20)
      const response = await fetch(`http://${gateway.address('http')}/v1/traces`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-protobuf' },
        body: Buffer.from(request('over http')),
      })
      expect(response.status).toBe(429)
      expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0)

      // The destination recovers, and what was turned away is sent again by its senders.
      sink.answer({ kind: 'accept' })
      for (const [i, name] of waiting.entries()) {
        while ((await gateway.exportTraces(request(name, REQUESTS + i))) !== null)
          await new Promise((resolve) => setTimeout(resolve, 10))
        acknowledged.push(name)
      }
      await gateway.stop()
      const arrived = sink.requests.map(({ bytes }) => Buffer.from(bytes).toString('latin1')).join('')
      expect(acknowledged.filter((name) => !arrived.includes(`${name}.`))).toEqual([])
      expect(acknowledged).toHaveLength(REQUESTS)
      expect(budget.peakBytes).toBeLessThanOrEqual(budget.limitBytes)
      expect(budget.usedBytes).toBe(0)
    },
  )

  it.each(['', 'trace_window, context_propagation, span_lifetime'])(
    'keeps within the budget with spans that are smaller than their rows, too (processors: %s)',
    async (processors) => {
      const sink = await OtlpGrpcSink.start()
      afterThisTest(() => sink.stop())
      sink.answer({ kind: 'fail', code: status.UNAVAILABLE, message: 'busy' })
      const gateway = await RunningService.start(CONFIG(sink.endpoint, processors))
      const { budget } = gateway.service
      let acknowledged = 0
      let refused = 0
      for (let i = 0; i < 120; i++) {
        const error = await gateway.exportTraces(smallSpans(i))
        if (error === null) acknowledged += SMALL_SPANS
        else refused++
      }
      expect(refused).toBeGreaterThan(20)
      expect(budget.peakBytes).toBeLessThanOrEqual(budget.limitBytes)
      sink.answer({ kind: 'accept' })
      await gateway.stop()
      const arrived = sink.requests.reduce((sum, { bytes }) => sum + countItemsByOracle('traces', bytes), 0)
      expect(arrived).toBe(acknowledged)
      expect(budget.peakBytes).toBeLessThanOrEqual(budget.limitBytes)
      expect(budget.usedBytes).toBe(0)
    },
  )
})
