import { spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { FLEET_BINARY } from '../../examples/fleet/go.ts'
import { readTruth, type Truth } from '../../examples/fleet/truth.ts'
import { type Recording, readRecording } from './recording.ts'
import { type Report, replay } from './replay.ts'
import { RATE, type Run } from './runs.ts'

/** Recordings stay here, for whoever wants to look at a failure. */
export const FOLDER = fileURLToPath(new URL('tmp/', import.meta.url))

/** Beside the fleet's own ports, so that a fleet by hand may run at the same time. */
export const FIRST_PORT = 8700

export interface FleetRun {
  readonly recording: Recording
  readonly truth: Truth
  readonly report: Report
}

/** Runs the fleet into a file, in real time, and what it recorded through the gateway. */
export async function runFleet(run: Run): Promise<FleetRun> {
  mkdirSync(FOLDER, { recursive: true })
  const path = `${FOLDER}${run.name.replaceAll(' ', '-')}`
  await startFleet([
    ...['--faults', run.faults.join(','), '--duration', `${run.seconds}s`, '--rate', String(RATE)],
    ...['--record', `${path}.otlp.pb.gz`],
  ])
  return {
    recording: readRecording(`${path}.otlp.pb.gz`),
    truth: readTruth(`${path}.truth.json`),
    report: await replay(`${path}.otlp.pb.gz`),
  }
}

/** Resolves when the run has ended well; else the error holds what it said. */
export function startFleet(args: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<void> {
  const child = spawn(FLEET_BINARY, ['run', '--port', String(FIRST_PORT), ...args], {
    env: { ...process.env, ...environment },
  })
  let said = ''
  child.stdout.on('data', (text) => (said += text))
  child.stderr.on('data', (text) => (said += text))
  return new Promise((resolve, reject) =>
    child.on('close', (code) => (code === 0 ? resolve() : reject(new Error(`the fleet ended with ${code}:\n${said}`)))),
  )
}
