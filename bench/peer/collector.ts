import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Subject } from '../harness/subject.ts'

const FOLDER = fileURLToPath(new URL('.', import.meta.url))
const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const PROGRAM = `${FOLDER}build/otelcol-peer`
/** What the cached program was built from. */
const STAMP = `${FOLDER}build/builder.yaml`
const RECIPE = `${FOLDER}builder.yaml`
const BUILDER = 'go.opentelemetry.io/collector/cmd/builder@v0.165.0'

export function isGoInstalled(): boolean {
  return spawnSync('go', ['version']).status === 0
}

/** The OpenTelemetry Collector, built from builder.yaml unless that was done before; takes minutes, and the network. */
export function buildCollector(): Subject {
  const recipe = readFileSync(RECIPE, 'utf8')
  if (!existsSync(PROGRAM) || !existsSync(STAMP) || readFileSync(STAMP, 'utf8') !== recipe) {
    console.log(`building the Collector (${BUILDER}), some minutes once`)
    execFileSync('go', ['run', BUILDER, '--config', RECIPE], { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] })
    writeFileSync(STAMP, recipe)
  }
  return { name: 'collector', command: (configFile) => [PROGRAM, '--config', configFile] }
}
