/** Buckets a doubling: each is 4.4 % wide. */
const RESOLUTION = 16
/** From 1 µs; shorter counts as that. */
const MIN_NANO = 1000
/** Up to 18 hours. */
const BUCKETS = 36 * RESOLUTION

/** A histogram of durations that merges exactly. */
export class LogHistogram {
  readonly counts: Uint32Array

  constructor(counts = new Uint32Array(BUCKETS)) {
    this.counts = counts
  }

  record(nano: number): void {
    const index = nano <= MIN_NANO ? 0 : Math.floor(Math.log2(nano / MIN_NANO) * RESOLUTION)
    this.counts[Math.min(index, BUCKETS - 1)]!++
  }

  merge(counts: Uint32Array): void {
    for (let i = 0; i < BUCKETS; i++) this.counts[i]! += counts[i]!
  }

  /** In seconds, to half a bucket; 0 where nothing was recorded. */
  quantileSeconds(q: number): number {
    let total = 0
    for (const count of this.counts) total += count
    let left = q * total
    for (let i = 0; i < BUCKETS; i++) {
      left -= this.counts[i]!
      if (left <= 0 && total > 0) return (MIN_NANO / 1e9) * 2 ** ((i + 0.5) / RESOLUTION)
    }
    return 0
  }
}
