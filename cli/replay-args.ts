import { parseArgs } from 'node:util'
import { SIGNALS, type Signal } from '../component/signal.ts'
import { FAIL_ON, type FailOn } from '../findings/report/fail-on.ts'
import { UsageError } from './command.ts'

const FORMATS = ['text', 'json'] as const

export interface ReplayArgs {
  readonly paths: readonly string[]
  readonly uris: readonly string[]
  readonly sets: readonly string[]
  /** Ids of the pipelines to run; none is all. */
  readonly pipelines: readonly string[]
  readonly signal: Signal | null
  readonly format: (typeof FORMATS)[number]
  /** Evidence for each finding; Infinity for all. */
  readonly evidenceLimit: number
  readonly failOn: FailOn
  readonly output: string | null
}

const DEFAULT_EVIDENCE = '10'

/** Throws a UsageError that says what can be written instead. */
export function parseReplayArgs(args: readonly string[]): ReplayArgs {
  const { values, positionals } = parsed(args)
  if (positionals.length === 0) throw new UsageError('name at least one recording, such as traces.otlp.jsonl')
  if (values.set.length > 0 && values.config.length === 0) throw new UsageError('--set needs a --config to change')
  return {
    paths: positionals,
    uris: values.config,
    sets: values.set,
    pipelines: values.pipeline,
    signal: values.signal === undefined ? null : oneOf('--signal', values.signal, SIGNALS),
    format: oneOf('--format', values.format, FORMATS),
    evidenceLimit: evidenceLimit(values.evidence),
    failOn: oneOf('--fail-on', values['fail-on'], FAIL_ON),
    output: values.output ?? null,
  }
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      strict: true,
      allowPositionals: true,
      options: {
        config: { type: 'string', multiple: true, default: [] },
        set: { type: 'string', multiple: true, default: [] },
        pipeline: { type: 'string', multiple: true, default: [] },
        signal: { type: 'string' },
        format: { type: 'string', default: 'text' },
        evidence: { type: 'string', default: DEFAULT_EVIDENCE },
        'fail-on': { type: 'string', default: 'error' },
        output: { type: 'string' },
      },
    })
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

function oneOf<T extends string>(option: string, value: string, known: readonly T[]): T {
  const found = known.find((candidate) => candidate === value)
  if (found === undefined) throw new UsageError(`${option} ${value} is not known; write ${known.join(', ')}`)
  return found
}

function evidenceLimit(text: string): number {
  if (text === 'all') return Number.POSITIVE_INFINITY
  if (/^\d+$/.test(text)) return Number(text)
  throw new UsageError(`--evidence ${text} is no number; write one such as ${DEFAULT_EVIDENCE}, or all`)
}
