import type { Batch } from '../../component/batch.ts'
import type { ByteBudget } from '../../component/budget.ts'
import { ownedSource } from '../../component/owned-source.ts'
import type { Signal } from '../../component/signal.ts'
import type { Source } from '../../otlp/source.ts'

/**
 * One Export…ServiceRequest as bytes, from the queue to its end. Bytes that are a received request's own are kept by
 * holding that request; bytes that were made for it (spliced, compressed) are charged to the budget, and those that lie
 * in its memory go back there when nobody reads them any more.
 */
export class OutgoingRequest {
  readonly signal: Signal
  readonly items: number
  readonly #budget: ByteBudget
  #bytes: Uint8Array
  /** The received request, or the memory of the budget, that the bytes belong to; null for prepared ones. */
  #source: Source | null
  #prepared = false
  #released = false

  /** Takes over the caller's reference to the source. */
  constructor(signal: Signal, items: number, source: Source, budget: ByteBudget) {
    this.signal = signal
    this.items = items
    this.#budget = budget
    this.#bytes = source.bytes
    this.#source = source
  }

  /** All of a batch. */
  static of(batch: Batch, budget: ByteBudget): OutgoingRequest {
    const source = heldSource(batch, batch.encode(budget.memory), budget)
    return new OutgoingRequest(batch.signal, batch.itemCount, source, budget)
  }

  get bytes(): Uint8Array {
    return this.#bytes
  }

  /** Whether `prepare` has put the bytes into the form in which they are sent. */
  get prepared(): boolean {
    return this.#prepared
  }

  /** Puts the bytes that are really sent (compressed, JSON) in the place of the encoded ones, for all attempts. */
  prepare(bytes: Uint8Array): void {
    this.#prepared = true
    if (this.#released || bytes === this.#bytes) return
    this.#letGo()
    this.#bytes = bytes
    this.#source = null
    this.#budget.take(bytes.byteLength)
  }

  /** A sender that failed, or was not waited for, may still be reading the bytes when they are released. */
  mayBeReadLater(): void {
    this.#source?.mayBeReadLater()
  }

  release(): void {
    if (this.#released) return
    this.#released = true
    this.#letGo()
  }

  #letGo(): void {
    if (this.#source === null) this.#budget.release(this.#bytes.byteLength)
    else this.#source.release()
  }
}

/** What the bytes lie in, with a reference that is the caller's: the received request, or what was made for them. */
function heldSource(batch: Batch, encoded: Uint8Array, budget: ByteBudget): Source {
  const sources = batch.signal === 'traces' ? batch.table.sources : [batch.source]
  const received = sources.find((source) => source.bytes === encoded)
  if (received === undefined) return ownedSource(encoded, budget)
  received.retain()
  return received
}
