import { hashInt32, keyBit } from './hash.ts'
import { COUNT_LIMIT, Column, ROW_WORDS, type SpanTable, TRACE_STATE_BIT } from './span-table.ts'
import { MalformedProtobuf, type WireReader, WireType } from './wire.ts'

/** `status` has 7 bits in the table; whatever is beyond the known values of it and of `kind` reads as this. */
const ENUM_LIMIT = 127

/** Tags of the fields that the scan reads in Span, KeyValue and Status. */
const Tag = {
  traceId: (1 << 3) | WireType.bytes,
  spanId: (2 << 3) | WireType.bytes,
  traceState: (3 << 3) | WireType.bytes,
  parentSpanId: (4 << 3) | WireType.bytes,
  name: (5 << 3) | WireType.bytes,
  kind: (6 << 3) | WireType.varint,
  start: (7 << 3) | WireType.fixed64,
  end: (8 << 3) | WireType.fixed64,
  attributes: (9 << 3) | WireType.bytes,
  events: (11 << 3) | WireType.bytes,
  links: (13 << 3) | WireType.bytes,
  status: (15 << 3) | WireType.bytes,
  flags: (16 << 3) | WireType.fixed32,
  key: (1 << 3) | WireType.bytes,
  value: (2 << 3) | WireType.bytes,
  statusCode: (3 << 3) | WireType.varint,
} as const

/** Of a span without a name. */
const EMPTY_HASH = hashInt32(new Uint8Array(0), 0, 0)

/**
 * Reads the span at the reader's cursor into a new row. The one loop that runs for every span: the forms that every SDK
 * writes are read here, with all that it needs in local variables, and whatever is unusual by the reader.
 *
 *     Span   1 trace_id bytes16      6 kind enum                    12 dropped_events_count
 *            2 span_id bytes8        7 start_time_unix_nano fixed64 13 links
 *            3 trace_state string    8 end_time_unix_nano fixed64   14 dropped_links_count
 *            4 parent_span_id bytes8 9 attributes                   15 status
 *            5 name string           11 events                      16 flags fixed32
 */
