import { createNoopMeter, type Meter, type MetricOptions } from '@opentelemetry/api'
import { VirtualClock } from '../../component/clock.ts'
import { Overload } from '../../component/overload.ts'
import { ITEM_NAMES, SIGNALS } from '../../component/signal.ts'
import { FindingRegistry } from '../../findings/registry.ts'
import { createBudget } from '../../pipeline/budget-limit.ts'
import { loadConfig } from '../../pipeline/config/load.ts'
import { Gateway } from '../../pipeline/graph/gateway.ts'
import { FACTORIES } from '../../pipeline/registry.ts'
import { ledgerBook } from '../../pipeline/service.ts'
import { observeWindow } from '../../processors/trace-window/window-metrics.ts'
import { observeLedgers } from '../../telemetry/ledger-metrics.ts'
import { SILENT_LOGGER } from '../../telemetry/logger.ts'
import { observeProcess } from '../../telemetry/process-metrics.ts'
import { table } from './markdown.ts'

interface OwnMetric {
  readonly name: string
  readonly instrument: string
  readonly unit: string
  readonly description: string
}

/** A configuration in which every component is used that has metrics of its own; nothing of it is started. */
const EVERYTHING = `yaml:${JSON.stringify({
  receivers: { otlp: { protocols: { grpc: {} } } },
  processors: {
    memory_limiter: { check_interval: '1s', limit_mib: 512 },
    batch: {},
    trace_window: {},
    span_lifetime: {},
  },
  exporters: { otlp_grpc: { endpoint: 'localhost:4317' } },
  service: {
    pipelines: Object.fromEntries(
      SIGNALS.map((signal) => [
        signal,
        {
          receivers: ['otlp'],
          processors: ['memory_limiter', ...(signal === 'traces' ? ['trace_window', 'span_lifetime'] : []), 'batch'],
          exporters: ['otlp_grpc'],
        },
      ]),
    ),
  },
})}`

/** The metrics that a gateway has about itself, found by building one with a meter that writes down what it is asked for. */
export function ownMetrics(): readonly OwnMetric[] {
  const found = new Map<string, OwnMetric>()
  const meter = recordingMeter((metric) => found.set(metric.name, metric))
  const shared = { clock: new VirtualClock(0), logger: SILENT_LOGGER, meter }
  const budget = createBudget(64)
  const gateway = new Gateway(loadConfig({ uris: [EVERYTHING], factories: FACTORIES }), {
    ...shared,
    budget,
    findings: new FindingRegistry(shared),
    overload: new Overload(),
  })
  observeLedgers(meter, ledgerBook(gateway))
  observeWindow(
    meter,
    {},
    {
      traces: () => 0,
      spans: () => 0,
      retainedBytes: () => 0,
      lateGraceSeconds: () => 0,
      shedTraces: () => 0,
      evictedTraces: () => 0,
    },
  )
  observeProcess(meter, { budget, degradationStage: () => 0, eventLoopDelayMs: () => 0 })
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** The same as a table. What there is of every signal stands there once, with `_ITEMS` at its end. */
export function ownMetricsTable(): string {
  const rows = new Map<string, string[]>()
  for (const { name, instrument, unit, description } of ownMetrics()) {
    const short = name.replace(OF_SIGNAL, '_ITEMS')
    rows.set(short, [`\`${short}\``, instrument, `\`${short === name ? unit : '{ITEMS}'}\``, description])
  }
  return table(['Metric', 'Instrument', 'Unit', 'Meaning'], [...rows.values()])
}

const OF_SIGNAL = new RegExp(`_(${Object.values(ITEM_NAMES).join('|')})$`)

/** As OpenTelemetry calls what the methods of a meter make. */
const INSTRUMENTS: Readonly<Record<string, string>> = {
  createCounter: 'counter',
  createObservableCounter: 'counter',
  createUpDownCounter: 'up-down counter',
  createObservableUpDownCounter: 'up-down counter',
  createGauge: 'gauge',
  createObservableGauge: 'gauge',
  createHistogram: 'histogram',
}

function recordingMeter(found: (metric: OwnMetric) => void): Meter {
  return new Proxy(createNoopMeter(), {
    get(meter, key) {
      const value: unknown = Reflect.get(meter, key)
      const instrument = INSTRUMENTS[String(key)]
      if (instrument === undefined || typeof value !== 'function') return value
      return (name: string, { unit = '1', description = '' }: MetricOptions = {}) => {
        found({ name, instrument, unit, description })
        return value.call(meter, name)
      }
    },
  })
}
