import { createServer } from 'node:net'
import { describe, expect, it } from '@jest/globals'
import { afterThisTest } from '../support/after-this-test.ts'
import { traceRequest } from '../support/otlp-builder.ts'
import { OtlpGrpcSink } from '../support/otlp-sink.ts'
import { Program } from '../support/program.ts'

/** Nothing listens on port 9, so what is accepted stays in the queue until it is given up. */
const CONFIG = `
receivers: { otlp: { protocols: { http: { endpoint: "127.0.0.1:0" } } } }
exporters: { otlp_grpc: { endpoint: "127.0.0.1:9", tls: { insecure: true } } }
service:
  telemetry: { metrics: { level: none }, logs: { encoding: json } }
  pipelines: { traces: { receivers: [otlp], exporters: [otlp_grpc] } }
`

const start = (...args: string[]) => new Program(args, { env: { CONFIG } })

async function exportTo(program: Program): Promise<number> {
  const started = await program.said(/"started"/)
  const { address } = (
    JSON.parse(started.split('\n').find((line) => line.includes('"started"'))!) as { listens: { address: string }[] }
  ).listens[0]!
  const response = await fetch(`http://${address}/v1/traces`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-protobuf' },
    body: Buffer.from(traceRequest([{ service: 'a', spans: [{}] }])),
  })
  return response.status
}

describe('blindspot run', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('ends with 0 on %s, and is started as a Collector is', async (signal) => {
    const program = start('--config', 'env:CONFIG')
    await program.said(/"started"/)
    program.signal('SIGHUP')
    await program.said(/SIGHUP: the configuration is not reloaded while running/)
    program.signal(signal)
    expect(await program.ended).toBe(0)
    expect(program.output).toContain('"message":"stopped"'.replace('message', 'msg'))
  })

  it('writes a line for each change of state and none for data, whatever the level', async () => {
    const quiet = [
      'exporters={nop: }',
      'service.pipelines.traces.exporters=[nop]',
      'service.telemetry.logs.level=debug',
    ]
    const program = start('run', '--config', 'env:CONFIG', ...quiet.flatMap((value) => ['--set', value]))
    await program.said(/"started"/)
    const linesAtStart = program.output.split('\n').length
    for (let i = 0; i < 20; i++) expect(await exportTo(program)).toBe(200)
    expect(await program.stop()).toBe(0)
    const lines = program.output
      .trim()
      .split('\n')
      .slice(linesAtStart - 1)
    expect(lines.map((line) => JSON.parse(line).msg)).toEqual([expect.stringMatching(/^SIGTERM: /), 'stopped'])
  })

  it('ends at once, with 1, on a second signal', async () => {
    const program = start('run', '--config', 'env:CONFIG')
    expect(await exportTo(program)).toBe(200)
    program.signal('SIGTERM')
    await program.said(/sending on what is held, for at most 20 s/)
    program.signal('SIGTERM')
    expect(await program.ended).toBe(1)
    expect(program.output).toContain('ending at once')
  })

  it('gives up at service.shutdown_timeout, says what is lost, and ends with 0', async () => {
    const program = start('run', '--config', 'env:CONFIG', '--set', 'service.shutdown_timeout=300ms')
    expect(await exportTo(program)).toBe(200)
    program.signal('SIGTERM')
    expect(await program.ended).toBe(0)
    expect(program.output).toMatch(/1 span|spans":1|items":1/)
  })

  it('does not wait beyond that for whoever takes its own metrics', async () => {
    const hanging = await OtlpGrpcSink.start()
    afterThisTest(() => hanging.stop())
    hanging.answer({ kind: 'hang' })
    const exporter = `{ otlp: { endpoint: "http://${hanging.endpoint}", timeout: 600000 } }`
    const reader = `{ periodic: { interval: 3600000, timeout: 600000, exporter: ${exporter} } }`
    const sets = [
      `service.telemetry.metrics={level: normal, readers: [${reader}]}`,
      'service.shutdown_timeout=300ms',
      'exporters={nop: }',
      'service.pipelines.traces.exporters=[nop]',
    ]
    const program = start('run', '--config', 'env:CONFIG', ...sets.flatMap((value) => ['--set', value]))
    await program.said(/"started"/)
    expect(await program.stop()).toBe(0)
    expect(hanging.attempts).toHaveLength(1)
  })

  it('ends with 1 and says what to change when a port is taken', async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as { port: number }
    const taken = start(
      'run',
      '--config',
      'env:CONFIG',
      '--set',
      `receivers.otlp.protocols.http.endpoint=127.0.0.1:${port}`,
    )
    expect(await taken.ended).toBe(1)
    expect(taken.output).toContain(`127.0.0.1:${port}`)
    const metrics = start(
      'run',
      '--config',
      'env:CONFIG',
      '--set',
      `service.telemetry.metrics={level: normal, address: "127.0.0.1:${port}"}`,
    )
    expect(await metrics.ended).toBe(1)
    expect(metrics.output).toContain(
      `127.0.0.1:${port} is taken by another program; set service.telemetry.metrics.address`,
    )
    await new Promise((resolve) => server.close(resolve))
  })

  it('ends with 1 when the configuration is wrong', async () => {
    const program = start('run', '--config', 'yaml:receivers: 1')
    expect(await program.ended).toBe(1)
    expect(program.output).toContain('nothing was started')
  })
})
