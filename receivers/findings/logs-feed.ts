import type { Attributes } from '@opentelemetry/api'
import type { BytesBatch } from '../../component/batch.ts'
import type { Timer } from '../../component/clock.ts'
import type { ReceiverSettings } from '../../component/component.ts'
import type { Consumer } from '../../component/consumer.ts'
import type { FindingEvent, FindingSource } from '../../component/finding-source.ts'
import { logRecordOf, type OtlpLogRecord } from '../../findings/log-record.ts'
import { SCOPE } from '../../findings/metrics/scope.ts'
import { jsonToProtobuf } from '../../otlp/json/json-to-protobuf.ts'
import { MalformedJson } from '../../otlp/json/malformed-json.ts'
import type { FindingsReceiverConfig } from './config.ts'
import { HandOver } from './hand-over.ts'

/** Hands finding events on as log records, those of about the same time together. Refused ones are tried again. */
export class LogsFeed {
  readonly #settings: ReceiverSettings
  readonly #config: FindingsReceiverConfig
  readonly #resource: Attributes
  readonly #source: FindingSource
  readonly #handOver: HandOver
  readonly #pending: OtlpLogRecord[] = []
  #timer: Timer | null = null
  #running: Promise<void> | null = null
  #unsubscribe: () => void = () => {}

  constructor(
    settings: ReceiverSettings,
    config: FindingsReceiverConfig,
    resource: Attributes,
    source: FindingSource,
    next: Consumer<BytesBatch>,
  ) {
    this.#settings = settings
    this.#config = config
    this.#resource = resource
    this.#source = source
    this.#handOver = new HandOver(settings, next, 'logs')
  }

  start(): void {
    this.#unsubscribe = this.#source.subscribe((event) => this.#add(event))
  }

  async stop(): Promise<void> {
    this.#unsubscribe()
    this.#timer?.cancel()
    await this.#running
    await this.#feed()
  }

  #add(event: FindingEvent): void {
    this.#pending.push(logRecordOf(event))
    this.#bound()
    this.#schedule()
  }

  /** Drops the oldest events beyond the limit; the findings themselves stay in the registry. */
  #bound(): void {
    const excess = this.#pending.length - this.#config.max_pending_events
    if (excess <= 0) return
    this.#pending.splice(0, excess)
    const ledger = this.#settings.ledgers.logs
    ledger.received += excess
    ledger.failed += excess
  }

  #schedule(): void {
    this.#timer ??= this.#settings.clock.after(this.#config.log_delay, () => {
      this.#timer = null
      this.#running ??= this.#feed()
        .catch((error: unknown) => this.#defect(error))
        .finally(() => {
          this.#running = null
          if (this.#pending.length > 0) this.#schedule()
        })
    })
  }

  #defect(error: unknown): void {
    this.#settings.logger.error('bringing findings into a pipeline met a defect of the gateway', { error })
  }

  async #feed(): Promise<void> {
    if (this.#pending.length === 0) return
    const records = this.#pending.splice(0)
    const outcome = await this.#handOver.give(this.#encode(records), records.length)
    if (outcome.kind !== 'refused' || !outcome.error.retryable) return
    this.#pending.unshift(...records)
    this.#bound()
  }

  #encode(logRecords: readonly OtlpLogRecord[]): Uint8Array {
    const attributes = Object.entries(this.#resource).map(([key, text]) => ({ key, value: { stringValue: text } }))
    const bytes = jsonToProtobuf('logs', {
      resourceLogs: [{ resource: { attributes }, scopeLogs: [{ scope: { name: SCOPE.name }, logRecords }] }],
    })
    if (bytes instanceof MalformedJson) throw new Error(`a finding event that is no log record: ${bytes.message}`)
    return bytes
  }
}
