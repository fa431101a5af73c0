import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const SOURCE = fileURLToPath(new URL('go/', import.meta.url))
/** Not in a temporary folder: while the source is the same, Go finds it done. */
const BINARY = fileURLToPath(new URL('../../node_modules/.cache/blindspot/go-sender', import.meta.url))

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
