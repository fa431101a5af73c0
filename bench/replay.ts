import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { gunzipSync } from 'node:zlib'
import type { Report } from '../findings/report/report-schema.ts'
import { printHottest } from './harness/cpu-profile.ts'
import { machine, writeJson } from './harness/report.ts'
import type { ProcessUsage } from './harness/usage-at-exit.ts'
import { LongRecording } from './load/long-recording.ts'
import { syntheticRequests } from './load/synthetic-recording.ts'
import { FORMS, type Form, writeRecording } from './load/write-recording.ts'

// `npm run bench:replay`: how much of a recording `blindspot replay` gets through in a second of CPU, all threads together,
// with every detector there is. The recordings are made long and busy (load/long-recording.ts): what a process costs to
// start, and a second in which little happens, is not what is asked. Starting is in the figures, and is told beside them.

const HELP = `npm run bench:replay -- [options]

  --megabytes N[,N…]    lengths of each recording as JSON text (200); in a longer one starting counts for less
  --spans-per-second N  how busy it is, in time of the recording (5000); 1 leaves recordings as they are
  --rounds N            times that each is replayed; the median counts (3)
  --filter TEXT         only recordings and forms ("hotel-load50, json") that match the regular expression
  --cpu-prof            write a CPU profile of each replay to data/bench/, and list its hottest functions
  --help                this text`

/** Recordings of real systems beside the checkout. */
const RECORDINGS = fileURLToPath(new URL('../../shared/recordings/', import.meta.url))
const SUFFIX = '.otlp.jsonl.gz'
const LAUNCHER = fileURLToPath(new URL('../cli/blindspot.js', import.meta.url))
const USAGE = fileURLToPath(new URL('harness/usage-at-exit.ts', import.meta.url))

interface Figure {
  readonly recording: string
  readonly form: Form
  readonly megabytes: number
  readonly spans: number
  readonly cpuSeconds: number
  readonly megabytesPerCpuSecond: number
  readonly spansPerCpuSecond: number
  readonly peakMemoryMb: number
}

const { values: options } = parseArgs({
  options: {
    megabytes: { type: 'string', default: '200' },
    'spans-per-second': { type: 'string', default: '5000' },
    rounds: { type: 'string', default: '3' },
    filter: { type: 'string', default: '' },
    'cpu-prof': { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
if (options.help) {
  console.log(HELP)
  process.exit(0)
}
const filter = new RegExp(options.filter, 'i')
const lengths = options.megabytes.split(',').map(Number)
const folder = mkdtempSync(join(tmpdir(), 'blindspot-bench-replay-'))
const figures: Figure[] = []
try {
  console.log(machine())
  const path = join(folder, 'recording')
  console.log(`a replay of one request: ${(await startSeconds(path)).toFixed(2)} CPU seconds, which are in all figures`)
  for (const [name, content] of contents()) {
    for (const form of FORMS.filter((form) => filter.test(`${name}, ${form}`))) {
      for (const megabytes of lengths) {
        const bytes = writeRecording(path, form, megabytes * 1e6, content())
        figures.push(await measure(name, form, path, bytes))
        print(figures.at(-1)!)
      }
    }
  }
} finally {
  rmSync(folder, { recursive: true })
}
writeJson('data/bench/replay.json', { figures })

/** What is replayed: the load of `npm run bench`, and the recordings where they are at hand. */
function contents(): [name: string, content: () => Iterable<string | Uint8Array>][] {
  const spansPerSecond = Number(options['spans-per-second'])
  const files = existsSync(RECORDINGS) ? readdirSync(RECORDINGS).filter((name) => name.endsWith(SUFFIX)) : []
  return [
    ['synthetic', () => syntheticRequests(spansPerSecond)],
    ...files.map((file): [string, () => Iterable<string>] => [
      file.slice(0, -SUFFIX.length),
      () => new LongRecording(linesOf(file), spansPerSecond).lines(),
    ]),
  ]
}

function linesOf(file: string): string[] {
  const text = gunzipSync(readFileSync(RECORDINGS + file)).toString('utf8')
  return text.split('\n').filter((line) => line !== '')
}

/** What a replay takes that has next to nothing to do. */
async function startSeconds(path: string): Promise<number> {
  writeRecording(path, 'json', 1, syntheticRequests(Number(options['spans-per-second'])))
  return (await measure('one request', 'json', path, 1)).cpuSeconds
}

async function measure(name: string, form: Form, path: string, bytes: number): Promise<Figure> {
  const runs: (ProcessUsage & { spans: number })[] = []
  for (let round = 0; round < Number(options.rounds); round++) runs.push(await replay(name, form, path))
  runs.sort((a, b) => a.cpuSeconds - b.cpuSeconds)
  const { cpuSeconds, peakMemoryMb, spans } = runs[runs.length >> 1]!
  const megabytes = bytes / 1e6
  return {
    recording: name,
    form,
    megabytes,
    spans,
    cpuSeconds,
    megabytesPerCpuSecond: megabytes / cpuSeconds,
    spansPerCpuSecond: spans / cpuSeconds,
    peakMemoryMb,
  }
}

async function replay(name: string, form: Form, path: string): Promise<ProcessUsage & { spans: number }> {
  const profiles = options['cpu-prof'] ? profileFolder(`replay ${name} ${form}`) : null
  const profiling = profiles === null ? [] : ['--cpu-prof', `--cpu-prof-dir=${profiles}`]
  const args = [...profiling, '--import', USAGE, LAUNCHER, 'replay', '--format', 'json', '--fail-on', 'never', path]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit', 'pipe'] })
  const [report, usage] = await Promise.all([
    text(child.stdout!),
    text(child.stdio[3] as NodeJS.ReadableStream),
    once(child, 'close'),
  ])
  if (child.exitCode !== 0) throw new Error(`the replay of ${name} ended with ${child.exitCode}`)
  if (profiles !== null) printHottest(`${name}, ${form}`, profiles)
  const [input] = (JSON.parse(report) as Report).inputs
  return { ...(JSON.parse(usage) as ProcessUsage), spans: input!.spans }
}

function profileFolder(name: string): string {
  mkdirSync('data/bench', { recursive: true })
  return mkdtempSync(`data/bench/${name.replaceAll(' ', '-')}-`)
}

function print({ recording, form, megabytes, ...figure }: Figure): void {
  const columns = [
    recording.padEnd(26),
    form.padEnd(9),
    `${megabytes.toFixed(0)} MB`.padStart(7),
    `${figure.megabytesPerCpuSecond.toFixed(1)} MB a CPU second`.padStart(22),
    `${(figure.spansPerCpuSecond / 1e6).toFixed(3)} M spans a CPU second`.padStart(28),
    `${figure.peakMemoryMb.toFixed(0)} MB peak memory`.padStart(20),
  ]
  console.log(columns.join(' '))
}
