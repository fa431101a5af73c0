/**
 * Where the head of a ResourceSpans or ScopeSpans stands: its fields other than the children, which may come before,
 * between and behind them. Reused from message to message.
 */
export class HeadRanges {
  readonly #request: Uint8Array
  /** Start and end of each stretch, in order; `#count` numbers are good. Emptying an array frees its memory. */
  readonly #ranges: number[] = [0, 0]
  #count = 0
  #length = 0
  /** Where `start` and `end` point into: the request, or a copy if the head is in pieces. */
  bytes: Uint8Array
  start = 0
  end = 0

  constructor(request: Uint8Array) {
    this.#request = request
    this.bytes = request
  }

  clear(): void {
    this.#count = 0
    this.#length = 0
  }

  add(start: number, end: number): void {
    const ranges = this.#ranges
    if (this.#count > 0 && ranges[this.#count - 1] === start) ranges[this.#count - 1] = end
    else {
      ranges[this.#count++] = start
      ranges[this.#count++] = end
    }
    this.#length += end - start
  }

  /** Sets `bytes`, `start` and `end`; a head in one piece is not copied. */
  join(): void {
    const ranges = this.#ranges
    if (this.#count <= 2) {
      this.bytes = this.#request
      this.start = this.#count === 0 ? 0 : ranges[0]!
      this.end = this.#count === 0 ? 0 : ranges[1]!
      return
    }
    const joined = new Uint8Array(this.#length)
    let at = 0
    for (let i = 0; i < this.#count; i += 2) {
      joined.set(this.#request.subarray(ranges[i]!, ranges[i + 1]!), at)
      at += ranges[i + 1]! - ranges[i]!
    }
    this.bytes = joined
    this.start = 0
    this.end = joined.length
  }

  /** The place in the request of an offset into the joined head. */
  offsetInRequest(offset: number): number {
    if (this.bytes === this.#request) return offset
    let left = offset
    for (let i = 0; i < this.#count; i += 2) {
      const length = this.#ranges[i + 1]! - this.#ranges[i]!
      if (left < length || i + 2 === this.#count) return this.#ranges[i]! + left
      left -= length
    }
    return offset
  }
}
