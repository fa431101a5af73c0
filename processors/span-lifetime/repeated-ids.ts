import { Column, ROW_WORDS, SpanKind, type SpanTable } from '../../otlp/span-table.ts'

/**
 * Marks the spans of a trace that share their id with another one (CTX-007): whose child is whose cannot be said then, so
 * no time of a child is held against them. Copies of one span are no trouble, nor are a client and its server that share
 * an id by design. Looked at only in traces where a child outlives its parent.
 */
export class RepeatedIds {
  /** Open addressing by span id: row + 1 of the first span with it. */
  #slots = new Int32Array(64)

  mark(table: SpanTable, from: number, until: number, marks: Uint8Array): void {
    const mask = this.#clear(until - from)
    const { words } = table
    for (let row = from; row < until; row++) {
      marks[row] = 0
      const at = row * ROW_WORDS + Column.spanId
      let i = Math.imul(words[at]! ^ Math.imul(words[at + 1]!, 0x9e3779b1), 0x85ebca6b) >>> 0
      for (i = (i ^ (i >>> 15)) & mask; ; i = (i + 1) & mask) {
        const other = this.#slots[i]! - 1
        if (other < 0) {
          this.#slots[i] = row + 1
          break
        }
        const its = other * ROW_WORDS + Column.spanId
        if (words[its] !== words[at] || words[its + 1] !== words[at + 1]) continue
        if (isOfOther(table, row, other)) marks[row] = marks[other] = 1
        break
      }
    }
  }

  #clear(rows: number): number {
    let size = 64
    while (size < rows * 2) size *= 2
    if (size > this.#slots.length) this.#slots = new Int32Array(size)
    else this.#slots.fill(0, 0, size)
    return size - 1
  }
}

function isOfOther(table: SpanTable, a: number, b: number): boolean {
  const isShared =
    Math.max(table.kind(a), table.kind(b)) === SpanKind.client &&
    Math.min(table.kind(a), table.kind(b)) === SpanKind.server
  const isCopy =
    table.differenceNano(a, Column.start, b, Column.start) === 0 &&
    table.differenceNano(a, Column.end, b, Column.end) === 0
  return !isShared && !isCopy
}
