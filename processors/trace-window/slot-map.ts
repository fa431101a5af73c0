import { widened } from '../../otlp/widened.ts'

/**
 * Objects that many rows refer to, by small numbers: a slot is free again when the last row has let go of it. The slot
 * of an object is looked up once a request, the counting is once a row.
 */
export class SlotMap<T extends object> {
  readonly values: (T | null)[] = []
  counts = new Uint32Array(16)
  readonly #slots = new Map<T, number>()
  readonly #free: number[] = []

  /** Slots in use. */
  get size(): number {
    return this.#slots.size
  }

  /** The slot of an object, or −1. */
  find(value: T): number {
    return this.#slots.get(value) ?? -1
  }

  /** The slot of an object, a new one with count 0 if it had none. The caller adds at least one reference. */
  slotOf(value: T): number {
    const known = this.#slots.get(value)
    if (known !== undefined) return known
    const slot = this.#free.pop() ?? this.values.length
    if (slot === this.values.length) this.values.push(value)
    else this.values[slot] = value
    if (slot >= this.counts.length) {
      this.counts = widened(this.counts, this.counts.length + 1)
    }
    this.counts[slot] = 0
    this.#slots.set(value, slot)
    return slot
  }

  add(slot: number): void {
    this.counts[slot]!++
  }

  /** Lets one reference go; true when it was the last and the slot is free. */
  remove(slot: number): boolean {
    if (--this.counts[slot]! > 0) return false
    this.#vacate(slot)
    return true
  }

  /** Frees a slot that was opened and got no reference; true when it did. */
  removeIfUnused(slot: number): boolean {
    if (this.counts[slot]! > 0) return false
    this.#vacate(slot)
    return true
  }

  #vacate(slot: number): void {
    this.#slots.delete(this.values[slot]!)
    this.values[slot] = null
    this.#free.push(slot)
  }
}
