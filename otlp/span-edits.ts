import {
  doubleAttribute,
  fixed64Field,
  idField,
  intAttribute,
  stringArrayAttribute,
  stringAttributeField,
} from './encode-fields.ts'
import { Column, type SpanTable } from './span-table.ts'

/** Field numbers of Span that edits name. */
const Field = { traceId: 1, parentSpanId: 4, start: 7, end: 8 } as const

/** What is to change about one span: fields and attributes cut out, then bytes appended. */
export interface RowEdit {
  readonly removedFields: Set<number>
  /** Attributes that are replaced, so that keys stay unique. */
  readonly replacedKeys: Set<string>
  /** Encoded fields by what they stand for; a later edit of the same thing replaces an earlier one. */
  readonly appended: Map<string, Uint8Array>
  readonly arrays: Map<string, string[]>
}

/**
 * Changes to the spans of a table, kept beside it: the bytes stay as they are until splice.ts writes them out. One branch
 * of a pipeline owns one SpanEdits; fan-out clones. Costs nothing for the spans that are not edited.
 */
export class SpanEdits {
  readonly table: SpanTable
  readonly #rows = new Map<number, RowEdit>()
  readonly #dropped = new Set<number>()
  #appendedBytes = 0

  constructor(table: SpanTable) {
    this.table = table
  }

  get droppedCount(): number {
    return this.#dropped.size
  }

  get isEmpty(): boolean {
    return this.#rows.size === 0 && this.#dropped.size === 0
  }

  isDropped(row: number): boolean {
    return this.#dropped.has(row)
  }

  /** Rows with edits, in no particular order. */
  get edited(): ReadonlyMap<number, RowEdit> {
    return this.#rows
  }

  clone(): SpanEdits {
    const copy = new SpanEdits(this.table)
    for (const row of this.#dropped) copy.#dropped.add(row)
    for (const row of this.#rows.keys()) copy.adopt(this, row, row)
    return copy
  }

  /** Takes over what another list changes about one of its rows, for a row of this table that holds the same span. */
  adopt(other: SpanEdits, otherRow: number, row: number): void {
    const edit = other.#rows.get(otherRow)
    if (edit === undefined) return
    this.#rows.set(row, {
      removedFields: new Set(edit.removedFields),
      replacedKeys: new Set(edit.replacedKeys),
      appended: new Map(edit.appended),
      arrays: new Map([...edit.arrays].map(([key, values]) => [key, [...values]])),
    })
    // Names of appended bytes are numbered through: what comes next must not take the place of what was taken over.
    this.#appendedBytes = Math.max(this.#appendedBytes, other.#appendedBytes)
  }

  drop(row: number): void {
    this.#dropped.add(row)
  }

  setTraceId(row: number, w0: number, w1: number, w2: number, w3: number): void {
    this.#replaceField(row, Field.traceId, idField(Field.traceId, [w0, w1, w2, w3]))
  }

  setParentId(row: number, hi: number, lo: number): void {
    this.#replaceField(row, Field.parentSpanId, idField(Field.parentSpanId, [hi, lo]))
  }

  /** `column` is `Column.start` or `Column.end`. */
  setTime(row: number, column: number, hi: number, lo: number): void {
    const field = column === Column.start ? Field.start : Field.end
    this.#replaceField(row, field, fixed64Field(field, hi, lo))
  }

  removeField(row: number, field: number): void {
    const edit = this.#edit(row)
    edit.removedFields.add(field)
    edit.appended.delete(`field ${field}`)
  }

  /** Appends fields of Span that are already encoded. */
  appendBytes(row: number, fields: Uint8Array): void {
    this.#edit(row).appended.set(`bytes ${this.#appendedBytes++}`, fields)
  }

  appendString(row: number, key: string, value: string): void {
    this.#replaceAttribute(row, key, stringAttributeField(key, value))
  }

  appendInt(row: number, key: string, value: bigint): void {
    this.#replaceAttribute(row, key, intAttribute(key, value))
  }

  appendDouble(row: number, key: string, value: number): void {
    this.#replaceAttribute(row, key, doubleAttribute(key, value))
  }

  /** Adds a value to an attribute that is an array of strings; all values of a key leave as one attribute. */
  appendToStringArray(row: number, key: string, value: string): void {
    const edit = this.#edit(row)
    let values = edit.arrays.get(key)
    if (!values) {
      values = []
      edit.arrays.set(key, values)
    }
    values.push(value)
    edit.replacedKeys.add(key)
    edit.appended.set(`attribute ${key}`, stringArrayAttribute(key, values))
  }

  #replaceField(row: number, field: number, bytes: Uint8Array): void {
    const edit = this.#edit(row)
    edit.removedFields.add(field)
    edit.appended.set(`field ${field}`, bytes)
  }

  #replaceAttribute(row: number, key: string, bytes: Uint8Array): void {
    const edit = this.#edit(row)
    edit.replacedKeys.add(key)
    edit.appended.set(`attribute ${key}`, bytes)
  }

  #edit(row: number): RowEdit {
    let edit = this.#rows.get(row)
    if (!edit) {
      edit = { removedFields: new Set(), replacedKeys: new Set(), appended: new Map(), arrays: new Map() }
      this.#rows.set(row, edit)
    }
    return edit
  }
}
