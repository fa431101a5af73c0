import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export const FLEET_FOLDER = fileURLToPath(new URL('.', import.meta.url))

/** The program that `build` makes. */
export const FLEET_BINARY = fileURLToPath(new URL('bin/fleet', import.meta.url))

export const HOW_TO_INSTALL = 'install Go 1.26 or newer from https://go.dev/dl'

/** The version of the Go on this machine, such as 1.26.8; undefined without one. */
export function goVersion(): string | undefined {
  const { status, stdout } = spawnSync('go', ['env', 'GOVERSION'], { cwd: FLEET_FOLDER, encoding: 'utf8' })
  return status === 0 ? stdout.trim().replace(/^go/, '') : undefined
}

/** Builds the fleet where it changed; Go's own messages go to the terminal. Takes some minutes the first time. */
export function build(): boolean {
  // redisotel writes file names into spans: without -trimpath those of this machine.
  const args = ['build', '-trimpath', '-o', FLEET_BINARY, '.']
  return spawnSync('go', args, { cwd: FLEET_FOLDER, stdio: 'inherit', env: environment() }).status === 0
}

/** The goroutineleak profile is an experiment in Go 1.26 and there by itself from 1.27 on. */
function environment(): NodeJS.ProcessEnv {
  return goVersion()?.startsWith('1.26') ? { ...process.env, GOEXPERIMENT: 'goroutineleakprofile' } : process.env
}
