import { readAttributes } from '../attributes.ts'
import type { AttributeValue, ResourceRef, ScopeRef } from '../resource.ts'
import { WireReader, WireType } from '../wire.ts'

export type PointKind = 'gauge' | 'sum' | 'histogram' | 'exponential_histogram' | 'summary'
export type Temporality = 'unspecified' | 'delta' | 'cumulative'

export interface ExponentialBuckets {
  /** Index of the first bucket. */
  readonly offset: number
  readonly counts: readonly number[]
}

export interface QuantileValue {
  readonly quantile: number
  readonly value: number
}

/** DataPointFlags: the series ended or could not be read. */
const NO_RECORDED_VALUE = 1

/**
 * Field numbers that differ between the five types of point; 2 start_time_unix_nano and 3 time_unix_nano do not.
 *
 *     NumberDataPoint                4 as_double, 6 as_int sfixed64, 7 attributes, 8 flags
 *     HistogramDataPoint             4 count, 5 sum, 6 bucket_counts, 7 explicit_bounds, 9 attributes, 10 flags, 11 min, 12 max
 *     ExponentialHistogramDataPoint  4 count, 5 sum, 6 scale, 7 zero_count, 8 positive, 9 negative, 1 attributes, 10 flags,
 *                                    12 min, 13 max, 14 zero_threshold
 *     SummaryDataPoint               4 count, 5 sum, 6 quantile_values, 7 attributes, 8 flags
 */
const FIELDS = {
  gauge: { attributes: 7, flags: 8, min: 0, max: 0 },
  sum: { attributes: 7, flags: 8, min: 0, max: 0 },
  histogram: { attributes: 9, flags: 10, min: 11, max: 12 },
  exponential_histogram: { attributes: 1, flags: 10, min: 12, max: 13 },
  summary: { attributes: 7, flags: 8, min: 0, max: 0 },
} as const satisfies Record<PointKind, object>

const NO_REF = Object.freeze(new Uint8Array(0))
const NO_RESOURCE: ResourceRef = {
  head: NO_REF,
  headHash: 0,
  serial: 0,
  attributes: new Map(),
  serviceName: 'unknown_service',
  instance: '',
}
const NO_SCOPE: ScopeRef = { head: NO_REF, headHash: 0, name: '', version: '', attributes: new Map() }

