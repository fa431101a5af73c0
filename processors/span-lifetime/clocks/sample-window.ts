import { widened } from '../../../otlp/widened.ts'
import { select } from './robust.ts'
import { SAMPLE_WORDS, type SampleBucket } from './sample-bucket.ts'

/** Samples in order of time: time (s), offset and delay (ns); views, good until the window is asked or filled again. */
export interface Samples {
  readonly times: Float64Array
  readonly offsets: Float64Array
  readonly delays: Float64Array
}

/** Samples of some seconds of a pair of clock domains, as one list. Made once and filled again and again. */
export class SampleWindow {
  size = 0
  /** Calls that were seen, of which the least delayed of each second are the samples. */
  calls = 0
  #times = new Float64Array(256)
  #offsets = new Float64Array(256)
  #delays = new Float64Array(256)
  /** What was chosen: rows, and what they hold. */
  #rows = new Uint32Array(256)
  #chosen = { times: new Float64Array(256), offsets: new Float64Array(256), delays: new Float64Array(256) }
  /** Bounds of the seconds that lie in the window as a whole. */
  #lower = new Float64Array(256)
  #upper = new Float64Array(256)
  #lowerCount = 0
  #upperCount = 0
  #second = Number.NaN
  #firstOfSecond = 0
  /** Samples of the fullest second: seconds come in order, so no sample is further from its place in time. */
  #disorder = 1

  /** Bounds below and above the offset; views, good until the window is filled again. */
  get lower(): Float64Array {
    return this.#lower.subarray(0, this.#lowerCount)
  }

  get upper(): Float64Array {
    return this.#upper.subarray(0, this.#upperCount)
  }

  /** Begins anew. */
  clear(): void {
    this.size = 0
    this.calls = 0
    this.#lowerCount = 0
    this.#upperCount = 0
    this.#second = Number.NaN
    this.#disorder = 1
  }

  /**
   * `sign` is −1 where the bucket's pair is turned around. Samples outside of the two times are left out. Buckets come
   * second by second.
   */
  add(bucket: SampleBucket, sign: 1 | -1, fromS: number, untilS: number): void {
    if (this.size + bucket.kept > this.#times.length) this.#grow(this.size + bucket.kept)
    if (bucket.second !== this.#second) {
      this.#second = bucket.second
      this.#firstOfSecond = this.size
    }
    const { samples, kept } = bucket
    const before = this.size
    for (let at = 0; at < kept * SAMPLE_WORDS; at += SAMPLE_WORDS) {
      const timeS = samples[at]!
      if (timeS < fromS || timeS >= untilS) continue
      this.#times[this.size] = timeS
      this.#offsets[this.size] = samples[at + 1]! * sign
      this.#delays[this.size++] = samples[at + 2]!
    }
    this.#disorder = Math.max(this.#disorder, this.size - this.#firstOfSecond)
    const taken = this.size - before
    this.calls += kept === 0 ? 0 : Math.round((bucket.count * taken) / kept)
    // A second that is cut by a step has bounds of both sides.
    if (taken < kept) return
    const [lower, upper] = sign === 1 ? [bucket.lower, bucket.upper] : [bucket.upper, bucket.lower]
    if (this.#lowerCount + lower.length > this.#lower.length)
      this.#lower = widened(this.#lower, this.#lowerCount + lower.length)
    if (this.#upperCount + upper.length > this.#upper.length)
      this.#upper = widened(this.#upper, this.#upperCount + upper.length)
    for (let i = 0; i < lower.length; i++) this.#lower[this.#lowerCount++] = lower[i]! * sign
    for (let i = 0; i < upper.length; i++) this.#upper[this.#upperCount++] = upper[i]! * sign
  }

  /** The `count` samples of least delay (all, if there are fewer), in order of time. */
  leastDelayed(count: number): Samples {
    const length = Math.min(count, this.size)
    this.#chooseLeastDelayed(length)
    const { times, offsets, delays } = this.#chosen
    for (let i = 0; i < length; i++) {
      const row = this.#rows[i]!
      times[i] = this.#times[row]!
      offsets[i] = this.#offsets[row]!
      delays[i] = this.#delays[row]!
    }
    return {
      times: times.subarray(0, length),
      offsets: offsets.subarray(0, length),
      delays: delays.subarray(0, length),
    }
  }

  #chooseLeastDelayed(count: number): void {
    if (count === 0) return
    const rows = this.#rows
    const delays = this.#delays
    const greatest = count === this.size ? Number.POSITIVE_INFINITY : this.#delayByRank(count - 1)
    const atGreatest: number[] = []
    let chosen = 0
    for (let row = 0; row < this.size; row++) {
      if (delays[row]! < greatest) rows[chosen++] = row
      else if (delays[row] === greatest) atGreatest.push(row)
    }
    // Of those that were delayed as long as the last one there may be too many: the earliest are taken.
    if (chosen + atGreatest.length > count) atGreatest.sort((a, b) => (this.#isBefore(a, b) ? -1 : 1))
    for (let i = 0; chosen < count; i++) rows[chosen++] = atGreatest[i]!
    this.#sortByTime(count)
  }

  #delayByRank(rank: number): number {
    const moved = this.#chosen.delays
    for (let row = 0; row < this.size; row++) moved[row] = this.#delays[row]!
    return select(moved, rank, this.size)
  }

  /** Shell's sort, which begins with what is as far apart as two samples that must change places can be. */
  #sortByTime(count: number): void {
    const rows = this.#rows
    for (let gap = this.#disorder; gap > 0; gap >>= 1)
      for (let i = gap; i < count; i++) {
        const row = rows[i]!
        let k = i
        for (; k >= gap && this.#isBefore(row, rows[k - gap]!); k -= gap) rows[k] = rows[k - gap]!
        rows[k] = row
      }
  }

  /** By time; ties by offset and delay, so that the order of the samples does not matter. */
  #isBefore(a: number, b: number): boolean {
    if (this.#times[a] !== this.#times[b]) return this.#times[a]! < this.#times[b]!
    if (this.#offsets[a] !== this.#offsets[b]) return this.#offsets[a]! < this.#offsets[b]!
    return this.#delays[a]! < this.#delays[b]!
  }

  #grow(samples: number): void {
    this.#times = widened(this.#times, samples)
    this.#offsets = widened(this.#offsets, samples)
    this.#delays = widened(this.#delays, samples)
    const { length } = this.#times
    this.#rows = new Uint32Array(length)
    this.#chosen = {
      times: new Float64Array(length),
      offsets: new Float64Array(length),
      delays: new Float64Array(length),
    }
  }
}
