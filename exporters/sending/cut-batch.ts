import { type Batch, TracesBatch } from '../../component/batch.ts'
import type { ByteBudget } from '../../component/budget.ts'
import { splitBytes } from '../../component/split-bytes.ts'
import type { BufferMemory } from '../../otlp/buffer-memory.ts'
import { SpanGatherer } from '../../otlp/gather-spans.ts'
import { Column, ROW_WORDS, type SpanTable } from '../../otlp/span-table.ts'
import { OutgoingRequest } from './outgoing.ts'

/** By how much spans grow at most times when they are written out: their group's resource and scope, and what is added. */
const GROWTH = 1.1

/**
 * The requests that a batch leaves as: one, or where that would have more than `maxBytes` (0: no limit) several, in the
 * order of the batch. A destination refuses for good what is larger than it takes, and batches of whole traces are larger
 * than the requests that their spans came in. An item that alone is larger goes alone.
 */
export function requestsOf(batch: Batch, maxBytes: number, budget: ByteBudget): OutgoingRequest[] {
  if (maxBytes === 0 || batch.itemCount <= 1) return [new OutgoingRequest(batch, budget)]
  let bytes = bytesBefore(batch)
  // What is far too large is not written out to learn by how much.
  if (bytes <= maxBytes) {
    const request = new OutgoingRequest(batch, budget)
    bytes = request.bytes.byteLength
    if (bytes <= maxBytes) return [request]
    request.release()
  }
  const pieces = cut(batch, Math.ceil((bytes * GROWTH) / maxBytes), budget)
  const requests = pieces.flatMap((piece) => requestsOf(piece, maxBytes, budget))
  for (const piece of pieces) piece.release()
  return requests
}

/** Of the items as they came. */
function bytesBefore(batch: Batch): number {
  return batch.signal === 'traces' ? recordBytes(batch.table) : batch.source.bytes.length
}

function recordBytes({ words, count }: SpanTable): number {
  let bytes = 0
  for (let at = 0; at < count * ROW_WORDS; at += ROW_WORDS)
    bytes += words[at + Column.bodyEnd]! - words[at + Column.recordStart]!
  return bytes
}

/** In at least two pieces, whose references are the caller's. */
function cut(batch: Batch, pieces: number, budget: ByteBudget): Batch[] {
  const most = batch.itemCount - 1
  if (batch.signal === 'traces') return cutTraces(batch, pieces, most, budget.memory)
  return splitBytes(batch, Math.min(most, Math.ceil(batch.itemCount / pieces)), budget)
}

/** In pieces of about as many bytes, of at most so many spans. */
function cutTraces({ table, edits }: TracesBatch, pieces: number, most: number, memory: BufferMemory): TracesBatch[] {
  const { words, count } = table
  const pieceBytes = recordBytes(table) / pieces
  const batches: TracesBatch[] = []
  let gatherer: SpanGatherer | null = null
  let bytes = 0
  for (let row = 0; row < count; row++) {
    if (gatherer === null) {
      gatherer = new SpanGatherer(Math.ceil(count / pieces), memory)
      gatherer.from(table, edits)
    }
    if (gatherer.addRow(row) < 0) continue
    bytes += words[row * ROW_WORDS + Column.bodyEnd]! - words[row * ROW_WORDS + Column.recordStart]!
    if (bytes < pieceBytes && gatherer.count < most) continue
    batches.push(new TracesBatch(gatherer.table, null, gatherer.edits))
    gatherer = null
    bytes = 0
  }
  if (gatherer !== null && gatherer.count > 0) batches.push(new TracesBatch(gatherer.table, null, gatherer.edits))
  else gatherer?.table.release()
  return batches
}
