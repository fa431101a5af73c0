import * as grpc from '@grpc/grpc-js'
import { describe, expect, it } from '@jest/globals'
import { afterThisTest } from '../support/after-this-test.ts'
import { traceRequest } from '../support/otlp-builder.ts'
import { decodeRequest } from '../support/otlp-oracle.ts'
import { OtlpGrpcSink } from '../support/otlp-sink.ts'
import { Program } from '../support/program.ts'
import { Arrived } from './arrived.ts'

const NOW = BigInt(Date.now()) * 1_000_000n

/** An export call by a gRPC client that nobody here wrote. */
function exportTraces(gateway: Program, bytes: Uint8Array): Promise<void> {
  const identity = (buffer: Buffer) => buffer
  const client = new grpc.Client(gateway.address('gRPC'), grpc.credentials.createInsecure())
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
      identity,
      identity,
      Buffer.from(bytes),
      (error) => {
        client.close()
        if (error) reject(error)
        else resolve()
      },
    )
  })
}

describe('a started gateway', () => {
  it('passes spans on byte for byte where nothing is to be done', async () => {
    const sink = await OtlpGrpcSink.start()
    afterThisTest(() => sink.stop())
    const gateway = await Program.run(`
receivers: { otlp: { protocols: { grpc: { endpoint: "127.0.0.1:0" } } } }
exporters: { otlp_grpc: { endpoint: "${sink.endpoint}", tls: { insecure: true }, compression: none } }
service:
  telemetry: { metrics: { level: none } }
  pipelines: { traces: { receivers: [otlp], exporters: [otlp_grpc] } }
`)
    const request = traceRequest([
      { service: 'cart', spans: [{ name: 'get', traceId: 1, spanId: 2, startNano: NOW, endNano: NOW + 5n }] },
    ])
    await exportTraces(gateway, request)
    await sink.taken(1)
    expect(Buffer.compare(sink.requests[0]!.bytes, request)).toBe(0)
  })

  it('sends a large trace to a backend with the limit of gRPC, 4 MiB, in requests that it takes', async () => {
    const sink = await OtlpGrpcSink.start({ messageLimitBytes: 4 * 1024 * 1024 })
    afterThisTest(() => sink.stop())
    const gateway = await Program.run(`
receivers: { otlp: { protocols: { grpc: { endpoint: "127.0.0.1:0" } } } }
processors: { trace_window: { quiet_complete: 10ms } }
exporters: { otlp_grpc: { endpoint: "${sink.endpoint}", tls: { insecure: true } } }
service:
  telemetry: { metrics: { level: none } }
  pipelines: { traces: { receivers: [otlp], processors: [trace_window], exporters: [otlp_grpc] } }
`)
    const span = { traceId: 1, startNano: NOW, endNano: NOW + 5n, attributes: { text: 'x'.repeat(1000) } }
    const root = { ...span, name: 'root', spanId: 1 }
    const children = Array.from({ length: 11_999 }, (_, i) => ({ ...span, name: 'row', spanId: i + 2, parentId: 1 }))
    for (const spans of [children.slice(0, 3000), children.slice(3000, 6000), children.slice(6000, 9000)])
      await exportTraces(gateway, traceRequest([{ service: 'import', spans }]))
    await exportTraces(gateway, traceRequest([{ service: 'import', spans: [root, ...children.slice(9000)] }]))
    await sink.taken(4)
    expect(new Arrived(sink).spans.map(({ spanId }) => Number(`0x${spanId}`)).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 12_000 }, (_, i) => i + 1),
    )
  })

  it('hands whole traces on, marked, and sends what it holds when it is stopped', async () => {
    const sink = await OtlpGrpcSink.start()
    afterThisTest(() => sink.stop())
    const gateway = await Program.run(`
receivers: { otlp: { protocols: { grpc: { endpoint: "127.0.0.1:0" } } } }
processors: { trace_window: { quiet_complete: 10ms }, context_propagation: {}, span_lifetime: {} }
exporters: { otlp_grpc: { endpoint: "${sink.endpoint}", tls: { insecure: true } } }
service:
  telemetry: { metrics: { level: none } }
  pipelines:
    traces: { receivers: [otlp], processors: [trace_window, context_propagation, span_lifetime], exporters: [otlp_grpc] }
`)
    await exportTraces(
      gateway,
      traceRequest([
        {
          service: 'cart',
          spans: [
            { name: 'get', traceId: 1, spanId: 1, startNano: NOW, endNano: NOW + 5_000_000n },
            { name: 'write', traceId: 1, spanId: 2, parentId: 1, startNano: NOW, endNano: NOW + 50_000_000n },
          ],
        },
      ]),
    )
    await exportTraces(
      gateway,
      traceRequest([
        {
          service: 'cart',
          spans: [{ name: 'get', traceId: 7, spanId: 8, parentId: 9, startNano: NOW, endNano: NOW + 5n }],
        },
      ]),
    )
    await sink.taken(1)
    expect(await gateway.stop()).toBe(0)
    const text = JSON.stringify(sink.requests.map((request) => decodeRequest('traces', request.bytes)))
    expect(text.match(/"spanId"/g)).toHaveLength(3)
    expect(text).toContain('LIFE-001')
  })

  it('says where a configuration is wrong, and ends with 1', async () => {
    await expect(Program.run('receivers: { otpl: {} }\n')).rejects.toThrow(/pipeline\.yaml:1:\d+.*otlp/s)
  })
})
