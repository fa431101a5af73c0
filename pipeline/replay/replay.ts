import { setImmediate } from 'node:timers/promises'
import { createNoopMeter } from '@opentelemetry/api'
import type { Batch } from '../../component/batch.ts'
import { ByteBudget } from '../../component/budget.ts'
import { VirtualClock } from '../../component/clock.ts'
import { ACCEPTED, type Consumer } from '../../component/consumer.ts'
import { GatewayError } from '../../component/errors.ts'
import type { FindingSink } from '../../component/finding.ts'
import { FindingRegistry } from '../../findings/registry.ts'
import { RefCache } from '../../otlp/resource-cache.ts'
import type { TraceWindowConfig } from '../../processors/trace-window/config.ts'
import { Recording } from '../../receivers/file/recording.ts'
import type { Logger } from '../../telemetry/logger.ts'
import type { PipelineConfig } from '../config/gateway-config.ts'
import { findingsOptions } from '../findings-config.ts'
import { ProcessorGraph } from '../graph/processor-graph.ts'
import type { ReplayConfig } from './built-in-config.ts'
import { ReplayInput } from './replay-input.ts'

export interface ReplayOptions {
  readonly paths: readonly string[]
  /** What all messages are taken for; null where content tells. */
  readonly signal: Batch['signal'] | null
  readonly config: ReplayConfig
  /** Of which pipelines the processors run. */
  readonly pipelines: readonly PipelineConfig[]
  readonly evidenceLimit: number
  readonly logger: Logger
  readonly output?: ReplayOutput
  /** Called now and then with how many bytes of the files are done with; less than before where it begins anew. */
  readonly onProgress?: (bytesDone: number) => void
}

/** Where goes what leaves the pipelines. */
export interface ReplayOutput {
  /** Forgets everything: the replay begins, or begins anew. */
  restart(): void
  /** `like` is the first input, whose form it may take. */
  write(batch: Batch, like: Recording): void
}

/** Where a replay came to stand: its inputs, and the registry that holds all findings. */
export interface ReplayOutcome {
  readonly inputs: readonly ReplayInput[]
  readonly findings: FindingRegistry
}

/** The same on every machine, so that the same input gives the same report. */
const BUDGET_BYTES = 1024 * 1024 * 1024
/** Without a trace window in the configuration: nothing is late then, but what is out of order still is. */
const DEFAULT_GRACE_MS = 60_000
/** After the last window and grace have passed: what the judges of the rules need to say their last word. */
const LAST_WORD_MS = 30_000
/** In a longer pause everything has come to rest; its timers are not worth firing. */
const PAUSE_MS = 3_600_000
/** How often, in time of the clock, a batch is offered again that a processor refuses, before it is given up. */
const OFFERS = 100

/**
 * Runs recordings through the processors of pipelines, as fast as it can, in a time that the recordings drive: each
 * request arrives when its latest span had ended (arrival-order.ts), and at the end the clock runs on until every window
 * and grace has passed. All of it happens in one order that only the input decides.
 *
 * Nearly every recording stands in order, so it is taken to until it shows that it may not; then all begins anew, with a
 * survey of that one first. To survey every one would be to read each twice.
 */
export async function replay(options: ReplayOptions): Promise<ReplayOutcome> {
  const recordings = options.paths.map((path) => new Recording(path, options.signal))
  const surveyed = new Set<Recording>()
  for (;;) {
    const outcome = await attempt(options, recordings, surveyed)
    if (!(outcome instanceof ReplayInput)) return outcome
    surveyed.add(outcome.recording)
  }
}

