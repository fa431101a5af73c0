import { ROW_WORDS, type SpanTable } from '../../otlp/span-table.ts'

const MOVED = new Uint32Array(2)

/** A time of a span moved by whole nanoseconds, as two words, high first: always the same two, so that none are made. */
export function movedTime(table: SpanTable, row: number, column: number, byNano: number): Uint32Array {
  const at = row * ROW_WORDS + column
  // A double holds the low word with any distance exactly.
  const low = table.words[at + 1]! + byNano
  const carry = Math.floor(low / 4294967296)
  MOVED[0] = table.words[at]! + carry
  MOVED[1] = low - carry * 4294967296
  return MOVED
}
