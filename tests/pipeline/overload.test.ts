import { status } from '@grpc/grpc-js'
import { afterEach, describe, expect, it } from '@jest/globals'
import { traceRequest } from '../support/otlp-builder.ts'
import { OtlpGrpcSink } from '../support/otlp-sink.ts'
import { RunningService } from '../support/service.ts'

const stops: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})

const REQUESTS = 100

/** A request of about a quarter MiB whose span is named after it. */
function request(name: string, traceId = 1): Uint8Array {
  return traceRequest([
    { service: 'a', spans: [{ name, traceId, attributes: { payload: name.padEnd(256 * 1024, '.') } }] },
  ])
}

const CONFIG = (endpoint: string, processors: string) => `
processors: { batch: , trace_window: { quiet_complete: 10ms, max_batch_spans: 1 } }
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

describe('a destination that is slower than what comes in', () => {
  it.each(['', 'batch', 'trace_window'])(
    'makes senders wait and memory stay within the budget (processors: %s)',
    async (processors) => {
      const sink = await OtlpGrpcSink.start()
      stops.push(() => sink.stop())
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
})
