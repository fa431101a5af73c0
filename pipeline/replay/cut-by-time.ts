import type { BufferMemory } from '../../otlp/buffer-memory.ts'
import { SpanGatherer } from '../../otlp/gather-spans.ts'
import { regroupSpans } from '../../otlp/regroup-spans.ts'
import { RefCache } from '../../otlp/resource-cache.ts'
import { scanTraces } from '../../otlp/scan-traces.ts'
import { Source } from '../../otlp/source.ts'
import { Column, SpanTable } from '../../otlp/span-table.ts'

/** How long spans are gathered before they are sent, as SDKs do it: so far apart lie those of one request as a rule. */
export const EXPORT_INTERVAL_MS = 5000

/**
 * The spans of a request as one request for each export interval in which some ended, as they would have been sent: what
 * was stored by service has spans of minutes in one. A malformed request stays as it is.
 */
export function cutByTime(bytes: Uint8Array, memory: BufferMemory): readonly Uint8Array[] {
  const table = scanTraces(new Source(bytes), new RefCache())
  if (!(table instanceof SpanTable)) return [bytes]
  const order = Uint32Array.from({ length: table.count }, (_, row) => row)
  order.sort((a, b) => table.differenceNano(a, Column.end, b, Column.end) || a - b)
  const gatherer = new SpanGatherer(table.count, memory)
  gatherer.from(table, null)
  for (const row of order) gatherer.addRow(row)
  const pieces: Uint8Array[] = []
  const inOrder = gatherer.table
  for (let first = 0, end = 0; first < inOrder.count; first = end) {
    const interval = intervalOf(inOrder, first)
    while (end < inOrder.count && intervalOf(inOrder, end) === interval) end++
    pieces.push(regroupSpans(inOrder, null, undefined, first, end))
  }
  inOrder.release()
  table.release()
  return pieces
}

function intervalOf(table: SpanTable, row: number): number {
  return Math.floor(table.timeMs(row, Column.end) / EXPORT_INTERVAL_MS)
}
