import type { Counter } from '@opentelemetry/api'
import type { Batch } from '../../component/batch.ts'
import type { Timer } from '../../component/clock.ts'
import type { Component, ProcessorFactory, ProcessorSettings } from '../../component/component.ts'
import { type Consumer, type Outcome, refused } from '../../component/consumer.ts'
import { GatewayError } from '../../component/errors.ts'
import { ITEM_NAMES, SIGNALS } from '../../component/signal.ts'
import { configSchema, type MemoryLimiterConfig } from './config.ts'
import { PROCESS_MEMORY, type ProcessMemory } from './process-memory.ts'

const MIB = 1024 * 1024
/** A collection that frees less than this share of what was in use was not worth it: the next waits twice as long. */
const WORTHWHILE_SHARE = 0.05

/** Above `soft` data is refused; `hard` is what must never be reached. */
interface Limits {
  readonly hardBytes: number
  readonly softBytes: number
}

/**
 * Refuses data while the process has more memory in use than it should. It looks at the whole process at intervals; the
 * byte budget (`service.limit_mib`) bounds what the gateway holds at every request and needs no processor.
 */
export class MemoryLimiter implements Component, Consumer {
  readonly #settings: ProcessorSettings
  readonly #config: MemoryLimiterConfig
  readonly #next: Consumer
  readonly #memory: ProcessMemory
  readonly #limits: Limits
  readonly #accepted: Counter
  readonly #refused: Counter
  #refusing = false
  #lastCollectionMs = Number.NEGATIVE_INFINITY
  /** Grows while collecting does not help. */
  #collectionIntervalMs = 0
  #timer: Timer | null = null

  constructor(settings: ProcessorSettings, config: MemoryLimiterConfig, next: Consumer, memory: ProcessMemory) {
    this.#settings = settings
    this.#config = config
    this.#next = next
    this.#memory = memory
    this.#limits = limitsOf(config, memory.totalBytes())
    const items = ITEM_NAMES[settings.signal]
    const counter = (what: string, description: string) =>
      settings.meter.createCounter(`otelcol_processor_memory_limiter_${what}_${items}`, {
        unit: `{${items}}`,
        description,
      })
    this.#accepted = counter('accepted', 'Items that went on.')
    this.#refused = counter('refused', 'Items refused because of high memory usage.')
  }

  async start(): Promise<void> {
    this.#timer = this.#settings.clock.every(this.#config.check_interval, () => this.#check())
  }

  async stop(): Promise<void> {
    this.#timer?.cancel()
  }

  consume(batch: Batch): Outcome | Promise<Outcome> {
    const attributes = { processor: this.#settings.id }
    if (this.#refusing) {
      this.#refused.add(batch.itemCount, attributes)
      return refused(
        new GatewayError('memory_exhausted', 'data refused due to high memory usage', {
          retryable: true,
          retryAfterMs: Math.max(1000, this.#config.check_interval),
        }),
      )
    }
    this.#accepted.add(batch.itemCount, attributes)
    return this.#next.consume(batch)
  }

  #check(): void {
    const { hardBytes, softBytes } = this.#limits
    let usedBytes = this.#memory.usedBytes()
    if (usedBytes > softBytes && this.#mayCollect(usedBytes > hardBytes))
      usedBytes = this.#collect(usedBytes, usedBytes > hardBytes)
    const refusing = usedBytes > softBytes
    if (refusing === this.#refusing) return
    this.#refusing = refusing
    const figures = `${Math.round(usedBytes / MIB)} MiB in use, soft limit ${Math.round(softBytes / MIB)} MiB`
    if (refusing) this.#settings.logger.warn(`memory usage is above the soft limit, refusing data (${figures})`)
    else this.#settings.logger.info(`memory usage is back within limits, data is taken again (${figures})`)
  }

  #mayCollect(hard: boolean): boolean {
    const config = this.#config
    const leastMs = hard ? config.min_gc_interval_when_hard_limited : config.min_gc_interval_when_soft_limited
    const mostMs = hard ? config.max_gc_interval_when_hard_limited : config.max_gc_interval_when_soft_limited
    const intervalMs = Math.max(leastMs, Math.min(this.#collectionIntervalMs, mostMs))
    return this.#settings.clock.nowMs() - this.#lastCollectionMs >= intervalMs
  }

  #collect(usedBytes: number, hard: boolean): number {
    this.#memory.collect()
    this.#lastCollectionMs = this.#settings.clock.nowMs()
    const leftBytes = this.#memory.usedBytes()
    const worthwhile = usedBytes - leftBytes >= usedBytes * WORTHWHILE_SHARE
    const leastMs = hard
      ? this.#config.min_gc_interval_when_hard_limited
      : this.#config.min_gc_interval_when_soft_limited
    this.#collectionIntervalMs = worthwhile
      ? 0
      : Math.max(leastMs, this.#config.check_interval, this.#collectionIntervalMs * 2)
    return leftBytes
  }
}

function limitsOf(config: MemoryLimiterConfig, totalBytes: number): Limits {
  const share = (percentage: number) => Math.floor((totalBytes * percentage) / 100)
  const hardBytes = config.limit_mib > 0 ? config.limit_mib * MIB : share(config.limit_percentage)
  const spikeBytes = config.limit_mib > 0 ? config.spike_limit_mib * MIB : share(config.spike_limit_percentage)
  return { hardBytes, softBytes: hardBytes - (spikeBytes || Math.floor(hardBytes / 5)) }
}

function create(settings: ProcessorSettings, config: MemoryLimiterConfig, next: Consumer): MemoryLimiter {
  return new MemoryLimiter(settings, config, next, PROCESS_MEMORY)
}

export const factory: ProcessorFactory<MemoryLimiterConfig> = {
  kind: 'processor',
  type: 'memory_limiter',
  aliases: [],
  description: 'Refuses data while the process has more memory in use than it should.',
  signals: SIGNALS,
  config: configSchema,
  needsTraceWindow: false,
  create: {
    traces: (settings, config, next) => create(settings, config, next as Consumer),
    metrics: (settings, config, next) => create(settings, config, next as Consumer),
    logs: (settings, config, next) => create(settings, config, next as Consumer),
    profiles: (settings, config, next) => create(settings, config, next as Consumer),
  },
}
