import { Source } from '../otlp/source.ts'
import type { ByteBudget } from './budget.ts'

/**
 * Bytes of the gateway's own making as a source with one reference: charged to the budget, and their memory used again,
 * when the last reference is released. They lie alone in memory of the budget (`bytesFrom(budget.memory, …)`).
 */
export function ownedSource(bytes: Uint8Array, budget: ByteBudget): Source {
  const heldBytes = bytes.buffer.byteLength
  budget.take(heldBytes)
  return new Source(bytes, (isUnused) => {
    budget.release(heldBytes)
    if (isUnused) budget.memory.give(bytes.buffer)
  })
}
