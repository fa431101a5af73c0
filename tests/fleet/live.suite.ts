import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { describeFleet } from './describe-fleet.ts'
import { FIRST_PORT, FOLDER, startFleet } from './run-fleet.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const GRPC_PORT = 14_417
const HTTP_PORT = GRPC_PORT + 1
/** A trace waits up to 20 s for its last span, and roots 10 s for the other side of their call. */
const CONSOLE_MS = 40_000

/** On the admin port of cart-2, the fourth process of the plan. */
const GOROUTINE_LEAK_PROFILE = `http://127.0.0.1:${FIRST_PORT + 23}/debug/pprof/goroutineleak?debug=1`

/** The pipeline of `npm start` on other ports. */
const SETTINGS = [
  `receivers.otlp.protocols.grpc.endpoint=127.0.0.1:${GRPC_PORT}`,
  `receivers.otlp.protocols.http.endpoint=127.0.0.1:${HTTP_PORT}`,
  `exporters.file.path=${FOLDER}live/telemetry.otlp.jsonl`,
  'service.telemetry.metrics.address=127.0.0.1:0',
]

describeFleet('the fleet before a gateway as npm start runs it', () => {
  let gateway: ChildProcess
  let shown = ''

  beforeAll(async () => {
    mkdirSync(`${FOLDER}live`, { recursive: true })
    const args = ['cli/blindspot.js', 'run', '--config', 'pipeline.yaml', ...SETTINGS.flatMap((one) => ['--set', one])]
    gateway = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] })
    for (const output of outputs()) output.on('data', (text) => (shown += text))
    await onConsole(/is running/)
  })

  afterAll(async () => {
    if (gateway.exitCode !== null) return
    const ended = new Promise((resolve) => gateway.once('close', resolve))
    gateway.kill('SIGTERM')
    await ended
  })

  it('shows what no_propagator and gogc_off break, while it happens', async () => {
    const faults = 'no_propagator,gogc_off,goroutine_leak'
    const running = startFleet(['--faults', faults, '--duration', '30s', '--truth', `${FOLDER}live/truth.json`], {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${GRPC_PORT}`,
    })
    await onConsole(/GO-001 gc_disabled +payment +cause: gogc_off/)
    // The SDK exports no profiles: the leak's stack is to be had from the service itself.
    expect(await (await fetch(GOROUTINE_LEAK_PROFILE)).text()).toContain('cart.leak')
    await running
    await onConsole(/CTX-002 context_lost_between_services +edge → cart +cause: caller_does_not_inject/)
    expect(shown).toMatch(/CTX-002 context_lost_between_services +edge → checkout +cause: caller_does_not_inject/)
  })

  function outputs() {
    return [gateway.stdout!, gateway.stderr!]
  }

  /** Waits until the console shows it, and fails with the console's text when it does not. */
  function onConsole(pattern: RegExp): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => done(new Error(`${pattern} did not come:\n${shown}`)), CONSOLE_MS)
      const look = () => pattern.test(shown) && done()
      const done = (error?: Error) => {
        clearTimeout(timer)
        for (const output of outputs()) output.off('data', look)
        if (error) reject(error)
        else resolve()
      }
      for (const output of outputs()) output.on('data', look)
      look()
    })
  }
})
