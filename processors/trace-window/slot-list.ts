const NONE = -1

/** Where the links of a list stand: in records of `stride` words, since the array is replaced when it grows. */
export interface LinkedRecords {
  readonly words: Int32Array
}

/**
 * Slots in the order in which they joined, linked through two words of their records; `first` is the oldest, −1 when
 * empty. Joining, leaving and moving take constant time and make no object.
 */
export class SlotList {
  first = NONE
  #last = NONE
  readonly #records: LinkedRecords
  readonly #stride: number
  readonly #previous: number
  readonly #next: number

  /** `linkColumn` is the record's word with the slot before; the one after it has the slot behind. */
  constructor(records: LinkedRecords, stride: number, linkColumn: number) {
    this.#records = records
    this.#stride = stride
    this.#previous = linkColumn
    this.#next = linkColumn + 1
  }

  after(slot: number): number {
    return this.#records.words[slot * this.#stride + this.#next]!
  }

  append(slot: number): void {
    const { words } = this.#records
    const at = slot * this.#stride
    words[at + this.#previous] = this.#last
    words[at + this.#next] = NONE
    if (this.#last === NONE) this.first = slot
    else words[this.#last * this.#stride + this.#next] = slot
    this.#last = slot
  }

  remove(slot: number): void {
    const { words } = this.#records
    const at = slot * this.#stride
    const before = words[at + this.#previous]!
    const after = words[at + this.#next]!
    if (before === NONE) this.first = after
    else words[before * this.#stride + this.#next] = after
    if (after === NONE) this.#last = before
    else words[after * this.#stride + this.#previous] = before
  }
}
