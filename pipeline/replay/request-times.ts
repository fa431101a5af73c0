import { visitItems } from '../../otlp/count-items.ts'
import type { Malformed } from '../../otlp/malformed.ts'
import type { RequestSignal } from '../../otlp/request.ts'
import { Column, type SpanTable } from '../../otlp/span-table.ts'
import { type WireReader, WireType } from '../../otlp/wire.ts'

/** Times this far apart in one request may say that a clock lies; closer ones are as good as one. */
const SPREAD_LIMIT_NANO = 60e9

/** The times of a request, put together. */
export interface TimeSummary {
  /** The earliest, the median (of what lies close together: the latest) and the latest; NaN where there are none. */
  readonly firstMs: number
  readonly medianMs: number
  readonly lastMs: number
  readonly lastNano: bigint
  /** All of them in ascending order, where they lie far apart; otherwise null. */
  readonly sorted: BigUint64Array | null
}

const NO_TIMES: TimeSummary = Object.freeze({
  firstMs: Number.NaN,
  medianMs: Number.NaN,
  lastMs: Number.NaN,
  lastNano: 0n,
  sorted: null,
})

/** The times of what one request holds, 0 left out: when spans ended, when points and log records were taken. */
export class RequestTimes {
  #count = 0
  #nano = new BigUint64Array(64)
  /** The same memory: low word first, as on every machine that Node runs on. */
  #words = new Uint32Array(this.#nano.buffer)
  /** Indices of the earliest and the latest. */
  #first = 0
  #last = 0

  clear(): this {
    this.#count = 0
    this.#first = 0
    this.#last = 0
    return this
  }

  add(high: number, low: number): void {
    if ((high | low) === 0) return
    if (this.#count === this.#nano.length) this.#grow()
    const index = this.#count++
    this.#words[index * 2] = low
    this.#words[index * 2 + 1] = high
    if (this.#differenceNano(index, this.#first) < 0) this.#first = index
    if (this.#differenceNano(index, this.#last) > 0) this.#last = index
  }

  get isEmpty(): boolean {
    return this.#count === 0
  }

  get firstNano(): bigint | null {
    return this.#count === 0 ? null : this.#nano[this.#first]!
  }

  summary(): TimeSummary {
    if (this.#count === 0) return NO_TIMES
    const firstMs = this.#ms(this.#first)
    const lastMs = this.#ms(this.#last)
    const lastNano = this.#nano[this.#last]!
    if (this.#differenceNano(this.#last, this.#first) <= SPREAD_LIMIT_NANO)
      return { firstMs, medianMs: lastMs, lastMs, lastNano, sorted: null }
    const sorted = this.#nano.slice(0, this.#count).sort()
    return { firstMs, medianMs: nanoToMs(sorted[sorted.length >> 1]!), lastMs, lastNano, sorted }
  }

  #differenceNano(a: number, b: number): number {
    const words = this.#words
    return (words[a * 2 + 1]! - words[b * 2 + 1]!) * 4294967296 + (words[a * 2]! - words[b * 2]!)
  }

  #ms(index: number): number {
    return this.#words[index * 2 + 1]! * 4294.967296 + this.#words[index * 2]! / 1e6
  }

  #grow(): void {
    const grown = new BigUint64Array(this.#nano.length * 2)
    grown.set(this.#nano)
    this.#nano = grown
    this.#words = new Uint32Array(grown.buffer)
  }
}

export function nanoToMs(nano: bigint): number {
  return Number(nano) / 1e6
}

/** Ends of spans. Returns the earliest start, which is what the request begins with; null where none is said. */
export function timesOfSpans(table: SpanTable, times: RequestTimes): bigint | null {
  let first = -1
  for (let row = 0; row < table.count; row++) {
    times.add(table.get(row, Column.end), table.get(row, Column.end + 1))
    const hasStart = (table.get(row, Column.start) | table.get(row, Column.start + 1)) !== 0
    if (hasStart && (first < 0 || table.differenceNano(row, Column.start, first, Column.start) < 0)) first = row
  }
  return first < 0 ? null : table.timeUnixNano(first, Column.start)
}

/**
 * Times in a request of any signal, and how many items it holds.
 *
 *     Span        8 end_time_unix_nano fixed64
 *     data point  3 time_unix_nano fixed64 (all five types)
 *     LogRecord   1 time_unix_nano fixed64, 11 observed_time_unix_nano fixed64: the later
 *
 * Profiles are opaque and have none.
 */
export function timesOfRequest(signal: RequestSignal, bytes: Uint8Array, times: RequestTimes): number | Malformed {
  switch (signal) {
    case 'traces':
      return visitItems(signal, bytes, (span) => readEnd(span, times))
    case 'metrics':
      return visitItems(signal, bytes, (point) => readLatest(point, POINT_TIMES, times))
    case 'logs':
      return visitItems(signal, bytes, (record) => readLatest(record, RECORD_TIMES, times))
    case 'profiles':
      return visitItems(signal, bytes, null)
  }
}

const POINT_TIMES: readonly number[] = [3]
const RECORD_TIMES: readonly number[] = [1, 11]

/** What stands behind the end of a span is most of it, and is left alone: all of it is checked when it is scanned. */
function readEnd(span: WireReader, times: RequestTimes): void {
  while (span.next()) {
    if (span.field !== 8 || span.type !== WireType.fixed64) span.skip()
    else {
      span.fixed64()
      times.add(span.hi, span.lo)
      return
    }
  }
}

function readLatest(item: WireReader, fields: readonly number[], times: RequestTimes): void {
  let high = 0
  let low = 0
  while (item.next()) {
    if (item.type !== WireType.fixed64 || !fields.includes(item.field)) {
      item.skip()
      continue
    }
    item.fixed64()
    if (item.hi > high || (item.hi === high && item.lo > low)) {
      high = item.hi
      low = item.lo
    }
  }
  times.add(high, low)
}
