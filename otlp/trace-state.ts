import { Column, ROW_WORDS, type SpanTable, TRACE_STATE_BIT } from './span-table.ts'
import { MalformedProtobuf, WireReader, WireType } from './wire.ts'

const TRACE_STATE = 3
const TRACE_STATE_TAG = (TRACE_STATE << 3) | WireType.bytes
const reader = new WireReader(new Uint8Array(0))

/**
 * Whether the trace state of a span has OpenTelemetry's entry (`ot=…`, its sampling threshold). Spans without a trace
 * state are told by a column; of the others the fields are walked, for JSON has them in any order.
 *
 *     Span   1 trace_id      2 span_id      3 trace_state string      4 parent_span_id …
 */
export function hasOtEntry(table: SpanTable, row: number): boolean {
  const at = row * ROW_WORDS
  if ((table.words[at + Column.meta]! & TRACE_STATE_BIT) === 0) return false
  reader.bytes = table.sourceOf(row).bytes
  reader.at = table.words[at + Column.bodyStart]!
  reader.end = table.words[at + Column.bodyEnd]!
  let isFound = false
  try {
    while (reader.next()) {
      if (((reader.field << 3) | reader.type) !== TRACE_STATE_TAG) {
        reader.skip()
        continue
      }
      const end = reader.lengthEnd()
      isFound = hasMember(reader.bytes, reader.at, end)
      reader.at = end
    }
  } catch (error) {
    if (!(error instanceof MalformedProtobuf)) throw error
  }
  return isFound
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
