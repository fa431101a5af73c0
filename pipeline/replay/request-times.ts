import { visitItems } from '../../otlp/count-items.ts'
import { Malformed } from '../../otlp/malformed.ts'
import type { RequestSignal } from '../../otlp/request.ts'
import { Column, type SpanTable } from '../../otlp/span-table.ts'
import { type WireReader, WireType } from '../../otlp/wire.ts'

/** The times of what one request holds, 0 left out: when spans ended, when points and log records were taken. */
export class RequestTimes {
  /** The earliest that is said, starts of spans included; null where nothing is. */
  firstNano: bigint | null = null
  #count = 0
  #nano = new BigUint64Array(64)
  /** The same memory: low word first, as on every machine that Node runs on. */
  #words = new Uint32Array(this.#nano.buffer)

  clear(): this {
    this.#count = 0
    this.firstNano = null
    return this
  }

  add(high: number, low: number): void {
    if ((high | low) === 0) return
    if (this.#count === this.#nano.length) this.#grow()
    this.#words[this.#count * 2] = low
    this.#words[this.#count * 2 + 1] = high
    this.#count++
  }

  addFirst(nano: bigint): void {
    if (nano !== 0n && (this.firstNano === null || nano < this.firstNano)) this.firstNano = nano
  }

  /** A copy, in ascending order. */
  sorted(): BigUint64Array {
    return this.#nano.slice(0, this.#count).sort()
  }

  #grow(): void {
    const grown = new BigUint64Array(this.#nano.length * 2)
    grown.set(this.#nano)
    this.#nano = grown
    this.#words = new Uint32Array(grown.buffer)
  }
}

/** Ends of spans. */
export function timesOfSpans(table: SpanTable, times: RequestTimes): void {
  let first = -1
  for (let row = 0; row < table.count; row++) {
    times.add(table.get(row, Column.end), table.get(row, Column.end + 1))
    const hasStart = (table.get(row, Column.start) | table.get(row, Column.start + 1)) !== 0
    if (hasStart && (first < 0 || table.differenceNano(row, Column.start, first, Column.start) < 0)) first = row
  }
  if (first >= 0) times.addFirst(table.timeUnixNano(first, Column.start))
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
  const fields = TIME_FIELDS[signal]
  const items = visitItems(signal, bytes, fields.length === 0 ? null : (item) => readLatest(item, fields, times))
  if (items instanceof Malformed || signal === 'traces') return items
  const [first] = times.sorted()
  if (first !== undefined) times.addFirst(first)
  return items
}

const TIME_FIELDS: Readonly<Record<RequestSignal, readonly number[]>> = {
  traces: [8],
  metrics: [3],
  logs: [1, 11],
  profiles: [],
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

/**
 * Times in a line of OTLP/JSON, found without parsing it: whatever stands behind a name that ends in `imeUnixNano`, starts
 * and events included. Good enough to see whether a recording is in order, at a tenth of the cost. False where there are
 * none, and only a parser can tell.
 */
export function timesInJson(line: Buffer, times: RequestTimes): boolean {
  let found = false
  for (let at = line.indexOf(TIME_NAME); at >= 0; at = line.indexOf(TIME_NAME, at)) {
    at += TIME_NAME.length
    while (line[at] === SPACE || line[at] === COLON || line[at] === QUOTE) at++
    let high = 0
    let low = 0
    // Nine digits and the rest: each part is exact as a double, and so are the halves that they make.
    let front = 0
    let back = 0
    let digits = 0
    for (let digit = line[at]! - ZERO; digit >= 0 && digit <= 9; digit = line[++at]! - ZERO) {
      if (digits < 10) front = front * 10 + digit
      else back = back * 10 + digit
      digits++
    }
    if (digits !== NANO_DIGITS) continue
    const bottom = (front % 65536) * 1e9 + back
    const top = Math.floor(front / 65536) * 1e9 + Math.floor(bottom / 65536)
    high = Math.floor(top / 65536)
    low = ((top % 65536) * 65536 + (bottom % 65536)) >>> 0
    times.add(high, low)
    found = true
  }
  return found
}

const TIME_NAME = Buffer.from('imeUnixNano"')
/** Nanoseconds since 1970 have 19 digits from 2001 to 2286; other times tell nothing of the order. */
const NANO_DIGITS = 19
const SPACE = 0x20
const COLON = 0x3a
const QUOTE = 0x22
const ZERO = 0x30
