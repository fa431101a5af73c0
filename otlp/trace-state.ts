import { Column, ROW_WORDS, type SpanTable } from './span-table.ts'
import { MalformedProtobuf, WireReader, WireType } from './wire.ts'

const TRACE_STATE = 3
const TRACE_STATE_TAG = (TRACE_STATE << 3) | WireType.bytes
/** Fields with a tag and a length of a byte each: trace and span id, and the parent's id. */
const IDS_BYTES = 2 + 16 + 2 + 8
const PARENT_BYTES = 2 + 8
const reader = new WireReader(new Uint8Array(0))

/**
 * Whether the trace state of a span has OpenTelemetry's entry (`ot=…`, its sampling threshold). Read on demand: protobuf
 * libraries write fields in the order of their numbers, so it stands behind the two ids; `anywhere` looks further.
 *
 *     Span   1 trace_id      2 span_id      3 trace_state string      4 parent_span_id …
 */
export function hasOtEntry(table: SpanTable, row: number, anywhere = false): boolean {
  const at = row * ROW_WORDS
  if (!anywhere && hasNoRoom(table, row)) return false
  reader.bytes = table.sourceOf(row).bytes
  reader.at = table.words[at + Column.bodyStart]!
  reader.end = table.words[at + Column.bodyEnd]!
  try {
    while (reader.next()) {
      if (((reader.field << 3) | reader.type) === TRACE_STATE_TAG) {
        const end = reader.lengthEnd()
        return hasMember(reader.bytes, reader.at, end)
      }
      if (reader.field > TRACE_STATE && !anywhere) return false
      reader.skip()
    }
  } catch (error) {
    if (!(error instanceof MalformedProtobuf)) throw error
  }
  return false
}

/** Whether the name follows upon the ids, so that nothing stands between: told by columns, without a look at the bytes. */
function hasNoRoom(table: SpanTable, row: number): boolean {
  const at = row * ROW_WORDS
  const { words } = table
  const nameTagBytes = words[at + Column.nameLength]! < 0x80 ? 2 : 3
  const idsBytes = table.hasParent(row) ? IDS_BYTES + PARENT_BYTES : IDS_BYTES
  return words[at + Column.nameStart]! - words[at + Column.bodyStart]! === idsBytes + nameTagBytes
}

/**
 * A list member `ot=`, at the beginning or behind a comma and optional blanks.
 * https://www.w3.org/TR/trace-context/#tracestate-header
 */
function hasMember(bytes: Uint8Array, start: number, end: number): boolean {
  let isStart = true
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!
    if (isStart && byte === 0x6f && at + 2 < end && bytes[at + 1] === 0x74 && bytes[at + 2] === 0x3d) return true
    isStart = byte === 0x2c || (isStart && (byte === 0x20 || byte === 0x09))
  }
  return false
}
