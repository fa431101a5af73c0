import type { MetricProducer } from '@opentelemetry/sdk-metrics'
import type { LatencyRow, Quantiles } from '../../component/finding.ts'
import { ExponentialHistogramSeries } from '../../findings/series/exponential-histogram-series.ts'
import { GaugeSeries } from '../../findings/series/number-series.ts'
import { SeriesProducer } from '../../findings/series/series-metric.ts'
import { OVERFLOW_SERIES, SeriesTable } from '../../findings/series/series-table.ts'
import { widened } from '../../otlp/widened.ts'
import type { LifetimeFacts } from './lifetime-facts.ts'

const KIND_NAMES = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'] as const

/** An operation has no series yet. */
const UNKNOWN = -1

/**
 * Reported and effective latency by operation, summed in typed arrays: the metrics `blindspot.span.*.duration`, the bias
 * between them, and the report's `latency`. Of most operations both are the same, so the effective histogram is only
 * kept apart from the first difference on; until then it is the reported one.
 */
export class LatencyMetrics {
  readonly producer: MetricProducer
  readonly #table: SeriesTable
  readonly #reported: ExponentialHistogramSeries
  readonly #effective: ExponentialHistogramSeries
  readonly #bias: GaugeSeries
  readonly #overrun: ExponentialHistogramSeries
  /** Series by operation id. */
  #series = new Int32Array(1024).fill(UNKNOWN)
  /** Whether a series has an effective histogram of its own. */
  #differs = new Uint8Array(1024)
  /** Names of each series, for the report. */
  readonly #places: { readonly service: string; readonly operation: string; readonly kind: string }[] = []

  constructor(maxSeries: number) {
    const table = new SeriesTable(maxSeries)
    this.#table = table
    const histogram = (name: string, description: string) =>
      new ExponentialHistogramSeries({ name, unit: 's', description }, table)
    this.#reported = histogram('blindspot.span.reported.duration', 'Duration of spans as they report it.')
    this.#effective = histogram('blindspot.span.effective.duration', 'Duration of spans with the work they stand for.')
    this.#overrun = histogram(
      'blindspot.call.overrun.duration',
      'How long callees worked on after their caller had given up.',
    )
    this.#bias = new GaugeSeries(
      {
        name: 'blindspot.span.duration.bias',
        unit: '1',
        description: 'Share of the effective 99th percentile that the reported one hides.',
      },
      table,
    )
    const producer = new SeriesProducer([this.#reported, this.#effective, this.#bias, this.#overrun])
    this.producer = {
      collect: () => {
        this.#settle()
        return producer.collect()
      },
    }
  }

  /** Once a span. In whole nanoseconds, which V8 hands over without a box as long as they are less than two seconds. */
  record(facts: LifetimeFacts, operation: number, reportedNano: number, effectiveNano: number): void {
    let series = operation < this.#series.length ? this.#series[operation]! : UNKNOWN
    if (series === UNKNOWN) series = this.#add(facts, operation)
    const reportedSeconds = reportedNano / 1e9
    const effectiveSeconds = effectiveNano / 1e9
    if (effectiveSeconds !== reportedSeconds && this.#differs[series] === 0) {
      this.#effective.takeOver(series, this.#reported)
      this.#differs[series] = 1
    }
    this.#reported.record(series, reportedSeconds)
    if (this.#differs[series] === 1) this.#effective.record(series, effectiveSeconds)
  }

  overran(facts: LifetimeFacts, row: number, seconds: number): void {
    const operation = facts.operations[row]!
    const known = operation < this.#series.length ? this.#series[operation]! : UNKNOWN
    this.#overrun.record(known === UNKNOWN ? this.#add(facts, operation) : known, seconds)
  }

  rows(): readonly LatencyRow[] {
    this.#settle()
    const rows: LatencyRow[] = []
    for (let id = OVERFLOW_SERIES + 1; id < this.#table.size; id++) {
      const place = this.#places[id]
      const count = this.#reported.count(id)
      if (!place || count === 0) continue
      rows.push({
        ...place,
        count,
        reportedSeconds: quantilesOf(this.#reported, id),
        effectiveSeconds: quantilesOf(this.#effective, id),
      })
    }
    return rows
  }

  get overflows(): number {
    return this.#table.overflows
  }

  /** What is read now and then only. */
  #settle(): void {
    for (let id = 0; id < this.#table.size; id++) {
      if (this.#differs[id] === 0 && this.#reported.count(id) > 0) this.#effective.takeOver(id, this.#reported)
      const effective = this.#effective.quantile(id, 0.99)
      if (effective > 0) this.#bias.set(id, 1 - this.#reported.quantile(id, 0.99) / effective)
    }
  }

  #add(facts: LifetimeFacts, operation: number): number {
    const { service, name, kind } = facts.registry.all[operation]!
    if (operation >= this.#series.length) {
      this.#series = widened(this.#series, operation + 1, UNKNOWN)
    }
    const kindName = KIND_NAMES[kind] ?? 'unspecified'
    const series = this.#table.intern(JSON.stringify([service, name, kindName]), () => ({
      'service.name': service,
      'span.name': name,
      'span.kind': kindName,
    }))
    this.#series[operation] = series
    if (series >= this.#differs.length) {
      this.#differs = widened(this.#differs, this.#differs.length + 1)
    }
    if (series !== OVERFLOW_SERIES) this.#places[series] = { service, operation: name, kind: kindName }
    return series
  }
}

function quantilesOf(histogram: ExponentialHistogramSeries, id: number): Quantiles {
  return { p50: histogram.quantile(id, 0.5), p90: histogram.quantile(id, 0.9), p99: histogram.quantile(id, 0.99) }
}
