import { statSync } from 'node:fs'
import { GatewayError } from '../component/errors.ts'
import { SIGNALS } from '../component/signal.ts'
import { buildReport } from '../findings/report/build-report.ts'
import { fails } from '../findings/report/fail-on.ts'
import { reportText } from '../findings/report/report-text.ts'
import type { PipelineConfig } from '../pipeline/config/gateway-config.ts'
import { PROCESSORS } from '../pipeline/processors.ts'
import { builtInConfig, isDetector, type ReplayConfig } from '../pipeline/replay/built-in-config.ts'
import { RecordingWriter } from '../pipeline/replay/recording-writer.ts'
import { type ReplayOutcome, replay as runReplay } from '../pipeline/replay/replay.ts'
import { reportInputs } from '../pipeline/replay/report-inputs.ts'
import type { LogFields, Logger } from '../telemetry/logger.ts'
import { type Command, type Io, UsageError } from './command.ts'
import { CONFIG_OPTIONS } from './config-args.ts'
import { ProgressBar } from './progress-bar.ts'
import { parseReplayArgs, type ReplayArgs } from './replay-args.ts'

/** The run could not be done. */
const NOT_DONE = 2

export const replay: Command = {
  usage: `Usage: blindspot replay FILE... [options]

Looks for findings in recordings, as the gateway does in live data, as fast as it can: the clock is the recording's.
FILE is OTLP as JSON lines, or as protobuf the way the Collector's file exporter writes it; gzip and zstd are understood.
What a file is, is told by its content. Several files are merged by time.
Exit code: 0 when nothing was found at the level of --fail-on or above, 1 when something was, 2 when the run could not
be done.

  --format FORMAT  text for people (the default), or json: see docs/report.schema.json
  --fail-on LEVEL  error (the default), warn, info or never
  --evidence N     evidence to keep of each finding, or all; 10 by default
  --output FILE    write the stream that leaves the pipelines, enriched, in the form of the first input
  --signal SIGNAL  take all input for traces, metrics, logs or profiles
  --pipeline ID    run this pipeline of the configuration only; may be repeated; needed where several look for findings
                   in one signal

The processors are those of a configuration; without one every detector runs with its defaults.
${CONFIG_OPTIONS}
Examples
  blindspot replay traces.otlp.jsonl
  blindspot replay --format json --fail-on warn recording.binpb.zst > report.json
  blindspot replay --config pipeline.yaml --pipeline traces --output enriched.jsonl traces.jsonl metrics.jsonl
`,
  async run(args, io) {
    const parsed = parseReplayArgs(args)
    const totalBytes = sizeOf(parsed.paths, io)
    const config = parsed.uris.length === 0 ? builtInConfig(PROCESSORS) : await ownConfig(parsed, io)
    if (totalBytes === null || config === null) return NOT_DONE
    const pipelines = pipelinesToRun(config, parsed.pipelines)
    try {
      return await run(parsed, config, pipelines, totalBytes, io)
    } catch (error) {
      const isExpected = error instanceof GatewayError || 'syscall' in (error as NodeJS.ErrnoException)
      if (!isExpected) throw error
      io.stderr.write(`blindspot replay: ${(error as Error).message}\n`)
      return NOT_DONE
    }
  },
}

/** Loaded when needed: a configuration may name every component, and those with sockets take long to load. */
async function ownConfig(args: ReplayArgs, io: Io): Promise<ReplayConfig | null> {
  const { loadOrExplain } = await import('./load-or-explain.ts')
  return loadOrExplain(args, io)
}

