import { BytesBatch } from '../../component/batch.ts'
import type { ReceiverSettings } from '../../component/component.ts'
import { type Consumer, type Outcome, refused } from '../../component/consumer.ts'
import { GatewayError } from '../../component/errors.ts'
import { Source } from '../../otlp/source.ts'

/** Hands a request that the gateway made itself to a pipeline, within the byte budget; the ledger moves when it is settled. */
export async function handOn(
  settings: ReceiverSettings,
  next: Consumer<BytesBatch>,
  signal: 'metrics' | 'logs',
  bytes: Uint8Array,
  items: number,
): Promise<Outcome> {
  const { budget } = settings
  const ledger = settings.ledgers[signal]
  let outcome: Outcome
  if (budget.reserve(bytes.length)) {
    const batch = new BytesBatch(signal, new Source(bytes, () => budget.release(bytes.length)), items)
    try {
      outcome = await next.consume(batch)
    } finally {
      batch.release()
    }
  } else outcome = refused(new GatewayError('memory_exhausted', 'the byte budget is spent', { retryable: true }))
  ledger.received += items
  if (outcome.kind === 'refused') {
    ledger.refused += items
    ledger.requests.refused++
  } else {
    ledger.accepted += items
    ledger.requests.success++
  }
  return outcome
}
