import { Column, ROW_WORDS, type SpanTable } from '../../../otlp/span-table.ts'

/** Words of a sample's ids: trace id (4), span id (2), parent id (2). */
export const ID_WORDS = 8
/** Below this share of the instances nothing is worth keeping. */
const SMALLEST_SHARE = 1 / 1024

/** Spans in columns, as they are handed to the judge. Times in ms since the epoch, good to a microsecond. */
export interface SampleColumns {
  readonly count: number
  readonly groups: Int32Array
  readonly startMs: Float64Array
  readonly endMs: Float64Array
  readonly ids: Uint32Array
}

/**
 * Samples of spans, at most `limit` between two summaries: all spans of some service instances. When it is full the kept
 * share of the instances is halved, along one nested choice for every shard; when there is room again it is doubled.
 */
export class InstanceSamples {
  readonly #limit: number
  share = 1
  #count = 0
  readonly #groups: Int32Array
  readonly #hashes: Uint32Array
  readonly #startMs: Float64Array
  readonly #endMs: Float64Array
  readonly #ids: Uint32Array

  constructor(limit: number) {
    this.#limit = limit
    this.#groups = new Int32Array(limit)
    this.#hashes = new Uint32Array(limit)
    this.#startMs = new Float64Array(limit)
    this.#endMs = new Float64Array(limit)
    this.#ids = new Uint32Array(limit * ID_WORDS)
  }

  /** `instanceHash` is the same on every shard. */
  add(group: number, instanceHash: number, table: SpanTable, row: number): void {
    if (!keepsInstance(instanceHash, this.share)) return
    while (this.#count === this.#limit) {
      if (this.share <= SMALLEST_SHARE) return
      this.share /= 2
      this.#thin()
      if (!keepsInstance(instanceHash, this.share)) return
    }
    const i = this.#count++
    this.#groups[i] = group
    this.#hashes[i] = instanceHash
    this.#startMs[i] = table.timeMs(row, Column.start)
    this.#endMs[i] = table.timeMs(row, Column.end)
    const at = row * ROW_WORDS
    for (let w = 0; w < ID_WORDS; w++) this.#ids[i * ID_WORDS + w] = table.words[at + w]!
  }

  /** What was kept since the last call, at the share that was reached by then. */
  take(): { readonly columns: SampleColumns; readonly share: number } {
    const count = this.#count
    const { share } = this
    this.#count = 0
    if (count < this.#limit / 4) this.share = Math.min(1, share * 2)
    return {
      columns: {
        count,
        groups: this.#groups.slice(0, count),
        startMs: this.#startMs.slice(0, count),
        endMs: this.#endMs.slice(0, count),
        ids: this.#ids.slice(0, count * ID_WORDS),
      },
      share,
    }
  }

  #thin(): void {
    let kept = 0
    for (let i = 0; i < this.#count; i++) {
      if (!keepsInstance(this.#hashes[i]!, this.share)) continue
      this.#groups[kept] = this.#groups[i]!
      this.#hashes[kept] = this.#hashes[i]!
      this.#startMs[kept] = this.#startMs[i]!
      this.#endMs[kept] = this.#endMs[i]!
      this.#ids.copyWithin(kept * ID_WORDS, i * ID_WORDS, (i + 1) * ID_WORDS)
      kept++
    }
    this.#count = kept
  }
}

/** Whether an instance is among the kept share; one that is kept at a share is kept at every larger one. */
export function keepsInstance(hash: number, share: number): boolean {
  return share === 1 || hash < share * 4294967296
}

/** A hash of an instance's name that is the same on every shard (FNV-1a, mixed). */
export function instanceHash(key: string): number {
  let h = 0x811c9dc5
  for (let i = 0; i < key.length; i++) h = Math.imul(h ^ key.charCodeAt(i), 0x01000193)
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d)
  return (h ^ (h >>> 13)) >>> 0
}
