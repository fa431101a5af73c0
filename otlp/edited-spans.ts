import { copyBytes } from './copy-bytes.ts'
import { varintLength, writeVarint } from './encode-fields.ts'
import { EditKind, ENTRY_WORDS, Entry, KIND_BITS, type SpanEdits } from './span-edits.ts'
import { Column, ROW_WORDS, type SpanTable } from './span-table.ts'
import { equalBytes, WireReader, WireType } from './wire.ts'

const SPANS = (2 << 3) | WireType.bytes
const KIND_MASK = (1 << KIND_BITS) - 1

/**
 * The records of spans as they leave: with their edits, if they have any. What is kept of an edited span is copied in
 * runs, so unknown fields survive; only the length of the record changes.
 */
export class EditedSpans {
  readonly #table: SpanTable
  readonly #edits: SpanEdits
  /** Start and end of each run of the span read last that is kept. */
  #runs = new Uint32Array(64)
  #runWords = 0

  constructor(table: SpanTable, edits: SpanEdits) {
    this.#table = table
    this.#edits = edits
  }

  /** Bytes of a changed span's record: tag, length and body. */
  recordSize(row: number): number {
    const size = this.#bodySize(row)
    return 1 + varintLength(size) + size
  }

  /** Writes a changed span's record; returns where it ends. */
  write(row: number, out: Uint8Array, at: number): number {
    const bytes = this.#table.sourceOf(row).bytes
    out[at] = SPANS
    at = writeVarint(out, at + 1, this.#bodySize(row))
    for (let i = 0; i < this.#runWords; i += 2) at = copyBytes(bytes, this.#runs[i]!, this.#runs[i + 1]!, out, at)
    const { entries } = this.#edits
    for (let entry = this.#edits.firstEntry(row); entry >= 0; ) {
      const e = entry * ENTRY_WORDS
      at = copyBytes(this.#edits.arena, entries[e + Entry.start]!, entries[e + Entry.end]!, out, at)
      entry = entries[e + Entry.next]! - 1
    }
    return at
  }

  /** Finds the runs that are kept, and adds them and what is appended up. */
  #bodySize(row: number): number {
    const at = row * ROW_WORDS
    const start = this.#table.words[at + Column.bodyStart]!
    const end = this.#table.words[at + Column.bodyEnd]!
    const { entries } = this.#edits
    let size = 0
    let cuts = false
    for (let entry = this.#edits.firstEntry(row); entry >= 0; ) {
      const e = entry * ENTRY_WORDS
      const kind = entries[e + Entry.what]! & KIND_MASK
      cuts ||= kind === EditKind.field || kind === EditKind.replacedAttribute
      size += entries[e + Entry.end]! - entries[e + Entry.start]!
      entry = entries[e + Entry.next]! - 1
    }
    this.#runWords = 0
    if (cuts) this.#findRuns(row, start, end)
    else this.#addRun(start, end)
    for (let i = 0; i < this.#runWords; i += 2) size += this.#runs[i + 1]! - this.#runs[i]!
    return size
  }

  #findRuns(row: number, start: number, end: number): void {
    const reader = new WireReader(this.#table.sourceOf(row).bytes, start, end)
    for (let at = start; reader.next(); at = reader.at) {
      const { field, type } = reader
      reader.skip()
      if (!this.#isCut(row, field, type, reader.bytes, at, reader.at)) this.#addRun(at, reader.at)
    }
  }

  #isCut(row: number, field: number, type: number, bytes: Uint8Array, start: number, end: number): boolean {
    const { entries } = this.#edits
    for (let entry = this.#edits.firstEntry(row); entry >= 0; ) {
      const what = entries[entry * ENTRY_WORDS + Entry.what]!
      switch (what & KIND_MASK) {
        case EditKind.field:
          if (what >>> KIND_BITS === field) return true
          break
        case EditKind.replacedAttribute:
          if (field === 9 && type === WireType.bytes)
            if (isAttributeOf(bytes, start, end, this.#edits.keyOf(entry).bytes)) return true
      }
      entry = entries[entry * ENTRY_WORDS + Entry.next]! - 1
    }
    return false
  }

  #addRun(start: number, end: number): void {
    const runs = this.#runs
    if (this.#runWords > 0 && runs[this.#runWords - 1] === start) {
      runs[this.#runWords - 1] = end
      return
    }
    if (this.#runWords + 2 > runs.length) {
      this.#runs = new Uint32Array(runs.length * 2)
      this.#runs.set(runs)
    }
    this.#runs[this.#runWords++] = start
    this.#runs[this.#runWords++] = end
  }
}

/** Whether the attribute field (with its tag) between `start` and `end` has that key. */
function isAttributeOf(bytes: Uint8Array, start: number, end: number, key: Uint8Array): boolean {
  const reader = new WireReader(bytes, start, end)
  reader.next()
  reader.end = reader.lengthEnd()
  let matches = key.length === 0
  while (reader.next()) {
    if (reader.field !== 1 || reader.type !== WireType.bytes) {
      reader.skip()
      continue
    }
    const to = reader.lengthEnd()
    matches = equalBytes(bytes, reader.at, to, key)
    reader.at = to
  }
  return matches
}
