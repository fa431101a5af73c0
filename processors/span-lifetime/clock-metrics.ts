import type { MetricProducer } from '@opentelemetry/sdk-metrics'
import { GaugeSeries } from '../../findings/series/number-series.ts'
import { SeriesProducer } from '../../findings/series/series-metric.ts'
import { SeriesTable } from '../../findings/series/series-table.ts'
import type { ClockGroup } from './clocks/clock-groups.ts'

/** `blindspot.clock.offset`: how far the clock of each group is ahead of its reference. */
export class ClockMetrics {
  readonly producer: MetricProducer
  readonly #table: SeriesTable
  readonly #offset: GaugeSeries
  #set = new Set<number>()

  constructor(maxSeries: number) {
    this.#table = new SeriesTable(maxSeries)
    this.#offset = new GaugeSeries(
      {
        name: 'blindspot.clock.offset',
        unit: 's',
        description: 'How far the clock of a domain is ahead of that of its reference.',
      },
      this.#table,
    )
    this.producer = new SeriesProducer([this.#offset])
  }

  get overflows(): number {
    return this.#table.overflows
  }

  update(groups: readonly ClockGroup[]): void {
    const current = new Set<number>()
    for (const { domain, members, reference, points } of groups) {
      const last = points.at(-1)
      if (!last || members.includes(reference)) continue
      const series = this.#table.intern(JSON.stringify([domain, reference]), () => ({
        'blindspot.clock.domain': domain,
        'blindspot.clock.reference': reference,
      }))
      this.#offset.set(series, last.offsetNano / 1e9)
      current.add(series)
    }
    for (const series of this.#set) if (!current.has(series)) this.#offset.set(series, Number.NaN)
    this.#set = current
  }
}
