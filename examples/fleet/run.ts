import { spawn } from 'node:child_process'
import { build, FLEET_BINARY, goVersion, HOW_TO_INSTALL } from './go.ts'

// `npm run fleet`: builds the Go services and runs them, with the faults that were asked for (README.md beside).

process.exitCode = await fleet(process.argv.slice(2))

async function fleet(args: readonly string[]): Promise<number> {
  if (goVersion() === undefined) {
    console.error(`fleet: skipped, nothing was run: its services need Go, and there is none; ${HOW_TO_INSTALL}`)
    return 1
  }
  if (!build()) return 1
  const command = args[0] === 'list' ? args : ['run', ...args]
  const child = spawn(FLEET_BINARY, command, { stdio: 'inherit' })
  // Ctrl-C reaches the fleet by itself: this process has to outlast it, and to pass on what only it was sent.
  process.on('SIGINT', () => {})
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  return new Promise((resolve) => child.on('exit', (code) => resolve(code ?? 1)))
}
