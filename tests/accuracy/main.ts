import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import type { Healthy, Result } from './measure.ts'
import { accuracyPage } from './page.ts'
import { HEALTHY, type Material, PUBLISHED, planRuns, TUNING } from './plan.ts'
import { printResults } from './print-results.ts'
import { runShortForm } from './short-form.ts'
import type { Task } from './worker.ts'

const USAGE = `Usage: npm run accuracy -- [options]

Breaks recordings on purpose, looks what is found, and writes docs/accuracy.md.
  --tuning         the other recordings and seeds, those that detectors may be mended by; prints, and writes no page
  --only NAME      recipes whose name contains NAME; prints, and writes no page
  --seeds N        fewer or more seeds; prints, and writes no page
  --alone          no runs of three recipes at once; prints, and writes no page
  --workers N      threads, 1 by default
  --results FILE   keeps what was measured in FILE; where it is there already, only writes the page anew
`

const { values } = parseArgs({
  options: {
    tuning: { type: 'boolean', default: false },
    only: { type: 'string' },
    seeds: { type: 'string' },
    alone: { type: 'boolean', default: false },
    results: { type: 'string' },
    workers: { type: 'string', default: '1' },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) process.stdout.write(USAGE)
else await main()

async function main(): Promise<void> {
  const base = values.tuning ? TUNING : PUBLISHED
  const material: Material = { ...base, seeds: values.seeds === undefined ? base.seeds : Number(values.seeds) }
  const isPublished = !values.tuning && !values.alone && values.only === undefined && values.seeds === undefined
  if (!isPublished) printResults(await runs(material))
  else await writePage(material, await measured(material))
}

function runs(material: Material): Promise<Result[]> {
  const tasks: Task[] = planRuns(material)
    .filter(({ recipes }) => !values.alone || recipes.length === 1)
    .filter(({ recipes }) => recipes.some(({ name }) => name.includes(values.only ?? '')))
    .map((run) => ({ ...run, recipes: run.recipes.map(({ name }) => name) }))
  return inWorkers<Result>(tasks, Number(values.workers))
}

interface Measured {
  readonly results: readonly Result[]
  readonly healthy: readonly Healthy[]
}

async function measured(material: Material): Promise<Measured> {
  const { results: file } = values
  if (file !== undefined && existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as Measured
  const results = await runs(material)
  const asTheyAre = HEALTHY.map((recording) => ({ recording, seed: material.firstSeed, recipes: [], share: 1 }))
  const all = { results, healthy: await inWorkers<Healthy>(asTheyAre, 1) }
  if (file !== undefined) writeFileSync(file, JSON.stringify(all))
  return all
}

/** The short form runs with the page, so that CI holds the detectors to what it has been run with. */
async function writePage(material: Material, { results, healthy }: Measured): Promise<void> {
  const folder = join(import.meta.dirname, '../../docs')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'accuracy.md'), accuracyPage(material, results, healthy, await runShortForm()))
}

/** Gives the tasks out in parts of one recording and seed, whose unbroken run is shared; results come in their order. */
async function inWorkers<R>(tasks: readonly Task[], workers: number): Promise<R[]> {
  const parts = new Map<string, Task[]>()
  for (const task of tasks) {
    const key = `${task.recording} ${task.seed}`
    parts.set(key, [...(parts.get(key) ?? []), task])
  }
  const waiting = [...parts.values()]
  const results = new Map<Task, R | null>()
  const work = async () => {
    const worker = new Worker(new URL('./worker.ts', import.meta.url))
    for (let part = waiting.shift(); part !== undefined; part = waiting.shift()) {
      const answer = once(worker, 'message')
      worker.postMessage(part)
      const [done] = (await answer) as [(R | null)[]]
      for (const [i, task] of part.entries()) results.set(task, done[i]!)
      process.stderr.write(`${results.size} of ${tasks.length}\n`)
    }
    await worker.terminate()
  }
  await Promise.all(Array.from({ length: Math.min(workers, waiting.length) }, work))
  return tasks.map((task) => results.get(task)!).filter((result) => result !== null)
}