/** A data point under the cursor of `readMetrics`. Numbers are doubles; the `…Exact` ones are for those beyond 2⁵³. */
export class MetricPoint {
  resource: ResourceRef = NO_RESOURCE
  scope: ScopeRef = NO_SCOPE
  name = ''
  kind: PointKind = 'gauge'
  temporality: Temporality = 'unspecified'
  /** Of sums: only ever grows, until its process starts anew. */
  isMonotonic = false
  flags = 0
  readonly #bytes: Uint8Array
  readonly #reader: WireReader
  #metricStart = 0
  #metricEnd = 0
  #unitStart = 0
  #unitEnd = 0
  #start = 0
  #end = 0
  #startHigh = 0
  #startLow = 0
  #timeHigh = 0
  #timeLow = 0
  /** as_int or as_double of numbers, count of the others. */
  #valueHigh = 0
  #valueLow = 0
  #valueField = 0
  #sum: number | null = null
  #min: number | null = null
  #max: number | null = null
  #attributes: ReadonlyMap<string, AttributeValue> | null = null

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#reader = new WireReader(bytes)
  }

  get unit(): string {
    return utf8(this.#bytes, this.#unitStart, this.#unitEnd)
  }

  /** What a converter noted about the metric, such as `prometheus.type`. */
  get metadata(): ReadonlyMap<string, AttributeValue> {
    const metadata = new Map<string, AttributeValue>()
    readAttributes(this.#bytes, this.#metricStart, this.#metricEnd, 12, metadata)
    return metadata
  }

  /** The attributes of the point; read when first asked for. */
  get attributes(): ReadonlyMap<string, AttributeValue> {
    if (this.#attributes === null) {
      const attributes = new Map<string, AttributeValue>()
      readAttributes(this.#bytes, this.#start, this.#end, FIELDS[this.kind].attributes, attributes)
      this.#attributes = attributes
    }
    return this.#attributes
  }

  /** The series ended or could not be read: there is no value to look at. */
  get noRecordedValue(): boolean {
    return (this.flags & NO_RECORDED_VALUE) !== 0
  }

  get startUnixNano(): bigint {
    return unsigned(this.#startHigh, this.#startLow)
  }

  get timeUnixNano(): bigint {
    return unsigned(this.#timeHigh, this.#timeLow)
  }

  /** Milliseconds since the epoch, good to a microsecond. */
  get timeMs(): number {
    return this.#timeHigh * 4294.967296 + this.#timeLow / 1e6
  }

  /** 0 where the sender does not know it (all that comes from Prometheus). */
  get startMs(): number {
    return this.#startHigh * 4294.967296 + this.#startLow / 1e6
  }

  /** Whether a gauge or sum carries an integer. */
  get isInt(): boolean {
    return this.#isNumber && this.#valueField === 6
  }

  /** The value of a gauge or sum; NaN where the point has none. */
  get value(): number {
    if (!this.#isNumber) return Number.NaN
    if (this.#valueField === 6) return (this.#valueHigh | 0) * 4294967296 + this.#valueLow
    return this.#valueField === 4 ? double(this.#valueHigh, this.#valueLow) : Number.NaN
  }

  /** The value of an integer gauge or sum, to the last digit. */
  get intExact(): bigint {
    return this.isInt ? BigInt.asIntN(64, unsigned(this.#valueHigh, this.#valueLow)) : 0n
  }

  /** How many values a histogram or summary is made of. */
  get count(): number {
    return this.#isNumber ? 0 : this.#valueHigh * 4294967296 + this.#valueLow
  }

  get countExact(): bigint {
    return this.#isNumber ? 0n : unsigned(this.#valueHigh, this.#valueLow)
  }

  /** Null where the histogram says none; summaries always have one. */
  get sum(): number | null {
    return this.kind === 'summary' ? (this.#sum ?? 0) : this.#sum
  }

  get min(): number | null {
    return this.#min
  }

  get max(): number | null {
    return this.#max
  }

  /** Of histograms: one more than there are bounds, or none. */
  bucketCounts(): number[] {
    return this.kind === 'histogram' ? this.#numbers(6, fixed64Number) : []
  }

  /** Of histograms: upper bounds, inclusive. */
  explicitBounds(): number[] {
    return this.kind === 'histogram' ? this.#numbers(7, doubleNumber) : []
  }

  /** Of exponential histograms: base = 2^(2^−scale). */
  get scale(): number {
    let scale = 0
    this.#eachField(6, WireType.varint, (reader) => {
      const zigZag = reader.varint32()
      scale = (zigZag >>> 1) ^ -(zigZag & 1)
    })
    return this.kind === 'exponential_histogram' ? scale : 0
  }

  get zeroCount(): number {
    let count = 0
    this.#eachField(7, WireType.fixed64, (reader) => {
      count = fixed64Number(reader)
    })
    return this.kind === 'exponential_histogram' ? count : 0
  }

  get zeroThreshold(): number {
    let threshold = 0
    this.#eachField(14, WireType.fixed64, (reader) => {
      threshold = doubleNumber(reader)
    })
    return threshold
  }

  positiveBuckets(): ExponentialBuckets {
    return this.#buckets(8)
  }

  negativeBuckets(): ExponentialBuckets {
    return this.#buckets(9)
  }

  /**
   * Of summaries.
   *
   *     ValueAtQuantile  1 quantile double, 2 value double
   */
  quantiles(): QuantileValue[] {
    const quantiles: QuantileValue[] = []
    if (this.kind !== 'summary') return quantiles
    this.#eachField(6, WireType.bytes, (reader) => {
      let quantile = 0
      let value = 0
      eachFieldUntil(reader, reader.lengthEnd(), () => {
        if (reader.type !== WireType.fixed64) reader.skip()
        else if (reader.field === 1) quantile = doubleNumber(reader)
        else if (reader.field === 2) value = doubleNumber(reader)
        else reader.skip()
      })
      quantiles.push({ quantile, value })
    })
    return quantiles
  }

  /** For the walk: the Metric whose points follow. */
  setMetric(start: number, end: number): void {
    this.#metricStart = start
    this.#metricEnd = end
    this.#unitStart = 0
    this.#unitEnd = 0
  }

  setUnit(start: number, end: number): void {
    this.#unitStart = start
    this.#unitEnd = end
  }

  /** For the walk: moves on to the point that the reader is laid over, and reads its fields of fixed size. */
  setPoint(reader: WireReader): void {
    const fields = FIELDS[this.kind]
    const isNumber = this.#isNumber
    this.#start = reader.at
    this.#end = reader.end
    this.#attributes = null
    this.flags = 0
    this.#startHigh = this.#startLow = this.#timeHigh = this.#timeLow = 0
    this.#valueHigh = this.#valueLow = this.#valueField = 0
    this.#sum = this.#min = this.#max = null
    while (reader.next()) {
      const { field } = reader
      if (reader.type === WireType.varint && field === fields.flags) {
        this.flags = reader.varint32()
        continue
      }
      if (reader.type !== WireType.fixed64) {
        reader.skip()
        continue
      }
      reader.fixed64()
      if (field === 2) {
        this.#startHigh = reader.hi
        this.#startLow = reader.lo
      } else if (field === 3) {
        this.#timeHigh = reader.hi
        this.#timeLow = reader.lo
      } else if (field === 4 || (isNumber && field === 6)) {
        this.#valueHigh = reader.hi
        this.#valueLow = reader.lo
        this.#valueField = field
      } else if (field === 5) this.#sum = double(reader.hi, reader.lo)
      else if (field === fields.min) this.#min = double(reader.hi, reader.lo)
      else if (field === fields.max) this.#max = double(reader.hi, reader.lo)
    }
  }

  get #isNumber(): boolean {
    return this.kind === 'gauge' || this.kind === 'sum'
  }

  /**
   *     Buckets  1 offset sint32, 2 bucket_counts packed uint64
   */
  #buckets(field: number): ExponentialBuckets {
    let offset = 0
    const counts: number[] = []
    if (this.kind !== 'exponential_histogram') return { offset, counts }
    this.#eachField(field, WireType.bytes, (reader) => {
      eachFieldUntil(reader, reader.lengthEnd(), () => {
        if (reader.field === 1 && reader.type === WireType.varint) {
          const zigZag = reader.varint32()
          offset = (zigZag >>> 1) ^ -(zigZag & 1)
        } else if (reader.field === 2) readNumbers(reader, WireType.varint, varint64Number, counts)
        else reader.skip()
      })
    })
    return { offset, counts }
  }

  /** A repeated field of 8-byte numbers, packed or not. */
  #numbers(field: number, read: (reader: WireReader) => number): number[] {
    const numbers: number[] = []
    const reader = this.#overPoint()
    while (reader.next()) {
      if (reader.field === field) readNumbers(reader, WireType.fixed64, read, numbers)
      else reader.skip()
    }
    return numbers
  }

  #eachField(field: number, type: number, read: (reader: WireReader) => void): void {
    const reader = this.#overPoint()
    while (reader.next()) {
      if (reader.field === field && reader.type === type) read(reader)
      else reader.skip()
    }
  }

  #overPoint(): WireReader {
    this.#reader.at = this.#start
    this.#reader.end = this.#end
    return this.#reader
  }
}

