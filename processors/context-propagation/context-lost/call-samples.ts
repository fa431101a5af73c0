import { hexOf } from '../../../otlp/hex.ts'
import { Column, ROW_WORDS, type SpanTable } from '../../../otlp/span-table.ts'

/** Spans are sampled by the second they start in, so that both sides of a call are kept or left out together. */
const SLICE_MS = 5000

/** A span kept to be matched with the other side of its call. Times in ms since the epoch, good to a microsecond. */
export interface CallSample {
  readonly group: number
  readonly startMs: number
  readonly endMs: number
  readonly traceId: string
  readonly spanId: string
}

/**
 * Columns of sampled spans, at most `limit` between two summaries. When it is full the kept share of time slices is
 * halved, which every shard does along the same nested choice of slices.
 */
export class CallSamples {
  readonly #limit: number
  /** Share of time slices that are kept: 1, 1/2, 1/4 … */
  share = 1
  #count = 0
  readonly #groups: Int32Array
  readonly #times: Float64Array
  readonly #ids: Uint32Array

  constructor(limit: number) {
    this.#limit = limit
    this.#groups = new Int32Array(limit)
    this.#times = new Float64Array(limit * 2)
    this.#ids = new Uint32Array(limit * 6)
  }

  add(group: number, table: SpanTable, row: number): void {
    const startMs = table.timeMs(row, Column.start)
    if (!keeps(startMs, this.share)) return
    while (this.#count === this.#limit) {
      this.share /= 2
      this.#thin()
      if (!keeps(startMs, this.share)) return
      if (this.share < 1e-4) return
    }
    const i = this.#count++
    this.#groups[i] = group
    this.#times[i * 2] = startMs
    this.#times[i * 2 + 1] = table.timeMs(row, Column.end)
    const at = row * ROW_WORDS
    for (let w = 0; w < 6; w++) this.#ids[i * 6 + w] = table.words[at + w]!
  }

  take(): CallSample[] {
    const samples: CallSample[] = []
    for (let i = 0; i < this.#count; i++) {
      samples.push({
        group: this.#groups[i]!,
        startMs: this.#times[i * 2]!,
        endMs: this.#times[i * 2 + 1]!,
        traceId: hexOf(this.#ids, i * 6, 4),
        spanId: hexOf(this.#ids, i * 6 + 4, 2),
      })
    }
    this.#count = 0
    return samples
  }

  #thin(): void {
    let kept = 0
    for (let i = 0; i < this.#count; i++) {
      if (!keeps(this.#times[i * 2]!, this.share)) continue
      this.#groups[kept] = this.#groups[i]!
      this.#times[kept * 2] = this.#times[i * 2]!
      this.#times[kept * 2 + 1] = this.#times[i * 2 + 1]!
      this.#ids.copyWithin(kept * 6, i * 6, i * 6 + 6)
      kept++
    }
    this.#count = kept
  }
}

/** Whether the time slice of `startMs` is among the kept share; a slice kept at a share is kept at every larger one. */
export function keeps(startMs: number, share: number): boolean {
  if (share === 1) return true
  const slice = Math.floor(startMs / SLICE_MS)
  const hash = Math.imul(slice ^ (slice >>> 16), 0x9e3779b1) >>> 0
  return hash < share * 4294967296
}
