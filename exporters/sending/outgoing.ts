import type { Batch } from '../../component/batch.ts'
import type { ByteBudget } from '../../component/budget.ts'
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
  /** The received request that the bytes belong to; null when they were made here. */
  #source: Source | null
  /** What is charged for bytes that were made here: the memory that they lie in. */
  #madeBytes = 0
  /** Whether the bytes lie in memory of the budget that is only theirs. */
  #isReusable = true
  #mayBeReadLater = false
  #prepared = false
  #released = false

  constructor(batch: Batch, budget: ByteBudget) {
    this.signal = batch.signal
    this.items = batch.itemCount
    this.#budget = budget
    this.#bytes = batch.encode(budget.memory)
    this.#source = sourceOf(batch, this.#bytes)
    this.#hold()
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
    this.#isReusable = false
    this.#hold()
  }

  /** A sender that failed, or was not waited for, may still be reading the bytes when they are released. */
  mayBeReadLater(): void {
    this.#mayBeReadLater = true
    this.#source?.mayBeReadLater()
  }

  release(): void {
    if (this.#released) return
    this.#released = true
    this.#letGo()
  }

  #hold(): void {
    if (this.#source !== null) {
      this.#source.retain()
      return
    }
    this.#madeBytes = this.#isReusable ? this.#bytes.buffer.byteLength : this.#bytes.byteLength
    this.#budget.take(this.#madeBytes)
  }

  #letGo(): void {
    if (this.#source !== null) {
      this.#source.release()
      return
    }
    this.#budget.release(this.#madeBytes)
    if (this.#isReusable && !this.#mayBeReadLater) this.#budget.memory.give(this.#bytes.buffer)
  }
}

function sourceOf(batch: Batch, encoded: Uint8Array): Source | null {
  const sources = batch.signal === 'traces' ? batch.table.sources : [batch.source]
  return sources.find((source) => source.bytes === encoded) ?? null
}