/** The numbers of one occurrence of a repeated field: a packed list of them, or a single one. */
function readNumbers(reader: WireReader, type: number, read: (reader: WireReader) => number, numbers: number[]): void {
  if (reader.type === type) numbers.push(read(reader))
  else if (reader.type !== WireType.bytes) reader.skip()
  else {
    const stop = reader.lengthEnd()
    const outerEnd = reader.end
    reader.end = stop
    while (reader.at < stop) numbers.push(read(reader))
    reader.end = outerEnd
  }
}

/** Over the fields of a nested message that ends at `stop`. */
function eachFieldUntil(reader: WireReader, stop: number, read: () => void): void {
  const outerEnd = reader.end
  reader.end = stop
  while (reader.next()) read()
  reader.end = outerEnd
}

function fixed64Number(reader: WireReader): number {
  reader.fixed64()
  return reader.hi * 4294967296 + reader.lo
}

function doubleNumber(reader: WireReader): number {
  reader.fixed64()
  return double(reader.hi, reader.lo)
}

function varint64Number(reader: WireReader): number {
  reader.varint32()
  return reader.hi * 4294967296 + reader.lo
}

const WORDS = new Uint32Array(2)
const DOUBLE = new Float64Array(WORDS.buffer)

function double(high: number, low: number): number {
  WORDS[0] = low
  WORDS[1] = high
  return DOUBLE[0]!
}

function unsigned(high: number, low: number): bigint {
  return (BigInt(high) << 32n) | BigInt(low)
}

function utf8(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8')
}
