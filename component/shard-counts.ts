import { widened } from '../otlp/widened.ts'

/**
 * Counts since the last summary by the small numbers of a shard, in a column: a large fleet has tens of thousands of
 * operations, and an object for each, made anew every second, costs more than the counting.
 */
export interface ShardCounts {
  /** Whose numbers these are; what a number stands for there never changes. */
  readonly shard: string
  /** By number, the name that all shards know it by. */
  readonly keys: readonly string[]
  /** By number; there may be keys without. */
  readonly counts: Uint32Array
}

/** Hands over what was counted, and begins anew. */
export function takeCounts(shard: string, keys: readonly string[], counts: Uint32Array): ShardCounts {
  const taken = counts.slice(0, Math.min(keys.length, counts.length))
  counts.fill(0, 0, taken.length)
  return { shard, keys, counts: taken }
}

export function noCounts(): ShardCounts {
  return { shard: '', keys: [], counts: new Uint32Array(0) }
}

/** Of a key whose place is not known. */
export const UNPLACED = -1
/** Of a key for which there was no room. */
const REFUSED = -2

/** For each shard: by its number of a key, the place that the key has elsewhere. */
export class ShardPlaces {
  readonly #places = new Map<string, Int32Array<ArrayBuffer>>()

  /** Of at least so many numbers, UNPLACED at first; the caller writes into it. */
  of(shard: string, numbers: number): Int32Array {
    let places = this.#places.get(shard) ?? new Int32Array(16).fill(UNPLACED)
    if (numbers > places.length) places = widened(places, numbers, UNPLACED)
    this.#places.set(shard, places)
    return places
  }
}

/**
 * The sums of what shards counted, by key. A key is looked up once for each shard; from then on its number leads to the
 * sum, without a look at the key. Bounded by `limit` keys.
 */
export class ShardTotals {
  /** Counts of keys beyond the limit, each time that they came. */
  overflowed = 0
  /** In the order in which they came. */
  readonly keys: string[] = []
  readonly #limit: number
  readonly #places = new Map<string, number>()
  #sums = new Float64Array(64)
  readonly #shards = new ShardPlaces()

  constructor(limit = Number.POSITIVE_INFINITY) {
    this.#limit = limit
  }

  add({ shard, keys, counts }: ShardCounts): void {
    const places = this.#shards.of(shard, counts.length)
    for (let number = 0; number < counts.length; number++) {
      const count = counts[number]!
      if (count === 0) continue
      if (places[number] === UNPLACED) places[number] = this.#placeOf(keys[number]!)
      if (places[number] === REFUSED) this.overflowed++
      else this.#sums[places[number]!]! += count
    }
  }

  has(key: string): boolean {
    return this.#places.has(key)
  }

  /** 0 where nothing was counted. */
  of(key: string): number {
    const place = this.#places.get(key)
    return place === undefined ? 0 : this.#sums[place]!
  }

  #placeOf(key: string): number {
    const known = this.#places.get(key)
    if (known !== undefined) return known
    if (this.keys.length >= this.#limit) return REFUSED
    const place = this.keys.push(key) - 1
    this.#places.set(key, place)
    if (place === this.#sums.length) this.#sums = widened(this.#sums, place + 1)
    return place
  }
}
