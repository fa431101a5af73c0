const NONE = -1

/**
 * The links of doubly linked lists through slots of an array: joining, leaving and moving take constant time and make no
 * object. Several lists may share links as long as a slot is in one of them at a time.
 */
export class SlotLinks {
  previous: Int32Array
  next: Int32Array

  constructor(capacity: number) {
    this.previous = new Int32Array(capacity).fill(NONE)
    this.next = new Int32Array(capacity).fill(NONE)
  }

  grow(capacity: number): void {
    const previous = new Int32Array(capacity).fill(NONE)
    previous.set(this.previous)
    this.previous = previous
    const next = new Int32Array(capacity).fill(NONE)
    next.set(this.next)
    this.next = next
  }
}

/** Slots in the order in which they joined; `first` is the oldest, −1 when empty. */
export class SlotList {
  first = NONE
  #last = NONE
  readonly #links: SlotLinks

  constructor(links: SlotLinks) {
    this.#links = links
  }

  append(slot: number): void {
    const { previous, next } = this.#links
    previous[slot] = this.#last
    next[slot] = NONE
    if (this.#last === NONE) this.first = slot
    else next[this.#last] = slot
    this.#last = slot
  }

  remove(slot: number): void {
    const { previous, next } = this.#links
    const before = previous[slot]!
    const after = next[slot]!
    if (before === NONE) this.first = after
    else next[before] = after
    if (after === NONE) this.#last = before
    else previous[after] = before
  }
}
