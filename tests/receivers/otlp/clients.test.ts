import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeEach, describe, expect, it } from '@jest/globals'
import { OTLPTraceExporter as GrpcExporter } from '@opentelemetry/exporter-trace-otlp-grpc'
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { OTLPTraceExporter as ProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { CompressionAlgorithm } from '@opentelemetry/otlp-exporter-base'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { BatchSpanProcessor, type SpanExporter, TracerProvider } from '@opentelemetry/sdk-trace'
import { decodeRequest } from '../../support/otlp-oracle.ts'
import { describeWithTool } from '../../support/tools.ts'
import { startReceiver } from './receiver-harness.ts'
import { spans } from './sample-requests.ts'

const run = promisify(execFile)

let receiver: Awaited<ReturnType<typeof startReceiver>>

beforeEach(async () => {
  receiver = await startReceiver({ grpc: { endpoint: '127.0.0.1:0' }, http: { endpoint: '127.0.0.1:0' } })
})

describe('the OpenTelemetry JS SDK', () => {
  const url = () => `http://${receiver.httpAddress}/v1/traces`
  const compression = CompressionAlgorithm.GZIP
  it.each<[string, () => SpanExporter]>([
    ['grpc', () => new GrpcExporter({ url: `http://${receiver.grpcAddress}` })],
    ['grpc, gzip', () => new GrpcExporter({ url: `http://${receiver.grpcAddress}`, compression })],
    ['http/protobuf', () => new ProtobufExporter({ url: url() })],
    ['http/protobuf, gzip', () => new ProtobufExporter({ url: url(), compression })],
    ['http/json', () => new JsonExporter({ url: url() })],
    ['http/json, gzip', () => new JsonExporter({ url: url(), compression })],
  ])('brings its spans by %s', async (_name, makeExporter) => {
    const exporter = makeExporter()
    const provider = new TracerProvider({
      resource: resourceFromAttributes({ 'service.name': 'shop-js' }),
      spanProcessors: [new BatchSpanProcessor({ exporter })],
    })
    const tracer = provider.getTracer('test')
    for (let i = 0; i < 200; i++) tracer.startSpan(`GET /item/${i}`, { attributes: { item: i } }).end()
    await provider.forceFlush()
    await provider.shutdown()
    expect(receiver.settings.ledgers.traces).toMatchObject({ received: 200, accepted: 200, refused: 0, failed: 0 })
    const text = JSON.stringify(receiver.recorder.batches.map((batch) => decodeRequest('traces', batch.bytes)))
    expect(text).toContain('"shop-js"')
    for (const name of ['GET /item/0', 'GET /item/199']) expect(text).toContain(JSON.stringify(name))
  })
})

describeWithTool('curl', ['--version'], 'curl', () => {
  const folder = mkdtempSync(join(tmpdir(), 'blindspot-curl-'))
  afterAll(() => rmSync(folder, { recursive: true }))

  function curl(args: readonly string[], file: string, body: Uint8Array | string) {
    const path = join(folder, file)
    writeFileSync(path, body)
    const format = '\n%{http_code} %{http_version} %{content_type}'
    const target = `http://${receiver.httpAddress}/v1/traces`
    return run('curl', ['--silent', '--write-out', format, ...args, '--data-binary', `@${path}`, target])
  }

  const PROTOBUF = ['--header', 'Content-Type: application/x-protobuf']
  const JSON_TYPE = ['--header', 'Content-Type: application/json']

  it.each([
    ['HTTP/1.1', '--http1.1', '1.1'],
    ['HTTP/2 with prior knowledge', '--http2-prior-knowledge', '2'],
    ['HTTP/1.1 with an upgrade that is not taken', '--http2', '1.1'],
  ])('brings protobuf, gzip and JSON over %s', async (_name, option, version) => {
    const protobuf = await curl([option, ...PROTOBUF], 'spans.pb', spans(3000))
    const gzip = await curl([option, ...PROTOBUF, '-H', 'Content-Encoding: gzip'], 'spans.gz', gzipSync(spans(30)))
    const json = await curl([option, ...JSON_TYPE], 'spans.json', JSON.stringify(decodeRequest('traces', spans(3))))
    expect(protobuf.stdout).toBe(`\n200 ${version} application/x-protobuf`)
    expect(gzip.stdout).toBe(`\n200 ${version} application/x-protobuf`)
    expect(json.stdout).toBe(`{}\n200 ${version} application/json`)
    expect(receiver.recorder.batches.map((batch) => batch.items)).toEqual([3000, 30, 3])
  })

  it('reads an error as JSON', async () => {
    const { stdout } = await curl(
      JSON_TYPE,
      'broken.json',
      '{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"xyz"}]}]}]}',
    )
    const [body, status] = stdout.split('\n')
    expect(status).toBe('400 1.1 application/json')
    expect(JSON.parse(body!)).toEqual({ code: 3, message: expect.stringMatching(/resourceSpans\[0\].*traceId/) })
  })
})
