import { fileURLToPath } from 'node:url'
import type { Subject } from './subject.ts'

const LAUNCHER = fileURLToPath(new URL('../../cli/blindspot.js', import.meta.url))

/** The gateway as it is started from a checkout; with a folder, its CPU profile is written there when it ends. */
export function gateway(profileFolder: string | null = null): Subject {
  const profiling = profileFolder === null ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileFolder}`]
  return {
    name: 'blindspot',
    command: (configFile) => [process.execPath, ...profiling, LAUNCHER, 'run', '--config', configFile],
  }
}
