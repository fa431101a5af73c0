import type { Evidence } from '../../../component/finding.ts'

/** Samples kept of each second of a pair: those with the least delay, whose offset is the most certain. */
export const KEPT = 16
/** Bounds kept on each side. More than one, because a callee that is not waited for makes bounds that do not hold. */
const BOUNDS = 4
/** Time (s since the epoch), offset (ns) and delay (ns) of a sample. */
export const SAMPLE_WORDS = 3

/** A bucket as it is handed from shard to judge. */
export interface BucketData {
  readonly second: number
  readonly count: number
  readonly kept: number
  readonly samples: Float64Array
  readonly lower: readonly number[]
  readonly upper: readonly number[]
  readonly example: Evidence | null
}

/**
 * What calls between two clocks, first and second, say within one second about the offset (second minus first):
 *
 *     caller  ps ├──────────────────────┤ pe        u = cs − ps   the offset is at most u: a call begins before it is
 *     callee       cs ├────────────┤ ce             l = ce − pe   served, and ends after; so it is at least l
 *
 * Offset (u + l) / 2 with a delay of u − l on the way there and back, as NTP has it. Whether a delay is long has nothing
 * to do with the offset, so the samples with the least delay are kept: they waited in no queue. Which ones these are
 * depends on the samples only, not on their order, so buckets merge exactly.
 */
export class SampleBucket implements BucketData {
  readonly second: number
  count = 0
  kept = 0
  /** Three words a sample, by delay. */
  samples = new Float64Array(2 * SAMPLE_WORDS)
  /** The greatest lower bounds, greatest first, and the least upper bounds, least first. */
  readonly lower: number[] = []
  readonly upper: number[] = []
  /** The call with the least delay. */
  example: Evidence | null = null

  constructor(second: number) {
    this.second = second
  }

  /** Whether the sample became the one with the least delay. */
  add(timeS: number, lowerNano: number, upperNano: number): boolean {
    this.count++
    insertBound(this.lower, lowerNano, 1)
    insertBound(this.upper, upperNano, -1)
    return this.#insert(timeS, (lowerNano + upperNano) / 2, upperNano - lowerNano)
  }

  hasSample(fromS: number, untilS: number): boolean {
    for (let at = 0; at < this.kept * SAMPLE_WORDS; at += SAMPLE_WORDS)
      if (this.samples[at]! >= fromS && this.samples[at]! < untilS) return true
    return false
  }

  /** Takes in what another shard saw in the same second. */
  merge(other: BucketData): void {
    this.count += other.count
    for (const bound of other.lower) insertBound(this.lower, bound, 1)
    for (const bound of other.upper) insertBound(this.upper, bound, -1)
    for (let i = 0; i < other.kept; i++) {
      const at = i * SAMPLE_WORDS
      const isLeast = this.#insert(other.samples[at]!, other.samples[at + 1]!, other.samples[at + 2]!)
      if (isLeast && i === 0) this.example = other.example
    }
  }

  #insert(timeS: number, offsetNano: number, delayNano: number): boolean {
    let i = this.kept
    while (i > 0 && comesBefore(timeS, offsetNano, delayNano, this.samples, (i - 1) * SAMPLE_WORDS)) i--
    if (i === KEPT) return false
    if (this.kept * SAMPLE_WORDS === this.samples.length && this.kept < KEPT) this.#grow()
    const { samples } = this
    const at = i * SAMPLE_WORDS
    samples.copyWithin(at + SAMPLE_WORDS, at, Math.min(this.kept, KEPT - 1) * SAMPLE_WORDS)
    samples[at] = timeS
    samples[at + 1] = offsetNano
    samples[at + 2] = delayNano
    if (this.kept < KEPT) this.kept++
    return i === 0
  }

  /** Most pairs have a call or two a second. */
  #grow(): void {
    const grown = new Float64Array(this.samples.length * 2)
    grown.set(this.samples)
    this.samples = grown
  }
}

/** By delay; ties by time and offset, so that the order of arrival does not matter. */
function comesBefore(timeS: number, offsetNano: number, delayNano: number, other: Float64Array, at: number): boolean {
  if (delayNano !== other[at + 2]!) return delayNano < other[at + 2]!
  if (timeS !== other[at]!) return timeS < other[at]!
  return offsetNano < other[at + 1]!
}

function insertBound(bounds: number[], value: number, sign: 1 | -1): void {
  if (bounds.length === BOUNDS && (value - bounds[BOUNDS - 1]!) * sign <= 0) return
  if (bounds.length < BOUNDS) bounds.push(value)
  let i = bounds.length - 1
  for (; i > 0 && (value - bounds[i - 1]!) * sign > 0; i--) bounds[i] = bounds[i - 1]!
  bounds[i] = value
}
