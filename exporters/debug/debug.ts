import type { Batch } from '../../component/batch.ts'
import type { Exporter, ExporterFactory, ExporterSettings } from '../../component/component.ts'
import { ACCEPTED, type Outcome } from '../../component/consumer.ts'
import { ITEM_NAMES, SIGNALS, type Signal } from '../../component/signal.ts'
import { Malformed } from '../../otlp/malformed.ts'
import { configSchema, type DebugConfig } from './config.ts'
import { detailedLines } from './detailed.ts'
import { FINDING_EVENT, findingLine } from './finding-line.ts'
import { normalLines } from './normal.ts'
import { listOf, readJson } from './otlp-json.ts'
import { Sampler } from './sampler.ts'

/** Lines that wait for a slow terminal; beyond it they are left out, and it is said how many. */
const PENDING_LIMIT_BYTES = 4 * 1024 * 1024

/** What the exporter needs of process.stdout. */
export interface Output {
  readonly writableLength: number
  write(text: string): unknown
}

const TITLES = { traces: 'Traces', metrics: 'Metrics', logs: 'Logs', profiles: 'Profiles' } as const

/** Shows what passes, on the console. */
export class DebugExporter implements Exporter {
  readonly #settings: ExporterSettings
  readonly #config: DebugConfig
  readonly #output: Output
  readonly #samplers: Readonly<Record<Signal, Sampler>>
  #omittedLines = 0

  constructor(settings: ExporterSettings, config: DebugConfig, output: Output) {
    const sampler = () => new Sampler(settings.clock, config.sampling_initial, config.sampling_thereafter)
    this.#settings = settings
    this.#config = config
    this.#output = output
    this.#samplers = { traces: sampler(), metrics: sampler(), logs: sampler(), profiles: sampler() }
  }

  async start(): Promise<void> {}

  consume(batch: Batch): Outcome {
    const ledger = this.#settings.ledgers[batch.signal]
    ledger.accepted += batch.itemCount
    ledger.sent += batch.itemCount
    if (this.#samplers[batch.signal].take()) this.#show(batch)
    else this.#write(this.#findingLines(batch))
    return ACCEPTED
  }

  async stop(): Promise<void> {}

  #show(batch: Batch): void {
    const { verbosity } = this.#config
    const head = `${this.#time()} ${TITLES[batch.signal]} ${JSON.stringify({ [ITEM_NAMES[batch.signal]]: batch.itemCount })}`
    if (verbosity === 'basic' || batch.signal === 'profiles') {
      const findings = this.#findingLines(batch)
      this.#write(findings.length === 0 || findings.length < batch.itemCount ? [head, ...findings] : findings)
      return
    }
    const request = readJson(batch)
    if (request instanceof Malformed) this.#write([`${head} cannot be read: ${request.message}`])
    else this.#write([head, ...(verbosity === 'normal' ? normalLines : detailedLines)(batch.signal, request)])
  }

  #findingLines(batch: Batch): string[] {
    return mayHoldFindings(batch) ? findingsOf(batch).map((line) => `${this.#time()} ${line}`) : []
  }

  #time(): string {
    return new Date(this.#settings.clock.nowMs()).toISOString()
  }

  #write(lines: readonly string[]): void {
    if (lines.length === 0) return
    if (this.#output.writableLength > PENDING_LIMIT_BYTES) {
      this.#omittedLines += lines.length
      return
    }
    const omitted = this.#omittedLines === 0 ? '' : `(${this.#omittedLines} lines left out: the console is too slow)\n`
    this.#omittedLines = 0
    this.#output.write(`${omitted}${lines.join('\n')}\n`)
  }
}

/** A look at the bytes: quick, and enough to leave all other logs alone. */
function mayHoldFindings(batch: Batch): boolean {
  if (batch.signal !== 'logs') return false
  const { buffer, byteOffset, byteLength } = batch.source.bytes
  return Buffer.from(buffer, byteOffset, byteLength).includes(FINDING_EVENT)
}

function findingsOf(batch: Batch): string[] {
  const request = readJson(batch)
  if (request instanceof Malformed) return []
  return listOf(request, 'resourceLogs')
    .flatMap((resource) => listOf(resource, 'scopeLogs'))
    .flatMap((scope) => listOf(scope, 'logRecords'))
    .map(findingLine)
    .filter((line) => line !== null)
}

export const factory: ExporterFactory<DebugConfig> = {
  kind: 'exporter',
  type: 'debug',
  aliases: [],
  description: 'Shows what passes on the console; findings as one readable line each.',
  signals: SIGNALS,
  config: configSchema,
  create: (settings, config) => new DebugExporter(settings, config, process.stdout),
}
