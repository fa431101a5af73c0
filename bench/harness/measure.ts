import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Sent } from '../load/generator.ts'
import type { Received } from '../load/sink.ts'
import { Child } from './child-process.ts'
import { cpuSeconds, peakMemoryMb } from './process-usage.ts'
import { RunningSubject, type Subject } from './subject.ts'

export interface Case {
  readonly name: string
  /** A file in bench/pipelines. */
  readonly pipeline: string
  /** Until the pipeline is as full as it will be. */
  readonly warmupSeconds: number
  /** Whether everything that is acknowledged must be at the sink in the end. */
  readonly delivers: boolean
  /** Bytes out, as a share of bytes in, at most. */
  readonly outputShareLimit: number
}

export interface Measurement {
  readonly subject: string
  readonly case: string
  readonly seconds: number
  readonly spans: number
  readonly cpuSeconds: number
  readonly spansPerCpuSecond: number
  readonly spansPerSecond: number
  readonly peakMemoryMb: number
  readonly refusals: number
  /** Bytes out, as a share of bytes in; null where nothing goes out. */
  readonly outputShare: number | null
  /** What is wrong with what came out; null where all is well. */
  readonly failure: string | null
}

/** How much longer than asked for a busy machine makes it. */
const LONGEST_WAIT = 6

/** Runs one pipeline of one program under the load and counts what the load was told is accepted. */
export async function measure(subject: Subject, it: Case, seconds: number): Promise<Measurement> {
  const sink = new Child(new URL('../load/sink.ts', import.meta.url))
  const configFile = fileURLToPath(new URL(`../pipelines/${it.pipeline}`, import.meta.url))
  const running = await RunningSubject.start(subject, configFile, await sink.ask<number>('port'))
  const load = new Child(new URL('../load/generator.ts', import.meta.url), [running.endpoint])
  try {
    await load.ask('start')
    await busyFor(it.warmupSeconds, running)
    const before = await usage(load, running)
    await busyFor(seconds, running)
    const after = await usage(load, running)
    const sent = await load.ask<Sent>('stop')
    const memory = peakMemoryMb(running.pid)
    await running.stop()
    const received = await sink.ask<Received>('received')
    const spans = after.sent.spans - before.sent.spans
    const cpu = after.cpuSeconds - before.cpuSeconds
    return {
      subject: subject.name,
      case: it.name,
      seconds: after.atSeconds - before.atSeconds,
      spans,
      cpuSeconds: cpu,
      spansPerCpuSecond: spans / cpu,
      spansPerSecond: spans / (after.atSeconds - before.atSeconds),
      peakMemoryMb: memory,
      refusals: sent.refusals,
      outputShare: it.delivers ? received.bytes / sent.bytes : null,
      failure: it.delivers ? deliveryFailure(it, sent, received, running.output) : null,
    }
  } finally {
    running.kill()
    load.end()
    sink.end()
  }
}

/**
 * Waits so many seconds and, where others keep the machine busy, until the subject has used as much CPU: what is compiled
 * and how full a window is depends on work, not on time.
 */
async function busyFor(seconds: number, running: RunningSubject): Promise<void> {
  const from = cpuSeconds(running.pid)
  const waitMs = 250
  for (let waited = 0; waited < seconds * 1000 * LONGEST_WAIT; waited += waitMs) {
    if (waited >= seconds * 1000 && cpuSeconds(running.pid) - from >= seconds) return
    await sleep(waitMs)
    if (running.failed !== null) throw new Error(`it ended under load:\n${running.failed}`)
  }
}

async function usage(load: Child, running: RunningSubject) {
  const sent = await load.ask<Sent>('sent')
  return { sent, cpuSeconds: cpuSeconds(running.pid), atSeconds: performance.now() / 1000 }
}

function deliveryFailure({ outputShareLimit }: Case, sent: Sent, received: Received, log: string): string | null {
  if (received.spans !== sent.spans)
    return `${sent.spans} spans were accepted and ${received.spans} came out; its log ends:\n${log}`
  const share = received.bytes / sent.bytes
  if (share > outputShareLimit)
    return `the output is ${share.toFixed(3)} x the input, allowed are ${outputShareLimit} x`
  return null
}
