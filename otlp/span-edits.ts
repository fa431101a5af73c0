import type { SpanTable } from './span-table.ts'

/** What an edit does; the wire side of each is in splice.ts. */
export const Edit = { bytes: 0, string: 1, double: 2, int: 3, arrayItem: 4, fixed: 5, remove: 6 } as const

/**
 * Changes to the spans of a table, kept beside it: the bytes stay as they are until splice.ts writes them out. Edits of
 * one span are applied in the order in which they were made. One branch of a pipeline owns one SpanEdits; fan-out clones.
 */
export class SpanEdits {
  readonly table: SpanTable
  droppedCount = 0
  /** For each row, 1 + the index of its last edit; 0 is none. Allocated with the first edit. */
  last: Uint32Array = EMPTY
  /** Per edit: kind, then two operands whose meaning the kind decides, then 1 + the index of the row's edit before. */
  entries: Uint32Array = EMPTY
  entryCount = 0

  constructor(table: SpanTable) {
    this.table = table
  }

  clone(): SpanEdits {
    const copy = new SpanEdits(this.table)
    copy.droppedCount = this.droppedCount
    copy.last = this.last.slice()
    copy.entries = this.entries.slice()
    copy.entryCount = this.entryCount
    return copy
  }
}

const EMPTY = new Uint32Array(0)
