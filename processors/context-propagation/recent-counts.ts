/** Counts by key over the last minute, in slices of ten seconds. */
const SLICE_MS = 10_000
export const SLICES = 6

interface Slice {
  readonly index: number
  readonly sums: Map<string, Float64Array>
}

/** Sums of a few numbers by key over the last minute; what is older falls out slice by slice. `kept` slices are kept. Bounded by `limit` keys a slice. */
export class RecentCounts {
  readonly #width: number
  readonly #limit: number
  readonly #kept: number
  #slices: Slice[] = []

  constructor(width: number, limit: number, kept = SLICES) {
    this.#width = width
    this.#limit = limit
    this.#kept = kept
  }

  add(atMs: number, key: string, ...amounts: readonly number[]): void {
    const slice = this.#sliceOf(Math.floor(atMs / SLICE_MS))
    let sums = slice.sums.get(key)
    if (!sums) {
      if (slice.sums.size >= this.#limit) return
      sums = new Float64Array(this.#width)
      slice.sums.set(key, sums)
    }
    for (let i = 0; i < this.#width; i++) sums[i]! += amounts[i]!
  }

  expire(nowMs: number): void {
    const oldest = Math.floor(nowMs / SLICE_MS) - this.#kept
    while (this.#slices.length > 0 && this.#slices[0]!.index <= oldest) this.#slices.shift()
  }

  /** Of one key in the slices that were over at `untilMs`, oldest first. */
  seriesOf(key: string, untilMs: number): readonly Float64Array[] {
    return this.#slices.flatMap(({ index, sums }) => {
      const amounts = (index + 1) * SLICE_MS <= untilMs ? sums.get(key) : undefined
      return amounts ? [amounts] : []
    })
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

  /** What is counted for a while ago goes into the slice of that time. */
  #sliceOf(index: number): Slice {
    let at = this.#slices.length
    while (at > 0 && this.#slices[at - 1]!.index > index) at--
    const known = this.#slices[at - 1]
    if (known?.index === index) return known
    const slice = { index, sums: new Map() }
    this.#slices.splice(at, 0, slice)
    return slice
  }
}
