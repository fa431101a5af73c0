const NONE = -1
const FIRST_PLACES = 1024
/** Places are counted on from slot to slot, and begin anew after this one; the ring has the lowest bits of them. */
const LAST_PLACE = 0x7fff_ffff

/** Where the place of a slot stands: in records of `stride` words, since the array is replaced when it grows. */
export interface QueuedRecords {
  readonly words: Int32Array
}

/**
 * Slots in the order in which they joined, in a ring; `first` is the oldest, −1 when empty. Each has its place in one word
 * of its record, and leaves a gap there. Unlike links, that touches the record of no other slot, which would be in no cache.
 */
export class SlotQueue {
  #ring = new Int32Array(FIRST_PLACES)
  #from = 0
  #until = 0
  readonly #records: QueuedRecords
  readonly #stride: number
  readonly #column: number

  constructor(records: QueuedRecords, stride: number, column: number) {
    this.#records = records
    this.#stride = stride
    this.#column = column
  }

  get byteLength(): number {
    return this.#ring.byteLength
  }

  get first(): number {
    const ring = this.#ring
    for (; this.#from !== this.#until; this.#from = (this.#from + 1) & LAST_PLACE) {
      const slot = ring[this.#from & (ring.length - 1)]!
      if (slot !== NONE) return slot
    }
    return NONE
  }

  /** The oldest ones, as many as there is room for; returns how many. */
  peek(slots: Int32Array): number {
    const ring = this.#ring
    let count = 0
    for (let place = this.#from; place !== this.#until && count < slots.length; place = (place + 1) & LAST_PLACE) {
      const slot = ring[place & (ring.length - 1)]!
      if (slot !== NONE) slots[count++] = slot
    }
    return count
  }

  has(slot: number): boolean {
    return this.#records.words[slot * this.#stride + this.#column] !== NONE
  }

  append(slot: number): void {
    if (((this.#until - this.#from) & LAST_PLACE) === this.#ring.length) this.#makeRoom()
    this.#ring[this.#until & (this.#ring.length - 1)] = slot
    this.#records.words[slot * this.#stride + this.#column] = this.#until
    this.#until = (this.#until + 1) & LAST_PLACE
  }

  /** A slot that is not in the queue stays out of it. */
  remove(slot: number): void {
    const { words } = this.#records
    const at = slot * this.#stride + this.#column
    const place = words[at]!
    if (place === NONE) return
    this.#ring[place & (this.#ring.length - 1)] = NONE
    words[at] = NONE
  }

  /** Closes the gaps, and doubles a ring of which more than half is taken. */
  #makeRoom(): void {
    const slots = new Int32Array(this.#ring.length)
    let count = 0
    for (let slot = this.first; slot !== NONE; slot = this.first) {
      slots[count++] = slot
      this.remove(slot)
    }
    if (count * 2 > slots.length) this.#ring = new Int32Array(slots.length * 2)
    this.#from = 0
    this.#until = 0
    for (let i = 0; i < count; i++) this.append(slots[i]!)
  }
}
