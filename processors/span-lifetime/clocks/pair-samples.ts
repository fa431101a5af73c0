import { type BucketData, SampleBucket } from './sample-bucket.ts'

/** Seconds of samples that are remembered of a pair: as long as late spans may come, and what is needed around them. */
export const HISTORY_S = 90

const NOTHING: readonly BucketData[] = []

/** What calls between two clock sources say of the offset of the second to the first, second by second. */
export class PairSamples {
  readonly first: string
  readonly second: string
  readonly #buckets = new Map<number, SampleBucket>()
  /** No bucket is of an earlier second. */
  #earliestSecond = Number.POSITIVE_INFINITY
  latestSecond = 0
  /** Calls of all seconds that are remembered. */
  calls = 0

  constructor(first: string, second: string) {
    this.first = first
    this.second = second
  }

  get isEmpty(): boolean {
    return this.#buckets.size === 0
  }

  get buckets(): Iterable<SampleBucket> {
    return this.#buckets.values()
  }

  bucket(second: number): SampleBucket {
    let bucket = this.#buckets.get(second)
    if (!bucket) {
      bucket = new SampleBucket(second)
      this.#buckets.set(second, bucket)
      if (second > this.latestSecond) this.latestSecond = second
      if (second < this.#earliestSecond) this.#earliestSecond = second
    }
    return bucket
  }

  /** Hands over all samples, and begins anew. */
  take(): readonly BucketData[] {
    if (this.#buckets.size === 0) return NOTHING
    const buckets = [...this.#buckets.values()]
    this.#buckets.clear()
    this.#earliestSecond = Number.POSITIVE_INFINITY
    return buckets
  }

  merge(buckets: readonly BucketData[]): void {
    for (const bucket of buckets) {
      this.bucket(bucket.second).merge(bucket)
      this.calls += bucket.count
    }
  }

  /** Forgets what is older than the history. */
  prune(nowS: number): void {
    const from = nowS - HISTORY_S
    if (this.#earliestSecond >= from) return
    this.#earliestSecond = Number.POSITIVE_INFINITY
    for (const { second, count } of this.#buckets.values())
      if (second < from) {
        this.#buckets.delete(second)
        this.calls -= count
      } else if (second < this.#earliestSecond) this.#earliestSecond = second
  }

  /** What is known of a second. */
  at(second: number): SampleBucket | undefined {
    return this.#buckets.get(second)
  }
}
