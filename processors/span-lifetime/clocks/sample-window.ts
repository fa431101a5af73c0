import { SAMPLE_WORDS, type SampleBucket } from './sample-bucket.ts'

/** Samples of some seconds of a pair of clock domains, as one list. */
export class SampleWindow {
  /** Calls that were seen, of which the least delayed of each second are the samples. */
  calls = 0
  readonly #times: number[] = []
  readonly #offsets: number[] = []
  readonly #delays: number[] = []
  readonly lower: number[] = []
  readonly upper: number[] = []

  get size(): number {
    return this.#times.length
  }

  /** `sign` is −1 where the bucket's pair is turned around. Samples outside of the two times are left out. */
  add(bucket: SampleBucket, sign: 1 | -1, fromS: number, untilS: number): void {
    let taken = 0
    for (let i = 0; i < bucket.kept; i++) {
      const at = i * SAMPLE_WORDS
      const timeS = bucket.samples[at]!
      if (timeS < fromS || timeS >= untilS) continue
      this.#times.push(timeS)
      this.#offsets.push(bucket.samples[at + 1]! * sign)
      this.#delays.push(bucket.samples[at + 2]!)
      taken++
    }
    this.calls += bucket.kept === 0 ? 0 : Math.round((bucket.count * taken) / bucket.kept)
    // A second that is cut by a step has bounds of both sides.
    if (taken < bucket.kept) return
    for (const bound of bucket.lower) (sign === 1 ? this.lower : this.upper).push(bound * sign)
    for (const bound of bucket.upper) (sign === 1 ? this.upper : this.lower).push(bound * sign)
  }

  /** The `count` samples of least delay (all, if there are fewer), in order of time. */
  leastDelayed(count: number): { times: Float64Array; offsets: Float64Array; delays: Float64Array } {
    const rows = [...this.#times.keys()]
    const delays = this.#delays
    const times = this.#times
    rows.sort((a, b) => delays[a]! - delays[b]! || times[a]! - times[b]! || this.#offsets[a]! - this.#offsets[b]!)
    const chosen = rows.slice(0, count).sort((a, b) => times[a]! - times[b]! || this.#offsets[a]! - this.#offsets[b]!)
    return {
      times: Float64Array.from(chosen, (row) => times[row]!),
      offsets: Float64Array.from(chosen, (row) => this.#offsets[row]!),
      delays: Float64Array.from(chosen, (row) => delays[row]!),
    }
  }
}
