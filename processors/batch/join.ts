import { type Batch, BytesBatch, type TracesBatch } from '../../component/batch.ts'
import type { ByteBudget } from '../../component/budget.ts'
import { Source } from '../../otlp/source.ts'
import { joinTraces, splitTraces } from './join-traces.ts'
import { splitRequest } from './split-request.ts'

/**
 * Makes of the batches that were gathered those that go on: one, or several of at most `maxItems` (0: no limit). They
 * carry references that are the caller's; the parts keep theirs.
 */
export function join(parts: readonly Batch[], maxItems: number, budget: ByteBudget): Batch[] {
  const items = parts.reduce((sum, part) => sum + part.itemCount, 0)
  const split = maxItems > 0 && items > maxItems
  if (parts.length === 1 && !split) {
    parts[0]!.retain()
    return [parts[0]!]
  }
  if (parts[0]!.signal === 'traces') {
    const traces = parts as readonly TracesBatch[]
    return split ? splitTraces(traces, maxItems) : [joinTraces(traces, budget)]
  }
  const { signal } = parts[0] as BytesBatch
  // Concatenated protobuf messages are one message: their repeated fields add up.
  const bytes = Buffer.concat(parts.map((part) => part.encode()))
  if (!split) return [made(signal, bytes, items, budget)]
  return splitRequest(signal, bytes, maxItems).map((piece) => made(signal, piece.bytes, piece.items, budget))
}

function made(signal: BytesBatch['signal'], bytes: Uint8Array, items: number, budget: ByteBudget): BytesBatch {
  budget.take(bytes.length)
  return new BytesBatch(signal, new Source(bytes, () => budget.release(bytes.length)), items)
}
