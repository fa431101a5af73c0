import { readFileSync } from 'node:fs'
import * as grpc from '@grpc/grpc-js'
import { expect, it } from '@jest/globals'
import { afterThisTest } from '../support/after-this-test.ts'
import { traceRequest } from '../support/otlp-builder.ts'
import { OtlpGrpcSink } from '../support/otlp-sink.ts'
import { Program } from '../support/program.ts'
import { describeWithProc } from '../support/tools.ts'
import { Arrived } from './arrived.ts'

const MIB = 1024 * 1024
const LIMIT_MIB = 16
const REQUEST_BYTES = MIB / 4
/** Six times the budget comes in while nothing goes out. */
const FLOOD_REQUESTS = (6 * LIMIT_MIB * MIB) / REQUEST_BYTES
const SENDERS = 8
/** Code, heap and the buffers of sockets, which no budget counts: 90 MiB more than at the start were seen here. */
const BESIDE_THE_BUDGET_MIB = 160

const CONFIG = (backend: string, processors: string) => `
receivers: { otlp: { protocols: { grpc: { endpoint: "127.0.0.1:0" } } } }
processors: { trace_window: { quiet_complete: 100ms }, context_propagation: , span_lifetime: }
exporters:
  otlp_grpc:
    endpoint: ${backend}
    tls: { insecure: true }
    compression: none
    retry_on_failure: { initial_interval: 200ms, max_interval: 500ms, max_elapsed_time: 0 }
    sending_queue: { queue_size: 100000 }
service:
  limit_mib: ${LIMIT_MIB}
  telemetry: { metrics: { level: none } }
  pipelines: { traces: { receivers: [otlp], processors: [${processors}], exporters: [otlp_grpc] } }
`

/** The most memory that a process ever had, as Linux tells it. */
function peakMib(pid: number): number {
  const [, kib] = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))!
  return Number(kib) / 1024
}

const request = (name: string, traceId: number) =>
  Buffer.from(
    traceRequest([{ service: 'a', spans: [{ name, traceId, attributes: { payload: '.'.repeat(REQUEST_BYTES) } }] }]),
  )

describeWithProc('the memory of a gateway whose backend takes nothing', () => {
  it.each(['', 'trace_window, context_propagation, span_lifetime'])(
    'stays within the budget while it is flooded, and nothing acknowledged is missing (processors: %s)',
    async (processors) => {
      const sink = await OtlpGrpcSink.start()
      afterThisTest(() => sink.stop())
      sink.answer({ kind: 'fail', code: grpc.status.UNAVAILABLE, message: 'away' })
      const gateway = await Program.run(CONFIG(sink.endpoint, processors))
      const atStartMib = peakMib(gateway.pid)
      const client = new grpc.Client(gateway.address('gRPC'), grpc.credentials.createInsecure())
      afterThisTest(() => client.close())
      const same = (bytes: Buffer) => bytes
      const exportOnce = (bytes: Buffer) =>
        new Promise<grpc.ServiceError | null>((resolve) =>
          client.makeUnaryRequest(
            '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
            same,
            same,
            bytes,
            (error) => resolve(error),
          ),
        )

      const acknowledged: string[] = []
      const refusals: grpc.ServiceError[] = []
      const flood = async (sender: number): Promise<void> => {
        for (let i = sender; i < FLOOD_REQUESTS; i += SENDERS) {
          const error = await exportOnce(request(`span ${i}`, i + 1))
          if (error === null) acknowledged.push(`span ${i}`)
          else refusals.push(error)
        }
      }
      await Promise.all(Array.from({ length: SENDERS }, (_, sender) => flood(sender)))
      expect(peakMib(gateway.pid) - atStartMib).toBeLessThan(LIMIT_MIB + BESIDE_THE_BUDGET_MIB)
      expect(acknowledged.length * REQUEST_BYTES).toBeLessThan(LIMIT_MIB * MIB)
      expect(acknowledged.length).toBeGreaterThan(10)
      expect(new Set(refusals.map(({ code }) => code))).toEqual(new Set([grpc.status.RESOURCE_EXHAUSTED]))
      // RetryInfo: without it a sender drops what it was refused.
      for (const { metadata } of refusals) expect(metadata.get('grpc-status-details-bin')).toHaveLength(1)

      sink.answer({ kind: 'accept' })
      expect(await gateway.stop()).toBe(0)
      const names = new Arrived(sink).spans.map((span) => span.name)
      expect(names.toSorted()).toEqual(acknowledged.toSorted())
    },
    // A machine that does much else beside takes its time for a flood.
    120_000,
  )
})
