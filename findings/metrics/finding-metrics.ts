import { type Attributes, type Counter, ValueType } from '@opentelemetry/api'
import { emptyResource } from '@opentelemetry/resources'
import { type CollectionResult, MeterProvider, type MetricProducer, MetricReader } from '@opentelemetry/sdk-metrics'
import type { Finding } from '../../component/finding-source.ts'
import { SeriesTable } from '../series/series-table.ts'
import { SCOPE } from './scope.ts'

/** The metrics about findings; names and attributes are an interface. */
export const FINDING_METRICS = {
  occurrences: {
    name: 'blindspot.finding.occurrences',
    unit: '{occurrence}',
    valueType: ValueType.INT,
    description: 'Occurrences of findings; those that were taken back are in blindspot.finding.retractions.',
  },
  retractions: {
    name: 'blindspot.finding.retractions',
    unit: '{occurrence}',
    valueType: ValueType.INT,
    description: 'Occurrences that were taken back: disproved by late spans, or gone on under another cause.',
  },
  active: {
    name: 'blindspot.finding.active',
    unit: '1',
    valueType: ValueType.INT,
    description: '1 while a finding with these attributes is open, 0 when all of them are closed.',
  },
} as const

/** Counts what happens once a finding, through instruments of the SDK, and hands it over as a producer of metrics. */
export class FindingMetrics implements MetricProducer {
  readonly #series: SeriesTable
  /** Series that the gauge has spoken of: what is no longer open is said to be closed, also when it was evicted. */
  readonly #seen = new Set<number>()
  readonly #reader = new PulledReader()
  readonly #occurrences: Counter
  readonly #retractions: Counter

  constructor(maxSeries: number, findings: () => Iterable<Finding>) {
    this.#series = new SeriesTable(maxSeries)
    const meter = new MeterProvider({ resource: emptyResource(), readers: [this.#reader] }).getMeter(SCOPE.name)
    this.#occurrences = meter.createCounter(FINDING_METRICS.occurrences.name, FINDING_METRICS.occurrences)
    this.#retractions = meter.createCounter(FINDING_METRICS.retractions.name, FINDING_METRICS.retractions)
    meter.createObservableGauge(FINDING_METRICS.active.name, FINDING_METRICS.active).addCallback((result) => {
      for (const [series, isOpen] of this.#openBySeries(findings()))
        result.observe(isOpen ? 1 : 0, this.#series.attributesOf(series))
    })
  }

  /** How often a set of attributes had to share the overflow series. */
  get overflows(): number {
    return this.#series.overflows
  }

  occurred(finding: Finding, count: number): void {
    this.#occurrences.add(count, this.#series.attributesOf(this.#seriesOf(finding)))
  }

  tookBack(finding: Finding, count: number): void {
    this.#retractions.add(count, this.#series.attributesOf(this.#seriesOf(finding)))
  }

  collect(): Promise<CollectionResult> {
    return this.#reader.collect()
  }

  /** Findings that differ only in what is no attribute (operation, instance) share a series: open if one of them is. */
  #openBySeries(findings: Iterable<Finding>): ReadonlyMap<number, boolean> {
    const open = new Map<number, boolean>()
    for (const series of this.#seen) open.set(series, false)
    for (const finding of findings) {
      const series = this.#seriesOf(finding)
      const isOpen = finding.state === 'provisional' || finding.state === 'confirmed'
      this.#seen.add(series)
      open.set(series, (open.get(series) ?? false) || isOpen)
    }
    return open
  }

  #seriesOf(finding: Finding): number {
    const attributes = attributesOf(finding)
    return this.#series.intern(JSON.stringify(attributes), () => attributes)
  }
}

function attributesOf({ rule, cause, level, place: { service, edge } }: Finding): Attributes {
  return {
    'blindspot.rule': rule,
    'blindspot.cause': cause,
    'blindspot.level': level,
    'service.name': service,
    ...(edge && {
      'client.service.name': edge.from,
      'server.service.name': edge.to,
      'blindspot.boundary': edge.boundary,
    }),
  }
}

/** Reads when it is asked; nothing runs by itself. The limit of series is the table's, so the SDK's must not cut in. */
class PulledReader extends MetricReader {
  constructor() {
    super({ cardinalitySelector: () => Number.MAX_SAFE_INTEGER })
  }

  protected override async onShutdown(): Promise<void> {}

  protected override async onForceFlush(): Promise<void> {}
}
