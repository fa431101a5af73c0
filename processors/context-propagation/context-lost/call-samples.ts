import { packedId } from '../../../otlp/hex.ts'
import { Column, ROW_WORDS, type SpanTable } from '../../../otlp/span-table.ts'

/**
 * Spans are sampled by the time they start at, so that both sides of a call are kept or left out together: of each period
 * one stretch is kept, as long as the share says. Its place changes from period to period, lest it beats with what happens
 * at whole seconds.
 */
const PERIOD_MS = 5000
/** A stretch of 5 ms: shorter ones would hold one side of most calls. */
const LEAST_SHARE = 1 / 1024
/** Samples come in bursts, once a period: so often in turn there must be few before more are kept. */
const CALM_TAKES = 10
const CALM_LOAD = 1 / 3

/**
 * A span kept to be matched with the other side of its call. Times in ms since the epoch, good to a microsecond; ids as
 * `packedId` makes them.
 */
export interface CallSample {
  /** Of its exit or entry. */
  readonly key: string
  readonly startMs: number
  readonly endMs: number
  readonly traceId: string
  readonly spanId: string
  /** Of all that starts, the share that was kept when it was. */
  readonly share: number
}

/**
 * Columns of sampled spans, at most `limit` between two summaries. When it is full the kept share of time is halved, and
 * doubled when few have come for a while; all shards keep the same time, as far as each keeps it.
 */
export class CallSamples {
  readonly #limit: number
  /** Share of time that is kept: 1, 1/2, 1/4 … */
  share = 1
  #count = 0
  #calmTakes = 0
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
      if (this.share <= LEAST_SHARE) return
      this.share /= 2
      this.#thin()
      if (!keeps(startMs, this.share)) return
    }
    const i = this.#count++
    this.#groups[i] = group
    this.#times[i * 2] = startMs
    this.#times[i * 2 + 1] = table.timeMs(row, Column.end)
    const at = row * ROW_WORDS
    for (let w = 0; w < 6; w++) this.#ids[i * 6 + w] = table.words[at + w]!
  }

  /** What was kept since the last call; `keyOf` names the groups. */
  take(keyOf: (group: number) => string): CallSample[] {
    const samples: CallSample[] = []
    for (let i = 0; i < this.#count; i++) {
      samples.push({
        key: keyOf(this.#groups[i]!),
        startMs: this.#times[i * 2]!,
        endMs: this.#times[i * 2 + 1]!,
        traceId: packedId(this.#ids, i * 6, 4),
        spanId: packedId(this.#ids, i * 6 + 4, 2),
        share: this.share,
      })
    }
    this.#keepMoreWhenCalm()
    this.#count = 0
    return samples
  }

  #keepMoreWhenCalm(): void {
    this.#calmTakes = this.#count > this.#limit * CALM_LOAD ? 0 : this.#calmTakes + 1
    if (this.share === 1 || this.#calmTakes < CALM_TAKES) return
    this.share *= 2
    this.#calmTakes = 0
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

/** Whether that time is in the kept share; what is kept at a share is kept at every larger one. */
export function keeps(startMs: number, share: number): boolean {
  if (share === 1) return true
  const periods = startMs / PERIOD_MS
  const period = Math.floor(periods)
  const begin = (Math.imul(period ^ (period >>> 16), 0x9e3779b1) >>> 0) / 4294967296
  const at = periods - period - begin
  return (at < 0 ? at + 1 : at) < share
}
