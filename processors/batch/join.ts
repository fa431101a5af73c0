import { type Batch, BytesBatch, type TracesBatch } from '../../component/batch.ts'
import type { ByteBudget } from '../../component/budget.ts'
import { ownedSource } from '../../component/owned-source.ts'
import { splitBytes } from '../../component/split-bytes.ts'
import { concatenated } from '../../otlp/buffer-memory.ts'
import { joinTraces, splitTraces } from './join-traces.ts'

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
    return split ? splitTraces(traces, maxItems, budget.memory) : [joinTraces(traces, budget)]
  }
  const { signal } = parts[0] as BytesBatch
  // Concatenated protobuf messages are one message: their repeated fields add up.
  const bytes = concatenated(
    parts.map((part) => part.encode()),
    budget.memory,
  )
  const joined = new BytesBatch(signal, ownedSource(bytes, budget), items)
  if (!split) return [joined]
  const pieces = splitBytes(joined, maxItems, budget)
  joined.release()
  return pieces
}
