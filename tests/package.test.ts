import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { traceRequestJson } from './support/otlp-builder.ts'
import { PackedInstall } from './support/packed.ts'

const PACK_TIMEOUT_MS = 300_000

describe('the published package', () => {
  let installed: PackedInstall
  beforeAll(() => {
    installed = new PackedInstall()
  }, PACK_TIMEOUT_MS)
  afterAll(() => installed?.remove())

  const blindspot = (...args: string[]) =>
    execFileSync(process.execPath, [installed.program, ...args], { cwd: installed.folder, encoding: 'utf8' })

  it('carries compiled JavaScript, and no source, tests or tools', () => {
    const code = installed.files.filter((file) => /\.[cm]?[jt]s$/.test(file) && !file.endsWith('.d.ts'))
    expect(code).toContain('dist/cli/main.js')
    expect(code.filter((file) => !/^dist\/.*\.js$/.test(file))).toEqual([])
    expect(code.filter((file) => /^dist\/(tests|bench|docs|examples)\//.test(file))).toEqual([])
  })

  it('carries its license, its notes and a configuration to start from', () => {
    expect(installed.files).toEqual(
      expect.arrayContaining(['LICENSE', 'README.md', 'CHANGELOG.md', 'pipeline.yaml', 'package.json']),
    )
  })

  it('asks for Node 24 and brings none along', () => {
    expect(installed.manifest.engines).toEqual({ node: '>=24' })
    const brought = { ...installed.manifest.dependencies, ...installed.manifest.optionalDependencies }
    expect(Object.keys(brought).filter((name) => name.startsWith('node-'))).toEqual([])
  })

  it('says its version', () => {
    expect(blindspot('--version')).toBe(`blindspot ${installed.manifest.version}\n`)
  })

  it('finds its own pipeline.yaml right', () => {
    expect(() => blindspot('validate', '--config', installed.path('pipeline.yaml'))).not.toThrow()
  })

  it('takes a trace and ends when it is asked to', async () => {
    const config = join(installed.folder, 'pipeline.yaml')
    writeFileSync(config, PIPELINE)
    const gateway = spawn(process.execPath, [installed.program, 'run', '--config', config], { cwd: installed.folder })
    const ended = once(gateway, 'exit')
    const address = await printed(gateway, /OTLP over HTTP to (\S+)/)
    const answer = await fetch(`http://${address}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(traceRequestJson([{ service: 'shop', spans: [{ name: 'from outside' }] }])),
    })
    expect(answer.status).toBe(200)
    gateway.kill('SIGTERM')
    expect(await ended).toEqual([0, null])
  })
})

const PIPELINE = `
receivers: { otlp: { protocols: { http: { endpoint: "127.0.0.1:0" } } } }
processors: { trace_window: , context_propagation: , span_lifetime: }
exporters: { debug: { verbosity: basic } }
service:
  telemetry: { metrics: { level: none } }
  pipelines:
    traces: { receivers: [otlp], processors: [trace_window, context_propagation, span_lifetime], exporters: [debug] }
`

/** The first group of the first match in what a process prints. */
function printed(child: ChildProcess, pattern: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    for (const stream of [child.stdout!, child.stderr!])
      stream.on('data', (chunk) => {
        text += chunk
        const match = pattern.exec(text)
        if (match) resolve(match[1]!)
      })
    child.once('exit', () => reject(new Error(`it ended before it printed ${pattern}:\n${text}`)))
  })
}
