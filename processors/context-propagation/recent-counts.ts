import { type ShardCounts, ShardPlaces, UNPLACED } from '../../component/shard-counts.ts'
import { widened } from '../../otlp/widened.ts'

/** Counts by key over the last minute, in slices of ten seconds. */
const SLICE_MS = 10_000
export const SLICES = 6
const NEVER = -1
/** The first of the numbers that say, below UNPLACED, that there was no room. */
const REFUSED = UNPLACED - 1

/**
 * Sums of one or two numbers by key over the last minute; what is older falls out slice by slice. `kept` slices are kept, in
 * a ring with a place for the one that begins before the oldest has gone. Bounded by `limit` keys.
 *
 *     sums of a key:  [ first, second of a slice | … of the next | … ]      slice i stands at i modulo the length of the ring
 */
export class RecentCounts {
  readonly #limit: number
  readonly #kept: number
  /** By place in the ring the slice that stands there. */
  readonly #slices: Int32Array
  readonly #places = new Map<string, number>()
  /** By place, the key that has it. */
  readonly #keys: (string | undefined)[] = []
  readonly #free: number[] = []
  readonly #shards = new ShardPlaces()
  #sums: Float64Array<ArrayBuffer>
  /** By place of a key, the newest slice that it was counted in. */
  #lastIn = new Int32Array(16)
  #newest = NEVER
  /** What a key is told that is refused now; another number as soon as a key comes in. */
  #refused = REFUSED
  /** The newest slice that has fallen out. */
  #over = NEVER

  constructor(limit: number, kept = SLICES) {
    this.#limit = limit
    this.#kept = kept
    this.#slices = new Int32Array(kept + 1).fill(NEVER)
    this.#sums = new Float64Array(this.#lastIn.length * this.#keyWords)
  }

  /**
   * What is counted for a while ago goes into the slice of that time. Returns the place of the key: who counts it again
   * and says where it was spares the look-up.
   */
  add(atMs: number, key: string, first: number, second = 0, lastPlace = UNPLACED): number {
    const slice = Math.floor(atMs / SLICE_MS)
    if (!this.#isOpen(slice)) return lastPlace
    const place = this.#placeOf(key, lastPlace)
    if (place >= 0) this.#addAt(place, slice, first, second)
    return place
  }

  /** The same for all that a shard has counted, as the first of the two numbers. */
  addAll(atMs: number, { shard, keys, counts }: ShardCounts): void {
    const slice = Math.floor(atMs / SLICE_MS)
    if (!this.#isOpen(slice)) return
    const places = this.#shards.of(shard, counts.length)
    for (let number = 0; number < counts.length; number++) {
      if (counts[number] === 0) continue
      const place = this.#placeOf(keys[number]!, places[number]!)
      places[number] = place
      if (place >= 0) this.#addAt(place, slice, counts[number]!, 0)
    }
  }

  /** Negative where there is no room. Another key may have the place that it had. */
  #placeOf(key: string, lastPlace: number): number {
    if (lastPlace >= 0 && this.#keys[lastPlace] === key) return lastPlace
    // No key has come in since this one was refused.
    if (lastPlace === this.#refused && this.#places.size >= this.#limit) return lastPlace
    return this.#places.get(key) ?? this.#placeFor(key)
  }

  #addAt(place: number, slice: number, first: number, second: number): void {
    const inRing = slice % this.#slices.length
    const at = place * this.#keyWords + inRing * 2
    this.#sums[at]! += first
    this.#sums[at + 1]! += second
    if (this.#lastIn[place]! < slice) this.#lastIn[place] = slice
  }

  expire(nowMs: number): void {
    const over = Math.floor(nowMs / SLICE_MS) - this.#kept
    if (over === this.#over) return
    this.#over = over
    for (let inRing = 0; inRing < this.#slices.length; inRing++)
      if (this.#slices[inRing] !== NEVER && this.#slices[inRing]! <= over) this.#clear(inRing)
    for (const [key, place] of this.#places) {
      if (this.#lastIn[place]! > over) continue
      this.#places.delete(key)
      this.#keys[place] = undefined
      this.#free.push(place)
    }
  }

  /** Both sums of one key in the slices that were over at `untilMs`, oldest first. */
  seriesOf(key: string, untilMs: number): readonly Float64Array[] {
    const series: Float64Array[] = []
    const place = this.#places.get(key)
    if (place === undefined) return series
    for (let slice = Math.max(0, this.#newest - this.#kept); slice <= this.#newest; slice++) {
      const inRing = slice % this.#slices.length
      if (this.#slices[inRing] !== slice || (slice + 1) * SLICE_MS > untilMs) continue
      const at = place * this.#keyWords + inRing * 2
      series.push(this.#sums.subarray(at, at + 2))
    }
    return series
  }

  /** The sums over all slices of each key. */
  forEach(visit: (key: string, first: number, second: number) => void): void {
    for (const [key, place] of this.#places) visit(key, this.#total(place, 0), this.#total(place, 1))
  }

  /** The sum over all slices of the first number of a key. */
  firstOf(key: string): number {
    const place = this.#places.get(key)
    return place === undefined ? 0 : this.#total(place, 0)
  }

  /** The sum of all first or of all second numbers. */
  total(which: 0 | 1): number {
    let total = 0
    for (let at = which; at < this.#sums.length; at += 2) total += this.#sums[at]!
    return total
  }

  get #keyWords(): number {
    return (this.#kept + 1) * 2
  }

  #total(place: number, which: 0 | 1): number {
    let total = 0
    const from = place * this.#keyWords
    for (let at = from + which; at < from + this.#keyWords; at += 2) total += this.#sums[at]!
    return total
  }

  /** Whether a slice can be counted in; begins it in the place of one that is long over. */
  #isOpen(slice: number): boolean {
    const inRing = slice % this.#slices.length
    return this.#slices[inRing] === slice || this.#open(slice, inRing)
  }

  #open(slice: number, inRing: number): boolean {
    if (slice <= this.#over || this.#slices[inRing]! > slice) return false
    if (this.#slices[inRing] !== NEVER) this.#clear(inRing)
    this.#slices[inRing] = slice
    this.#newest = Math.max(this.#newest, slice)
    return true
  }

  #clear(inRing: number): void {
    const sums = this.#sums
    for (let at = inRing * 2; at < sums.length; at += this.#keyWords) {
      sums[at] = 0
      sums[at + 1] = 0
    }
    this.#slices[inRing] = NEVER
  }

  #placeFor(key: string): number {
    if (this.#places.size >= this.#limit) return this.#refused
    this.#refused--
    const place = this.#free.pop() ?? this.#places.size
    if (place === this.#lastIn.length) {
      this.#lastIn = widened(this.#lastIn, place + 1)
      this.#sums = widened(this.#sums, this.#lastIn.length * this.#keyWords)
    }
    this.#lastIn[place] = NEVER
    this.#places.set(key, place)
    this.#keys[place] = key
    return place
  }
}