async function run(
  args: ReplayArgs,
  config: ReplayConfig,
  pipelines: readonly PipelineConfig[],
  totalBytes: number,
  io: Io,
): Promise<number> {
  const bar = new ProgressBar(io, totalBytes)
  const writer = args.output === null ? null : new RecordingWriter(args.output)
  const logger = new StderrLogger(io)
  let outcome: ReplayOutcome
  try {
    outcome = await runReplay({
      paths: args.paths,
      signal: args.signal,
      config,
      pipelines,
      evidenceLimit: args.evidenceLimit,
      logger,
      onProgress: (bytesDone) => bar.show(bytesDone),
      ...(writer !== null && { output: writer }),
    })
  } finally {
    bar.clear()
    writer?.close()
  }
  if (!tellUnread(outcome, io) || logger.errors > 0) return NOT_DONE
  const report = buildReport(reportInputs(outcome.inputs), outcome.findings)
  io.stdout.write(args.format === 'json' ? `${JSON.stringify(report, null, 2)}\n` : reportText(report))
  return fails(report, args.failOn) ? 1 : 0
}

/** The bytes of all files; null after saying which cannot be read. */
function sizeOf(paths: readonly string[], io: Io): number | null {
  let total = 0
  let missing = false
  for (const path of paths) {
    const stats = statSync(path, { throwIfNoEntry: false })
    if (stats?.isFile()) total += stats.size
    else {
      const why =
        stats === undefined ? 'there is no such file' : 'not a file; a replay may read its input twice, save it first'
      io.stderr.write(`blindspot replay: ${path}: ${why}\n`)
      missing = true
    }
  }
  return missing ? null : total
}

/** Those that were named, or all that take data from outside. */
function pipelinesToRun(config: ReplayConfig, ids: readonly string[]): readonly PipelineConfig[] {
  for (const id of ids) {
    if (config.pipelines.some((pipeline) => pipeline.id === id)) continue
    const known = config.pipelines.map((pipeline) => pipeline.id).join(', ')
    throw new UsageError(`--pipeline ${id} is not in the configuration; there are ${known}`)
  }
  if (ids.length > 0) return config.pipelines.filter((pipeline) => ids.includes(pipeline.id))
  const isOutside = (receiver: string) => config.receivers.get(receiver)?.factory.type !== 'findings'
  const outside = config.pipelines.filter((pipeline) => pipeline.receivers.some(isOutside))
  // The same data through two of them would be counted, and found fault with, twice.
  for (const signal of SIGNALS) {
    const [one, other] = outside.filter(
      (pipeline) =>
        pipeline.signal === signal && pipeline.processors.some((id) => isDetector(config.processors.get(id)!.factory)),
    )
    if (other !== undefined)
      throw new UsageError(`${one!.id} and ${other.id} both look for findings in ${signal}; name one with --pipeline`)
  }
  return outside
}

/** Says what could not be read; false where that was everything. */
function tellUnread({ inputs }: ReplayOutcome, io: Io): boolean {
  let unreadable = 0
  for (const { recording, counts } of inputs) {
    const items = counts.spans + counts.metricPoints + counts.logRecords + counts.profiles
    if (recording.rejected > 0) {
      const messages = recording.rejected === 1 ? 'one message' : `${recording.rejected} messages`
      io.stderr.write(
        `blindspot replay: ${recording.path}: ${messages} could not be read: ${recording.firstRejection}\n`,
      )
      if (items === 0) unreadable++
    }
    if (recording.undecided > 0) {
      const messages = recording.undecided === 1 ? 'one message' : `${recording.undecided} messages`
      io.stderr.write(`blindspot replay: ${recording.path}: ${messages} skipped, of which no signal can be told\n`)
    }
  }
  return unreadable < inputs.length
}

/** Components have nothing to say in a replay but what went wrong. */
/** What is logged as an error is a defect of the gateway: with it the report is not to be trusted. */
class StderrLogger implements Logger {
  readonly #io: Io
  errors = 0

  constructor(io: Io) {
    this.#io = io
  }

  debug(): void {}

  info(): void {}

  warn(message: string): void {
    this.#io.stderr.write(`blindspot replay: ${message}\n`)
  }

  error(message: string, fields: LogFields = {}): void {
    this.errors++
    this.warn(fields.error instanceof Error ? `${message}: ${fields.error.stack}` : message)
  }

  child(): Logger {
    return this
  }
}
