import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeEach, describe, expect, it } from '@jest/globals'
import { afterThisTest } from '../support/after-this-test.ts'
import { configOf } from '../support/config.ts'
import { traceRequest } from '../support/otlp-builder.ts'
import { Program } from '../support/program.ts'

const PIPELINE = fileURLToPath(new URL('../../pipeline.yaml', import.meta.url))
const MANIFEST = fileURLToPath(new URL('../../package.json', import.meta.url))

/** What `npm start` runs, on ports that are free, and looking sooner. */
const FREE_PORTS = [
  'receivers.otlp.protocols.grpc.endpoint=127.0.0.1:0',
  'receivers.otlp.protocols.http.endpoint=127.0.0.1:0',
  'service.telemetry.metrics.address=127.0.0.1:0',
]

describe('npm start', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'blindspot-start-'))
    afterThisTest(() => rmSync(folder, { recursive: true }))
    copyFileSync(PIPELINE, join(folder, 'pipeline.yaml'))
  })

  const start = (...sets: string[]) =>
    new Program(['run', '--config', 'pipeline.yaml', ...sets.flatMap((value) => ['--set', value])], { cwd: folder })

  it('runs the pipeline.yaml of the repository', () => {
    const { scripts } = JSON.parse(readFileSync(MANIFEST, 'utf8'))
    expect(scripts.start).toBe('node cli/blindspot.js run --config pipeline.yaml')
  })

  it('listens on the ports of OTLP, on this machine only, with every detector and the findings on the console', () => {
    const { receivers, exporters, pipelines, service } = configOf(readFileSync(PIPELINE, 'utf8'))
    expect(receivers.get('otlp')!.config).toMatchObject({
      protocols: {
        grpc: { endpoint: '127.0.0.1:4317' },
        http: { endpoint: '127.0.0.1:4318' },
      },
    })
    const of = (id: string) => pipelines.find((pipeline) => pipeline.id === id)!
    expect(of('traces').processors).toEqual(['trace_window', 'context_propagation', 'span_lifetime'])
    expect(of('metrics').processors).toEqual(['go_runtime'])
    expect(pipelines.filter((pipeline) => pipeline.receivers.includes('findings')).map(({ id }) => id)).toEqual([
      'metrics/findings',
      'logs/findings',
      'logs/console',
    ])
    expect(exporters.get('file')!.config).toMatchObject({
      path: 'data/telemetry.otlp.jsonl',
      rotation: { max_megabytes: 100 },
    })
    expect(service.telemetry.metrics).toMatchObject({ level: 'normal' })
  })

  it('sends to a backend too when one line is uncommented', () => {
    const lines = readFileSync(PIPELINE, 'utf8').split('\n')
    const commented = lines.filter((line) => /^\s+# - /.test(line))
    expect(commented).toHaveLength(1)
    const text = lines.map((line) => (line === commented[0] ? line.replace('# - ', '- ') : line)).join('\n')
    const sending = configOf(text).pipelines.filter((pipeline) => pipeline.exporters.includes('otlp_grpc'))
    expect(sending.map(({ id }) => id)).toEqual(['traces', 'metrics', 'metrics/findings', 'logs', 'logs/findings'])
  })

  it('says where it listens, what becomes of the data and how to try it, and shows what it finds', async () => {
    const gateway = start(...FREE_PORTS, 'processors.trace_window={quiet_complete: 100ms}')
    await gateway.said(/Ctrl\+C/)
    for (const line of [
      /Send OTLP over gRPC to 127\.0\.0\.1:\d+ \(receiver "otlp"\)\./,
      /Send OTLP over HTTP to 127\.0\.0\.1:\d+ \(receiver "otlp"\)\./,
      /metrics are at http:\/\/127\.0\.0\.1:\d+\/metrics\./,
      /traces +otlp > trace_window > context_propagation > span_lifetime > file \(data\/telemetry\.otlp\.jsonl\)/,
      /metrics +otlp > go_runtime > file/,
      /logs\/console +findings > debug/,
    ])
      expect(gateway.output).toMatch(line)

    const startNano = BigInt(Date.now()) * 1_000_000n
    const spans = [
      { name: 'GET', spanId: 1, startNano, endNano: startNano + 5_000_000n },
      { name: 'write', spanId: 2, parentId: 1, startNano, endNano: startNano + 50_000_000n },
    ]
    const response = await fetch(`http://${gateway.address('HTTP')}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-protobuf' },
      body: Buffer.from(traceRequest([{ service: 'cart', spans }])),
    })
    expect(response.status).toBe(200)
    await gateway.said(/LIFE-001 child_outlives_parent +cart/)
    expect(await gateway.stop()).toBe(0)

    expect(readdirSync(folder).toSorted()).toEqual(['data', 'pipeline.yaml'])
    const written = readFileSync(join(folder, 'data', 'telemetry.otlp.jsonl'), 'utf8')
      .trim()
      .split('\n')
    const kinds = new Set(written.flatMap((line) => Object.keys(JSON.parse(line))))
    expect(kinds).toEqual(new Set(['resourceSpans', 'resourceMetrics', 'resourceLogs']))
    expect(written.join()).toMatch(/"blindspot\.rules".*blindspot\.finding/s)
  })

  it.each([
    ['gRPC', 'receivers.otlp.protocols.grpc.endpoint', FREE_PORTS[0]!],
    ['HTTP', 'receivers.otlp.protocols.http.endpoint', FREE_PORTS[1]!],
    ['the own metrics', 'service.telemetry.metrics.address', FREE_PORTS[2]!],
  ])('says what to change when the port for %s is taken, and ends with 1', async (_, key, free) => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    afterThisTest(() => server.close())
    const { port } = server.address() as { port: number }
    const gateway = start(...FREE_PORTS.filter((other) => other !== free), `${key}=127.0.0.1:${port}`)
    expect(await gateway.ended).toBe(1)
    const said = gateway.output.trim().split('\n').at(-1)
    expect(said).toMatch(
      new RegExp(`^blindspot: .*127\\.0\\.0\\.1:${port}.* taken.* set ${key.replace('receivers.otlp.', '')}`),
    )
    expect(gateway.output).not.toMatch(/ {4}at |Warning/)
  })

  it('says that the folder cannot be written, and ends with 1', async () => {
    writeFileSync(join(folder, 'data'), 'not a folder')
    const gateway = start(...FREE_PORTS)
    expect(await gateway.ended).toBe(1)
    expect(gateway.output).toMatch(/data\/telemetry\.otlp\.jsonl/)
    expect(gateway.output).not.toMatch(/ {4}at /)
  })
})
