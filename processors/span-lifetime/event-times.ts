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
