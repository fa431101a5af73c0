/** Counts by key over the last minute, in slices of ten seconds. */
const SLICE_MS = 10_000
const SLICES = 6

/** Sums of a few numbers by key over the last minute; what is older falls out slice by slice. Bounded by `limit` keys a slice. */
export class RecentCounts {
  readonly #width: number
  readonly #limit: number
  #slices: { readonly index: number; readonly sums: Map<string, Float64Array> }[] = []

  constructor(width: number, limit: number) {
    this.#width = width
    this.#limit = limit
  }

  add(nowMs: number, key: string, ...amounts: readonly number[]): void {
    const index = Math.floor(nowMs / SLICE_MS)
    let slice = this.#slices.at(-1)
    if (slice?.index !== index) {
      slice = { index, sums: new Map() }
      this.#slices.push(slice)
    }
    let sums = slice.sums.get(key)
    if (!sums) {
      if (slice.sums.size >= this.#limit) return
      sums = new Float64Array(this.#width)
      slice.sums.set(key, sums)
    }
    for (let i = 0; i < this.#width; i++) sums[i]! += amounts[i]!
  }

  expire(nowMs: number): void {
    const oldest = Math.floor(nowMs / SLICE_MS) - SLICES
    while (this.#slices.length > 0 && this.#slices[0]!.index <= oldest) this.#slices.shift()
  }

  /** Of one key; null where there is nothing. */
  totalOf(key: string): Float64Array | null {
    let total: Float64Array | null = null
    for (const { sums } of this.#slices) {
      const amounts = sums.get(key)
      if (!amounts) continue
      total ??= new Float64Array(this.#width)
      for (let i = 0; i < this.#width; i++) total[i]! += amounts[i]!
    }
    return total
  }

  totals(): ReadonlyMap<string, Float64Array> {
    const totals = new Map<string, Float64Array>()
    for (const { sums } of this.#slices)
      for (const [key, amounts] of sums) {
        const total = totals.get(key)
        if (!total) totals.set(key, amounts.slice())
        else for (let i = 0; i < this.#width; i++) total[i]! += amounts[i]!
      }
    return totals
  }
}
