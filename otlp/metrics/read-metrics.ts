import { headBytes } from '../head-bytes.ts'
import { Malformed } from '../malformed.ts'
import type { RefCache } from '../resource-cache.ts'
import { MalformedProtobuf, WireReader, WireType } from '../wire.ts'
import type { MetricNames } from './metric-names.ts'
import { MetricPoint, type PointKind, type Temporality } from './metric-point.ts'

/**
 * Visits the data points of the metrics that `names` asks for. Other metrics are stepped over once their name is known,
 * and of a point nothing is decoded but its fixed-size fields until the visitor asks. The point is a cursor: it is valid
 * during the call, and the same object comes every time.
 *
 *     const names = new MetricNames(['go.config.gogc'])
 *     const malformed = readMetrics(bytes, names, refs, (point) => {
 *       if (!point.noRecordedValue) gogc.set(point.resource, point.value)
 *     })
 *
 *     ExportMetricsServiceRequest  1 resource_metrics
 *     ResourceMetrics              1 resource, 2 scope_metrics, 3 schema_url
 *     ScopeMetrics                 1 scope, 2 metrics, 3 schema_url
 */
export function readMetrics(
  bytes: Uint8Array,
  names: MetricNames,
  refs: RefCache,
  visit: (point: MetricPoint) => void,
): Malformed | null {
  const walk = new Walk(bytes, names, refs, visit)
  try {
    walk.request()
    return null
  } catch (error) {
    if (!(error instanceof MalformedProtobuf)) throw error
    return new Malformed(error.byteOffset, walk.path(), error.message)
  }
}

/** The oneof `data` of a Metric, by field number. */
const KINDS: Readonly<Record<number, PointKind>> = {
  5: 'gauge',
  7: 'sum',
  9: 'histogram',
  10: 'exponential_histogram',
  11: 'summary',
}
const TEMPORALITIES: readonly Temporality[] = ['unspecified', 'delta', 'cumulative']

class Walk {
  readonly #reader: WireReader
  readonly #names: MetricNames
  readonly #refs: RefCache
  readonly #visit: (point: MetricPoint) => void
  readonly #point: MetricPoint
  /** What is being read, for the path of an error. */
  #where = 'ExportMetricsServiceRequest'

  constructor(bytes: Uint8Array, names: MetricNames, refs: RefCache, visit: (point: MetricPoint) => void) {
    this.#reader = new WireReader(bytes)
    this.#names = names
    this.#refs = refs
    this.#visit = visit
    this.#point = new MetricPoint(bytes)
  }

  path(): string {
    return this.#where
  }

  request(): void {
    this.#each(1, 'resource_metrics', () => this.#resourceMetrics())
  }

  #resourceMetrics(): void {
    const reader = this.#reader
    const start = reader.at
    this.#point.resource = this.#refs.resource(headBytes(reader, start, reader.end))
    reader.at = start
    this.#each(2, 'scope_metrics', () => this.#scopeMetrics())
  }

  #scopeMetrics(): void {
    const reader = this.#reader
    const start = reader.at
    this.#point.scope = this.#refs.scope(headBytes(reader, start, reader.end))
    reader.at = start
    this.#each(2, 'metrics', () => this.#metric())
  }

  /**
   * Twice over the fields: name and type first, wherever they stand.
   *
   *     Metric  1 name   3 unit   5 gauge, 7 sum, 9 histogram, 10 exponential_histogram, 11 summary   12 metadata
   */
  #metric(): void {
    const reader = this.#reader
    const point = this.#point
    const start = reader.at
    let name: string | null = null
    let dataField = 0
    point.setMetric(start, reader.end)
    while (reader.next()) {
      if (reader.type !== WireType.bytes) {
        reader.skip()
        continue
      }
      const stop = reader.lengthEnd()
      if (reader.field === 1) name = this.#names.find(reader.bytes, reader.at, stop)
      else if (reader.field === 3) point.setUnit(reader.at, stop)
      else if (reader.field in KINDS) dataField = reader.field
      reader.at = stop
    }
    if (name === null || dataField === 0) return
    point.name = name
    point.kind = KINDS[dataField]!
    reader.at = start
    this.#each(dataField, point.kind, () => this.#data())
  }

  /**
   * Gauge and Summary have points only.
   *
   *     Sum, Histogram, ExponentialHistogram  1 data_points   2 aggregation_temporality enum
   *     Sum                                   3 is_monotonic bool
   */
  #data(): void {
    const reader = this.#reader
    const point = this.#point
    const start = reader.at
    point.temporality = 'unspecified'
    point.isMonotonic = false
    while (reader.next()) {
      if (reader.type !== WireType.varint) reader.skip()
      else if (reader.field === 2) point.temporality = TEMPORALITIES[reader.varint32()] ?? 'unspecified'
      else if (reader.field === 3) point.isMonotonic = reader.varint32() !== 0
      else reader.skip()
    }
    reader.at = start
    this.#each(1, 'data_points', () => {
      point.setPoint(reader)
      this.#visit(point)
      reader.at = reader.end
    })
  }

  /** Lays the reader over each message in that field in turn, up to the end of the current one. */
  #each(field: number, name: string, read: () => void): void {
    const reader = this.#reader
    const outerEnd = reader.end
    const outerWhere = this.#where
    while (reader.next()) {
      if (reader.field !== field || reader.type !== WireType.bytes) {
        reader.skip()
        continue
      }
      const innerEnd = reader.lengthEnd()
      reader.end = innerEnd
      this.#where = `${outerWhere}.${name}`
      read()
      reader.at = innerEnd
      reader.end = outerEnd
      this.#where = outerWhere
    }
  }
}
