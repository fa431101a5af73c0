import { Column, ROW_WORDS, type SpanTable } from '../../otlp/span-table.ts'
import { MalformedProtobuf, WireReader, WireType } from '../../otlp/wire.ts'

const EVENTS = 11
const TIME = 1
const reader = new WireReader(new Uint8Array(0))

/**
 * How far the event that is furthest outside of its span is before its start or after its end, in nanoseconds; 0 where
 * all are inside. Asked only for spans with events.
 *
 *     Span 11 events   Event 1 time_unix_nano fixed64
 */
export function eventOutsideNano(table: SpanTable, row: number): number {
  const { words } = table
  const at = row * ROW_WORDS
  const bytes = table.sourceOf(row).bytes
  const bodyEnd = words[at + Column.bodyEnd]!
  let furthest = 0
  reader.bytes = bytes
  reader.at = words[at + Column.bodyStart]!
  reader.end = bodyEnd
  try {
    while (reader.next()) {
      if (reader.field !== EVENTS || reader.type !== WireType.bytes) {
        reader.skip()
        continue
      }
      const end = reader.lengthEnd()
      reader.end = end
      if (readTime()) {
        const afterEnd = difference(reader.hi, reader.lo, words, at + Column.end)
        const beforeStart = -difference(reader.hi, reader.lo, words, at + Column.start)
        furthest = Math.max(furthest, afterEnd, beforeStart)
      }
      reader.at = end
      reader.end = bodyEnd
    }
  } catch (error) {
    if (!(error instanceof MalformedProtobuf)) throw error
    return 0
  }
  return furthest
}

/** Reads the time of the event under the reader; false where it has none: such an event does not lie. */
function readTime(): boolean {
  while (reader.next()) {
    if (reader.field === TIME && reader.type === WireType.fixed64) {
      reader.fixed64()
      return reader.hi !== 0 || reader.lo !== 0
    }
    reader.skip()
  }
  return false
}

function difference(hi: number, lo: number, words: Uint32Array, at: number): number {
  return (hi - words[at]!) * 4294967296 + (lo - words[at + 1]!)
}

/**
 * The events of a span as they came, encoded, but for their times, which are moved. Null where they cannot be read. Times
 * are fixed64, so only their bytes change; not for the hot path.
 */
export function shiftedEvents(table: SpanTable, row: number, nano: number): Uint8Array | null {
  const { words } = table
  const at = row * ROW_WORDS
  const bytes = table.sourceOf(row).bytes
  const own = new WireReader(bytes, words[at + Column.bodyStart]!, words[at + Column.bodyEnd]!)
  const events: Buffer[] = []
  try {
    for (let from = own.at; own.next(); from = own.at) {
      const isEvent = own.field === EVENTS && own.type === WireType.bytes
      const bodyAt = isEvent ? bodyStart(own) : 0
      own.skip()
      if (isEvent) events.push(shiftedEvent(Buffer.from(bytes.subarray(from, own.at)), bodyAt - from, nano))
    }
  } catch (error) {
    if (!(error instanceof MalformedProtobuf)) throw error
    return null
  }
  return Buffer.concat(events)
}

function bodyStart(own: WireReader): number {
  const before = own.at
  own.lengthEnd()
  const start = own.at
  own.at = before
  return start
}

function shiftedEvent(event: Buffer, bodyAt: number, nano: number): Buffer {
  const own = new WireReader(event, bodyAt, event.length)
  while (own.next()) {
    const timeAt = own.at
    const isTime = own.field === TIME && own.type === WireType.fixed64
    own.skip()
    if (!isTime) continue
    const sent = event.readBigUInt64LE(timeAt)
    if (sent !== 0n) event.writeBigUInt64LE(BigInt.asUintN(64, sent + BigInt(Math.round(nano))), timeAt)
  }
  return event
}
