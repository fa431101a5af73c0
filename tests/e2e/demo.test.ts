import { execFile } from 'node:child_process'
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from '@jest/globals'
import { afterThisTest } from '../support/after-this-test.ts'
import { Program } from '../support/program.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))

/** `npm run demo -- ARGS`. */
const demo = (...args: string[]) =>
  promisify(execFile)(process.execPath, ['examples/demo/main.ts', ...args], { cwd: ROOT })

describe('npm run demo, beside npm start', () => {
  it('shows findings on the console of the gateway', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'blindspot-demo-'))
    afterThisTest(() => rmSync(folder, { recursive: true }))
    copyFileSync(join(ROOT, 'pipeline.yaml'), join(folder, 'pipeline.yaml'))
    const sets = [
      'receivers.otlp.protocols.grpc.endpoint=127.0.0.1:0',
      'receivers.otlp.protocols.http.endpoint=127.0.0.1:0',
      'service.telemetry.metrics.address=127.0.0.1:0',
    ]
    const args = ['run', '--config', 'pipeline.yaml', ...sets.flatMap((value) => ['--set', value])]
    const gateway = new Program(args, { cwd: folder })
    await gateway.said(/Ctrl\+C/)
    // Ninety seconds in two; what needs both sides of many calls (CTX-002) comes later than a test waits.
    const { stdout } = await demo('--speed', '45', '--endpoint', gateway.address('gRPC'))
    expect(stdout).toMatch(/The gateway should find .*LIFE-001 in payment/)
    expect(stdout).toMatch(/Sent: the gateway took \d+ requests\.\n$/)
    await gateway.said(/GO-001 gc_disabled +payment.* cause: gogc_off/)
    await gateway.said(/LIFE-001 child_outlives_parent +payment/)
    expect(await gateway.stop()).toBe(0)
  })

  it('says what to do where no gateway listens', async () => {
    await expect(demo('--endpoint', '127.0.0.1:9')).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^Nothing listens on 127\.0\.0\.1:9\. Start the gateway first.*npm start\n$/),
    })
  })
})
