import type { BufferMemory } from './buffer-memory.ts'
import { regroupSpans } from './regroup-spans.ts'
import type { SpanEdits } from './span-edits.ts'
import type { SpanTable } from './span-table.ts'
import { spliceRequest } from './splice-request.ts'

/**
 * An ExportTraceServiceRequest of the spans in a table, less the dropped ones and with their edits. A table that is one
 * whole request gives that request: its very bytes where nothing is edited, otherwise with the edits spliced in and all
 * else, unknown fields on every level included, as it was. Spans of several requests are regrouped by resource and scope.
 */
export function encodeSpans(table: SpanTable, edits: SpanEdits | null, memory?: BufferMemory): Uint8Array {
  const changes = edits?.isEmpty ? null : edits
  if (!table.wholeSource) return regroupSpans(table, changes, memory)
  return changes === null ? table.sources[0]!.bytes : spliceRequest(table, changes, memory)
}
