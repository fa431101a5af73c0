import { status } from '@grpc/grpc-js'
import { describe, expect, it } from '@jest/globals'
import { afterThisTest } from '../support/after-this-test.ts'
import { traceRequest } from '../support/otlp-builder.ts'
import { OtlpGrpcSink } from '../support/otlp-sink.ts'
import { Program } from '../support/program.ts'
import { Arrived } from './arrived.ts'

const BUSY = { kind: 'fail', code: status.UNAVAILABLE, message: 'restarting' } as const

const CONFIG = (backend: string, processors: string) => `
receivers: { otlp: { protocols: { http: { endpoint: "127.0.0.1:0" } } }, findings: }
processors: { batch: , trace_window: , context_propagation: , span_lifetime: }
exporters:
  otlp_grpc:
    endpoint: ${backend}
    tls: { insecure: true }
    retry_on_failure: { initial_interval: 50ms, max_interval: 100ms }
service:
  telemetry: { metrics: { level: none } }
  pipelines:
    traces: { receivers: [otlp], processors: [${processors}], exporters: [otlp_grpc] }
    logs/findings: { receivers: [findings], exporters: [otlp_grpc] }
`

/** Sends one request after another until the gateway takes no more; gives the names of spans that were acknowledged. */
async function sendWhileTaken(address: string, sender: number): Promise<string[]> {
  const acknowledged: string[] = []
  const nowNano = BigInt(Date.now()) * 1_000_000n
  for (let i = 0; ; i++) {
    const [root, late] = [`request ${sender}/${i}`, `late work ${sender}/${i}`]
    const ids = { traceId: (sender + 1) * 1e6 + i, startNano: nowNano }
    const body = traceRequest([
      {
        service: 'shop',
        spans: [
          { ...ids, name: root, spanId: 1, endNano: nowNano + 5_000_000n },
          { ...ids, name: late, spanId: 2, parentId: 1, endNano: nowNano + 50_000_000n },
        ],
      },
    ])
    const response = await fetch(`http://${address}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-protobuf' },
      body: Buffer.from(body),
    }).catch(() => null)
    if (response?.status !== 200) return acknowledged
    acknowledged.push(root, late)
  }
}

describe('a gateway that is stopped with data in flight', () => {
  it.each(['', 'batch', 'trace_window, context_propagation, span_lifetime'])(
    'sends on all that it acknowledged, although the backend is away at first (processors: %s)',
    async (processors) => {
      const sink = await OtlpGrpcSink.start()
      afterThisTest(() => sink.stop())
      sink.answer(BUSY)
      const gateway = await Program.run(CONFIG(sink.endpoint, processors))
      const sending = [0, 1, 2].map((sender) => sendWhileTaken(gateway.address('HTTP'), sender))
      // With a window nothing is due before it closes, so the sends themselves say when enough is in flight.
      await fetchedOften(gateway)
      gateway.signal('SIGTERM')
      await gateway.said(/SIGTERM: sending on what is held/)
      const acknowledged = (await Promise.all(sending)).flat()
      sink.answer({ kind: 'accept' })
      expect(await gateway.ended).toBe(0)

      expect(acknowledged.length).toBeGreaterThan(20)
      const arrived = new Arrived(sink)
      expect(arrived.spans.map((span) => span.name).toSorted()).toEqual(acknowledged.toSorted())
      // What is found at the last moment is told too.
      const rules = arrived.logs.map(({ attributes }) => attributes['blindspot.rule'])
      expect(new Set(rules)).toEqual(new Set(processors.includes('span_lifetime') ? ['LIFE-001'] : []))
    },
  )
})

/** Resolves after a while of traffic, told by answers of the gateway and not by a clock. */
async function fetchedOften(gateway: Program): Promise<void> {
  for (let i = 0; i < 30; i++) await fetch(`http://${gateway.address('HTTP')}/v1/traces`).catch(() => null)
}
