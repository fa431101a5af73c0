import type { Batch, BytesBatch, TracesBatch } from '../../component/batch.ts'
import type { ByteBudget } from '../../component/budget.ts'
import { ownedSource } from '../../component/owned-source.ts'
import { splitBytes } from '../../component/split-bytes.ts'
import { regroupSpans } from '../../otlp/regroup-spans.ts'
import type { SpanEdits } from '../../otlp/span-edits.ts'
import { Column, ROW_WORDS, type SpanTable } from '../../otlp/span-table.ts'
import { OutgoingRequest } from './outgoing.ts'

/** Spans grow when they are written out, by their resource and scope and what is added: room for as much is left. */
const FILL = 0.9

/**
 * The requests that a batch leaves as: one, or where that would have more than `maxBytes` (0: no limit) several, in the
 * order of the batch. A destination refuses for good what is larger than it takes, and batches of whole traces are larger
 * than the requests that their spans came in. An item that alone is larger goes alone.
 */
export function requestsOf(batch: Batch, maxBytes: number, budget: ByteBudget): OutgoingRequest[] {
  if (maxBytes === 0 || batch.itemCount <= 1) return [OutgoingRequest.of(batch, budget)]
  // What is far too large is not written out to learn that it is.
  if (!hasMoreBytes(batch, maxBytes)) {
    const request = OutgoingRequest.of(batch, budget)
    if (request.bytes.byteLength <= maxBytes) return [request]
    request.release()
  }
  return batch.signal === 'traces' ? cutTraces(batch, maxBytes, budget) : cutBytes(batch, maxBytes, budget)
}

/** Whether the items had more bytes when they came. */
function hasMoreBytes(batch: Batch, maxBytes: number): boolean {
  if (batch.signal !== 'traces') return batch.source.bytes.length > maxBytes
  const { table } = batch
  let left = maxBytes
  for (let row = 0; row < table.count && left >= 0; row++) left -= recordBytes(table, row)
  return left < 0
}

function recordBytes({ words }: SpanTable, row: number): number {
  const at = row * ROW_WORDS
  return words[at + Column.bodyEnd]! - words[at + Column.recordStart]!
}

function cutTraces({ table, edits }: TracesBatch, maxBytes: number, budget: ByteBudget): OutgoingRequest[] {
  const requests: OutgoingRequest[] = []
  let first = 0
  while (first < table.count) {
    let end = endOfPiece(table, first, maxBytes * FILL)
    let bytes = regroupSpans(table, edits, budget.memory, first, end)
    while (bytes.length > maxBytes && end - first > 1) {
      budget.memory.give(bytes.buffer)
      end = first + Math.ceil((end - first) / 2)
      bytes = regroupSpans(table, edits, budget.memory, first, end)
    }
    const source = ownedSource(bytes, budget)
    const spans = end - first - droppedBetween(edits, first, end)
    if (spans > 0) requests.push(new OutgoingRequest('traces', spans, source, budget))
    else source.release()
    first = end
  }
  return requests
}

/** The row behind as many rows as have about so many bytes, and behind one at least. */
function endOfPiece(table: SpanTable, first: number, bytes: number): number {
  let end = first
  let left = bytes
  do left -= recordBytes(table, end++)
  while (end < table.count && left >= recordBytes(table, end))
  return end
}

function droppedBetween(edits: SpanEdits | null, first: number, end: number): number {
  let dropped = 0
  for (let row = first; row < end; row++) if (edits?.isDropped(row)) dropped++
  return dropped
}

function cutBytes(batch: BytesBatch, maxBytes: number, budget: ByteBudget): OutgoingRequest[] {
  const pieces = Math.max(2, Math.ceil(batch.source.bytes.length / (maxBytes * FILL)))
  return splitBytes(batch, Math.ceil(batch.itemCount / pieces), budget).flatMap((piece) => {
    const requests = requestsOf(piece, maxBytes, budget)
    piece.release()
    return requests
  })
}
