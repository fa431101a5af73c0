import type { SpanEdits } from './span-edits.ts'
import type { SpanTable } from './span-table.ts'

export function encodeSpans(table: SpanTable, edits: SpanEdits | null): Uint8Array {
  if (table.wholeSource && edits === null) return table.sources[0]!.bytes
  throw new Error('splicing is being written')
}
