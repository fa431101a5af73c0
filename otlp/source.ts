let nextId = 1

/**
 * One received request: its bytes, its identity, and how many still need it. Born with one reference, which belongs to
 * whoever created it. When the last reference is released, `onReleased` gives the bytes back to the budget, and may let
 * another request have their memory: nobody may read them then.
 */
export class Source {
  /** Unique within this process. */
  readonly id: number
  readonly bytes: Uint8Array
  /** The same bytes, to be read several at a time. */
  readonly view: DataView
  readonly #onReleased: ((isUnused: boolean) => void) | null
  #isUnused = true
  #references = 1

  constructor(bytes: Uint8Array, onReleased: ((isUnused: boolean) => void) | null = null) {
    this.id = nextId++
    this.bytes = bytes
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    this.#onReleased = onReleased
  }

  get references(): number {
    return this.#references
  }

  retain(): void {
    if (this.#references === 0) throw new Error(`request ${this.id} was retained after its release`)
    this.#references++
  }

  release(): void {
    if (this.#references === 0) throw new Error(`request ${this.id} was released twice`)
    this.#references--
    if (this.#references === 0) this.#onReleased?.(this.#isUnused)
  }

  /** Somebody who holds no reference may go on reading, such as a socket that a call was given up on. */
  mayBeReadLater(): void {
    this.#isUnused = false
  }
}
