import { concatenated } from '../otlp/buffer-memory.ts'
import { splitRequest } from '../otlp/split-request.ts'
import { BytesBatch } from './batch.ts'
import type { ByteBudget } from './budget.ts'
import { ownedSource } from './owned-source.ts'

/** Cuts metrics, logs or profiles into batches of at most `maxItems` items. They carry references that are the caller's. */
export function splitBytes({ signal, source }: BytesBatch, maxItems: number, budget: ByteBudget): BytesBatch[] {
  return splitRequest(signal, source.bytes, maxItems).map((piece) => {
    const bytes = concatenated([piece.bytes], budget.memory)
    return new BytesBatch(signal, ownedSource(bytes, budget), piece.items)
  })
}
