import { packedId } from '../../../otlp/hex.ts'
import { Column, ROW_WORDS, type SpanTable } from '../../../otlp/span-table.ts'
import { widened } from '../../../otlp/widened.ts'
import type { CallId } from './context-lost-summary.ts'

/** Words of an entry: trace id (4), id of the parent (2). */
const WORDS = 6

/** The parents of spans, at most `limit` between two summaries: a call beyond it is taken for one without an answer. */
export class CallIds {
  readonly #limit: number
  #ids = new Uint32Array(64 * WORDS)
  #count = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  add({ words }: SpanTable, row: number): void {
    if (this.#count === this.#limit) return
    const to = this.#count++ * WORDS
    if (to + WORDS > this.#ids.length) this.#ids = widened(this.#ids, to + WORDS)
    const at = row * ROW_WORDS
    for (let w = 0; w < 4; w++) this.#ids[to + w] = words[at + w]!
    this.#ids[to + 4] = words[at + Column.parentId]!
    this.#ids[to + 5] = words[at + Column.parentId + 1]!
  }

  take(): CallId[] {
    const ids = Array.from({ length: this.#count }, (_, i) => ({
      traceId: packedId(this.#ids, i * WORDS, 4),
      spanId: packedId(this.#ids, i * WORDS + 4, 2),
    }))
    this.#count = 0
    return ids
  }
}
