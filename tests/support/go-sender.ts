import { execFile, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const SOURCE = fileURLToPath(new URL('go/', import.meta.url))
/** Not in a temporary folder: while the source is the same, Go finds it done. */
const BINARIES = fileURLToPath(new URL('../../node_modules/.cache/blindspot/', import.meta.url))
const BINARY = join(BINARIES, 'go-sender')
const TELEMETRYGEN = 'github.com/open-telemetry/opentelemetry-collector-contrib/cmd/telemetrygen@v0.161.0'

/** How long the first build may take: modules are fetched and compiled. */
export const GO_BUILD_MS = 300_000

/** Builds the program of tests/support/go. */
export async function buildGoSender(): Promise<void> {
  await run('go', ['build', '-o', BINARY, '.'], { cwd: SOURCE })
}

/** Runs it and gives what it printed; rejects with what it says when anything it sent was not acknowledged. */
export async function goSender(...args: string[]): Promise<string> {
  return (await run(BINARY, args)).stdout
}

/**
 * The Collector's load generator: the one that BLINDSPOT_TELEMETRYGEN names, or one that is built here, which takes a
 * minute the first time. Null without Go, or where its modules are not to be had.
 */
export function telemetrygen(): string | null {
  const { BLINDSPOT_TELEMETRYGEN } = process.env
  if (BLINDSPOT_TELEMETRYGEN !== undefined) return BLINDSPOT_TELEMETRYGEN
  const binary = join(BINARIES, 'telemetrygen')
  if (existsSync(binary)) return binary
  const { status } = spawnSync('go', ['install', TELEMETRYGEN], {
    env: { ...process.env, GOBIN: BINARIES },
    stdio: 'ignore',
    timeout: GO_BUILD_MS,
  })
  return status === 0 ? binary : null
}
