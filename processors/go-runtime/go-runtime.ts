import type { BytesBatch } from '../../component/batch.ts'
import type { Processor, ProcessorFactory, ProcessorSettings } from '../../component/component.ts'
import type { Consumer, Outcome } from '../../component/consumer.ts'
import { Defects } from '../../component/defects.ts'
import type { ResourceRow } from '../../component/finding.ts'
import { MetricNames } from '../../otlp/metrics/metric-names.ts'
import type { MetricPoint } from '../../otlp/metrics/metric-point.ts'
import { readMetrics } from '../../otlp/metrics/read-metrics.ts'
import { RefCache } from '../../otlp/resource-cache.ts'
import { configSchema, type GoRuntimeConfig } from './config.ts'
import { Evaluable } from './evaluable.ts'
import { GoProcess } from './go-process.ts'
import { isFromGo, METRIC_NAMES, readingOf, sourceOf } from './go-signals.ts'
import { derivedValues, ProcessMetrics } from './process-metrics.ts'
import { ProcessTable } from './process-table.ts'
import { RULES } from './rules.ts'

/**
 * Reads the runtime metrics of Go processes off the stream, which goes on unchanged, and lets each rule look at each
 * process whose points have come.
 */
class GoRuntime implements Processor<'metrics'> {
  readonly #settings: ProcessorSettings<'metrics'>
  readonly #next: Consumer<BytesBatch>
  readonly #names = new MetricNames(METRIC_NAMES)
  readonly #refs = new RefCache()
  readonly #processes: ProcessTable
  readonly #evaluable: Evaluable
  readonly #removeProducers = new Map<GoProcess, () => void>()
  readonly #touched = new Set<GoProcess>()
  readonly #defects: Defects
  #takeOutOfReport: () => void = () => {}

  constructor(settings: ProcessorSettings<'metrics'>, config: GoRuntimeConfig, next: Consumer<BytesBatch>) {
    this.#settings = settings
    this.#next = next
    this.#defects = new Defects(settings)
    const { clock, findings } = settings
    this.#processes = new ProcessTable(
      config.max_processes,
      (resource) => {
        const process = new GoProcess(resource, RULES, config.stale_after, findings.evidenceLimit)
        this.#removeProducers.set(process, findings.addMetricProducer(new ProcessMetrics(process, RULES, clock)))
        return process
      },
      (process) => {
        this.#removeProducers.get(process)?.()
        this.#removeProducers.delete(process)
      },
    )
    this.#evaluable = new Evaluable(RULES, () => this.#processes.all, clock)
  }

  async start(): Promise<void> {
    const { findings } = this.#settings
    findings.addMetricProducer(this.#evaluable)
    this.#takeOutOfReport = findings.contribute({
      resources: () => this.#resources(),
      notEvaluable: () => this.#evaluable.missing(),
      limits: () => ({ evicted_processes: this.#processes.evicted }),
    })
  }

  /** Metrics stay, for the last collection of the `findings` receiver, which comes afterwards. */
  async stop(): Promise<void> {
    this.#takeOutOfReport()
  }

  consume(batch: BytesBatch): Outcome | Promise<Outcome> {
    try {
      this.#look(batch)
    } catch (error) {
      this.#defects.tell('its rules', error)
    }
    this.#touched.clear()
    return this.#next.consume(batch)
  }

  #look(batch: BytesBatch): void {
    const nowMs = this.#settings.clock.nowMs()
    // A receiver has checked the bytes already; what is malformed for the reader only ends its reading.
    readMetrics(batch.encode(), this.#names, this.#refs, (point) => this.#take(point, nowMs))
    for (const process of this.#touched)
      for (const watch of process.watches) {
        const report = watch.judge(nowMs)
        if (report !== null) this.#settings.findings.publish([report])
      }
  }

  #take(point: MetricPoint, nowMs: number): void {
    if (!isFromGo(point)) return
    const process = this.#processes.of(point.resource, nowMs)
    const reading = readingOf(point.name)
    // Counts of what came since the last time say nothing about a setting.
    if (reading === undefined || point.temporality === 'delta') return
    if (point.noRecordedValue) {
      process.end(reading.signal)
      return
    }
    const value = reading.normalise(point.value)
    if (value === null) return
    const { timeMs, timeUnixNano, name: metric } = point
    const { signal } = reading
    process.take({ signal, value, timeMs, timeUnixNano, arrivedMs: nowMs, metric, source: sourceOf(point) })
    this.#touched.add(process)
  }

  #resources(): readonly ResourceRow[] {
    const nowMs = this.#settings.clock.nowMs()
    return [...this.#processes.all].flatMap((process) => {
      const values = [...derivedValues(process, nowMs)].map(([name, point]) => [name, point.value] as const)
      if (values.length === 0) return []
      return [{ service: process.service, instance: process.instance, values: Object.fromEntries(values) }]
    })
  }
}

export const factory: ProcessorFactory<GoRuntimeConfig> = {
  kind: 'processor',
  type: 'go_runtime',
  aliases: [],
  description: 'Watches the runtime metrics of Go processes, and finds those whose garbage collector is switched off.',
  signals: ['metrics'],
  config: configSchema,
  needsTraceWindow: false,
  create: { metrics: (settings, config, next) => new GoRuntime(settings, config, next) },
}