export function scanSpan(reader: WireReader, view: DataView, table: SpanTable, recordStart: number, end: number): void {
  const bytes = reader.bytes
  const row = table.addRow() * ROW_WORDS
  const words = table.words
  let at = reader.at
  words[row + Column.recordStart] = recordStart
  words[row + Column.bodyStart] = at
  words[row + Column.bodyEnd] = end
  words[row + Column.nameHash] = EMPTY_HASH
  reader.end = end
  let kind = 0
  let status = 0
  let links = 0
  let events = 0
  let keyMask = 0
  let traceState = 0
  while (at < end) {
    let tag = bytes[at++]!
    let stop: number
    if ((tag & 7) === WireType.bytes && tag < 0x80 && tag > 7 && at < end && bytes[at]! < 0x80) {
      stop = at + 1 + bytes[at]!
      if (stop > end) reader.failLength(at, bytes[at]!)
      at++
    } else if ((tag === Tag.start || tag === Tag.end) && at + 8 <= end) {
      const column = row + (tag === Tag.start ? Column.start : Column.end)
      words[column] = view.getUint32(at + 4, true)
      words[column + 1] = view.getUint32(at, true)
      at += 8
      continue
    } else {
      reader.at = at - 1
      reader.next()
      tag = (reader.field << 3) | reader.type
      if (reader.type !== WireType.bytes) {
        if (tag === Tag.kind) kind = enumOf(reader)
        else if (tag === Tag.flags) words[row + Column.flags] = reader.fixed32()
        else if (tag === Tag.start) readTime(reader, words, row + Column.start)
        else if (tag === Tag.end) readTime(reader, words, row + Column.end)
        else reader.skip()
        at = reader.at
        continue
      }
      stop = reader.lengthEnd()
      at = reader.at
    }
    switch (tag) {
      case Tag.attributes: {
        // A short key, then a value up to the end.
        const keyEnd = stop - at >= 4 ? at + 2 + bytes[at + 1]! : stop
        if (
          keyEnd + 2 <= stop &&
          bytes[at] === Tag.key &&
          bytes[at + 1]! < 0x80 &&
          bytes[keyEnd] === Tag.value &&
          bytes[keyEnd + 1]! < 0x80 &&
          keyEnd + 2 + bytes[keyEnd + 1]! === stop
        )
          keyMask |= 1 << keyBit(view, at + 2, keyEnd)
        else keyMask |= keyMaskOf(reader, view, at, stop)
        break
      }
      case Tag.traceId:
        if (stop - at !== 16) absentId(words, row + Column.traceId, 4, at, stop, 'trace_id')
        else {
          words[row + Column.traceId] = view.getUint32(at)
          words[row + Column.traceId + 1] = view.getUint32(at + 4)
          words[row + Column.traceId + 2] = view.getUint32(at + 8)
          words[row + Column.traceId + 3] = view.getUint32(at + 12)
        }
        break
      case Tag.spanId:
        if (stop - at !== 8) absentId(words, row + Column.spanId, 2, at, stop, 'span_id')
        else {
          words[row + Column.spanId] = view.getUint32(at)
          words[row + Column.spanId + 1] = view.getUint32(at + 4)
        }
        break
      case Tag.traceState:
        traceState = stop === at ? 0 : TRACE_STATE_BIT
        break
      case Tag.parentSpanId:
        if (stop - at !== 8) absentId(words, row + Column.parentId, 2, at, stop, 'parent_span_id')
        else {
          words[row + Column.parentId] = view.getUint32(at)
          words[row + Column.parentId + 1] = view.getUint32(at + 4)
        }
        break
      case Tag.name:
        words[row + Column.nameStart] = at
        words[row + Column.nameLength] = stop - at
        words[row + Column.nameHash] = hashInt32(bytes, at, stop)
        break
      case Tag.events:
        if (events < COUNT_LIMIT) events++
        break
      case Tag.links:
        if (links < COUNT_LIMIT) links++
        break
      case Tag.status:
        if (stop - at === 2 && bytes[at] === Tag.statusCode && bytes[at + 1]! < 0x80) status = bytes[at + 1]!
        else status = statusOf(reader, at, stop, status)
        break
    }
    at = stop
  }
  words[row + Column.meta] = kind | (status << 8) | traceState | (links << 16) | (events << 24)
  words[row + Column.keyMask] = keyMask
}

function readTime(reader: WireReader, words: Uint32Array, column: number): void {
  reader.fixed64()
  words[column] = reader.hi
  words[column + 1] = reader.lo
}

/** An id without its full length is absent if it has no bytes at all. */
function absentId(words: Uint32Array, column: number, count: number, start: number, end: number, name: string): void {
  if (end !== start) throw new MalformedProtobuf(start, `${name} has ${end - start} bytes instead of ${count * 4}`)
  words.fill(0, column, column + count)
}

/**
 * The bit of an attribute's key, however the attribute is written.
 *
 *     KeyValue  1 key string, 2 value AnyValue
 */
function keyMaskOf(reader: WireReader, view: DataView, start: number, end: number): number {
  const outerEnd = reader.end
  reader.at = start
  reader.end = end
  let keyStart = start
  let keyEnd = start
  while (reader.next()) {
    if (reader.field !== 1 || reader.type !== WireType.bytes) {
      reader.skip()
      continue
    }
    keyEnd = reader.lengthEnd()
    keyStart = reader.at
    reader.at = keyEnd
  }
  reader.end = outerEnd
  return 1 << keyBit(view, keyStart, keyEnd)
}

/**
 * A status that stands twice is merged, so the code before counts until another one comes.
 *
 *     Status  2 message string, 3 code enum
 */
function statusOf(reader: WireReader, start: number, end: number, before: number): number {
  const outerEnd = reader.end
  reader.at = start
  reader.end = end
  let code = before
  while (reader.next()) {
    if (reader.field === 3 && reader.type === WireType.varint) code = enumOf(reader)
    else reader.skip()
  }
  reader.end = outerEnd
  return code
}

function enumOf(reader: WireReader): number {
  return Math.min(reader.varint32(), ENUM_LIMIT)
}
