import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as grpc from '@grpc/grpc-js'
import { afterEach, describe, expect, it } from '@jest/globals'
import { traceRequest } from '../support/otlp-builder.ts'
import { decodeRequest } from '../support/otlp-oracle.ts'
import { OtlpGrpcSink } from '../support/otlp-sink.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const NOW = BigInt(Date.now()) * 1_000_000n

const stops: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** Starts the program as an operator would, with `config`; resolves when it says that it runs. */
async function startGateway(
  config: string,
): Promise<{ process: ChildProcess; output: () => string; ended: Promise<number | null> }> {
  const folder = mkdtempSync(join(tmpdir(), 'blindspot-'))
  const file = join(folder, 'pipeline.yaml')
  writeFileSync(file, config)
  const child = spawn(process.execPath, ['cli/blindspot.js', 'run', '--config', file], { cwd: ROOT })
  let output = ''
  const ended = new Promise<number | null>((resolve) => child.on('exit', resolve))
  stops.push(async () => {
    child.kill('SIGKILL')
    await ended
    rmSync(folder, { recursive: true })
  })
  await new Promise<void>((resolve, reject) => {
    const hear = (chunk: Buffer) => {
      output += chunk.toString()
      if (output.includes('is running')) resolve()
    }
    child.stdout.on('data', hear)
    child.stderr.on('data', hear)
    child.on('exit', () => reject(new Error(`the gateway ended: ${output}`)))
  })
  return { process: child, output: () => output, ended }
}

/** An export call by a gRPC client that nobody here wrote. */
function exportTraces(port: number, bytes: Uint8Array): Promise<void> {
  const identity = (buffer: Buffer) => buffer
  const client = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure())
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
    stops.push(() => sink.stop())
    const port = await freePort()
    await startGateway(`
receivers: { otlp: { protocols: { grpc: { endpoint: "127.0.0.1:${port}" } } } }
exporters: { otlp_grpc: { endpoint: "${sink.endpoint}", tls: { insecure: true }, compression: none } }
service:
  telemetry: { metrics: { level: none } }
  pipelines: { traces: { receivers: [otlp], exporters: [otlp_grpc] } }
`)
    const request = traceRequest([
      { service: 'cart', spans: [{ name: 'get', traceId: 1, spanId: 2, startNano: NOW, endNano: NOW + 5n }] },
    ])
    await exportTraces(port, request)
    await sink.taken(1)
    expect(Buffer.compare(sink.requests[0]!.bytes, request)).toBe(0)
  })

  it('hands whole traces on, marked, and sends what it holds when it is stopped', async () => {
    const sink = await OtlpGrpcSink.start()
    stops.push(() => sink.stop())
    const port = await freePort()
    const gateway = await startGateway(`
receivers: { otlp: { protocols: { grpc: { endpoint: "127.0.0.1:${port}" } } } }
processors: { trace_window: { quiet_complete: 10ms }, context_propagation: {}, span_lifetime: {} }
exporters: { otlp_grpc: { endpoint: "${sink.endpoint}", tls: { insecure: true } } }
service:
  telemetry: { metrics: { level: none } }
  pipelines:
    traces: { receivers: [otlp], processors: [trace_window, context_propagation, span_lifetime], exporters: [otlp_grpc] }
`)
    await exportTraces(
      port,
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
      port,
      traceRequest([
        {
          service: 'cart',
          spans: [{ name: 'get', traceId: 7, spanId: 8, parentId: 9, startNano: NOW, endNano: NOW + 5n }],
        },
      ]),
    )
    await sink.taken(1)
    gateway.process.kill('SIGTERM')
    expect(await gateway.ended).toBe(0)
    const text = JSON.stringify(sink.requests.map((request) => decodeRequest('traces', request.bytes)))
    expect(text.match(/"spanId"/g)).toHaveLength(3)
    expect(text).toContain('LIFE-001')
  })

  it('says where a configuration is wrong, and ends with 1', async () => {
    await expect(startGateway('receivers: { otpl: {} }\n')).rejects.toThrow(/pipeline\.yaml:1:\d+.*otlp/s)
  })
})