/** Gives an input instead that turned out to need a survey. */
async function attempt(
  options: ReplayOptions,
  recordings: readonly Recording[],
  surveyed: ReadonlySet<Recording>,
): Promise<ReplayOutcome | ReplayInput> {
  const windows = windowsOf(options)
  const graceMs = Math.max(...windows.map((window) => window.late_grace), windows.length === 0 ? DEFAULT_GRACE_MS : 0)
  const maxWaitMs = Math.max(0, ...windows.map((window) => window.max_wait))
  const budget = new ByteBudget(BUDGET_BYTES)
  const refs = new RefCache()
  const inputs = recordings.map(
    (recording) => new ReplayInput(recording, surveyed.has(recording), graceMs, refs, budget),
  )
  const tell = () => options.onProgress?.(inputs.reduce((sum, input) => sum + input.bytesDone, 0))
  options.output?.restart()
  try {
    for (const input of inputs) {
      await input.fill()
      if (input.needsSurvey) return input
    }
    const clock = new VirtualClock(startMs(inputs))
    const findings = new FindingRegistry({
      clock,
      logger: options.logger,
      evidenceLimit: options.evidenceLimit,
      ...findingsOptions(options.config.service.findings),
    })
    const sink = sinkFor(options.output, inputs[0]!.recording)
    const runtime = {
      clock,
      logger: options.logger,
      meter: createNoopMeter(),
      budget,
      findings: keptForReport(findings),
      recorded: true,
      unread: options.output === undefined,
    }
    const graph = new ProcessorGraph(options.pipelines, options.config.processors, runtime, () => sink)
    await graph.start()
    for (let input = nextInput(inputs); input !== null; input = nextInput(inputs)) {
      const { arrivalMs } = input.peek()!
      const batch = input.take()
      if (!Number.isNaN(arrivalMs)) advance(clock, arrivalMs)
      const consumer = graph.next[batch.signal] as Consumer | undefined
      if (consumer !== undefined) await deliver(consumer, batch, clock)
      batch.release()
      if (input.peek() === null) {
        await input.fill()
        if (input.needsSurvey) return input
        tell()
      }
    }
    clock.advanceBy(maxWaitMs + graceMs + LAST_WORD_MS)
    await stop(graph, clock)
    findings.close()
    return { inputs, findings }
  } finally {
    for (const input of inputs) await input.close()
  }
}

function windowsOf({ config, pipelines }: ReplayOptions): TraceWindowConfig[] {
  return pipelines
    .flatMap((pipeline) => pipeline.processors.map((id) => config.processors.get(id)!))
    .filter((configured) => configured.factory.type === 'trace_window')
    .map((configured) => configured.config as TraceWindowConfig)
}

/** The earliest time in the first request of any input: a recording begins before its first trace ends. */
function startMs(inputs: readonly ReplayInput[]): number {
  const firsts = inputs.map((input) => input.peek()?.firstMs ?? Number.NaN).filter((firstMs) => !Number.isNaN(firstMs))
  return firsts.length === 0 ? 0 : Math.min(...firsts)
}

/** The input whose next request arrives first; of several, the first. */
function nextInput(inputs: readonly ReplayInput[]): ReplayInput | null {
  let first: ReplayInput | null = null
  let firstMs = Number.POSITIVE_INFINITY
  for (const input of inputs) {
    const arrival = input.peek()
    if (arrival === null) continue
    // What has no time comes with what stands before it in its input, so at once.
    const arrivalMs = Number.isNaN(arrival.arrivalMs) ? Number.NEGATIVE_INFINITY : arrival.arrivalMs
    if (first !== null && arrivalMs >= firstMs) continue
    first = input
    firstMs = arrivalMs
  }
  return first
}

function advance(clock: VirtualClock, toMs: number): void {
  if (toMs - clock.nowMs() > 2 * PAUSE_MS) {
    clock.advanceBy(PAUSE_MS)
    clock.skipTo(toMs)
  } else clock.advanceTo(toMs)
}

async function deliver(consumer: Consumer, batch: Batch, clock: VirtualClock): Promise<void> {
  for (let offers = 1; ; offers++) {
    const pending = consumer.consume(batch)
    const outcome = pending instanceof Promise ? await pending : pending
    if (outcome.kind !== 'refused') return
    if (!outcome.error.retryable || offers === OFFERS) {
      const message = `a processor takes no more of the recording: ${outcome.error.message}`
      throw new GatewayError(outcome.error.code, message, { retryable: false, cause: outcome.error })
    }
    clock.advanceBy(outcome.error.retryAfterMs ?? 100)
  }
}

/** Processors may wait for the clock while they hand on what they hold. */
async function stop(graph: ProcessorGraph, clock: VirtualClock): Promise<void> {
  let stopped = false
  const stopping = graph.stop(clock.nowMs() + DEFAULT_GRACE_MS).finally(() => {
    stopped = true
  })
  await setImmediate()
  while (!stopped) {
    clock.advanceBy(100)
    await setImmediate()
  }
  await stopping
}

/** Detectors take their sections out of reports when they stop; here the report is made after that. */
function keptForReport(findings: FindingRegistry): FindingSink {
  return {
    evidenceLimit: findings.evidenceLimit,
    publish: (reports) => findings.publish(reports),
    contribute(sections) {
      findings.contribute(sections)
      return () => {}
    },
    addMetricProducer: (producer) => findings.addMetricProducer(producer),
  }
}

function sinkFor(output: ReplayOutput | undefined, like: Recording): Consumer {
  return {
    consume(batch) {
      output?.write(batch, like)
      return ACCEPTED
    },
  }
}
