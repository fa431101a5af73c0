import type { BufferMemory } from './buffer-memory.ts'
import type { ResourceRef, ScopeRef } from './resource.ts'
import type { Source } from './source.ts'
import { SpanEdits } from './span-edits.ts'
import { Column, ROW_WORDS, SpanTable } from './span-table.ts'

/**
 * Gathers spans of several tables into one, their edits along, their bytes where they are. What tables have in common
 * (resources, scopes, sources) is looked up once a table; a span is a copy of its row. Each source gets one reference
 * for the new table, which goes with it; dropped spans stay behind.
 *
 *     gatherer.from(table, edits)
 *     gatherer.addRows(0, table.count)
 */
export class SpanGatherer {
  readonly table: SpanTable
  /** Null while no edited span has come. */
  edits: SpanEdits | null = null
  readonly #resources = new Map<ResourceRef, number>()
  readonly #scopes = new Map<ScopeRef, number>()
  readonly #sources = new Map<Source, number>()
  #from: SpanTable
  #fromEdits: SpanEdits | null = null
  // By index in the table that rows come from: 1 + the index in this one, 0 where none has come yet.
  #resourceOf = new Uint32Array(16)
  #scopeOf = new Uint32Array(16)
  #sourceOf = new Uint32Array(16)

  constructor(capacity: number, memory: BufferMemory) {
    this.table = new SpanTable(capacity, memory)
    this.#from = this.table
  }

  get count(): number {
    return this.table.count
  }

  /** The rows to come are of this table, changed by these edits. */
  from(table: SpanTable, edits: SpanEdits | null): void {
    this.#from = table
    this.#fromEdits = edits?.isEmpty ? null : edits
    this.#resourceOf = cleared(this.#resourceOf, table.resources.length)
    this.#scopeOf = cleared(this.#scopeOf, table.scopes.length)
    this.#sourceOf = cleared(this.#sourceOf, table.sources.length)
  }

  /** Adds rows from `first` to before `end`. */
  addRows(first: number, end: number): void {
    for (let row = first; row < end; row++) this.addRow(row)
  }

  /** Adds a row and returns where it is now; -1 for a dropped one. */
  addRow(row: number): number {
    const edits = this.#fromEdits
    if (edits?.isDropped(row)) return -1
    const from = this.#from
    const to = this.table.addRowFrom(from, row)
    const words = this.table.words
    const at = to * ROW_WORDS
    const resource = words[at + Column.resource]!
    const scope = words[at + Column.scope]!
    const source = words[at + Column.source]!
    words[at + Column.resource] = (this.#resourceOf[resource] || this.#addResource(resource)) - 1
    words[at + Column.scope] = (this.#scopeOf[scope] || this.#addScope(scope)) - 1
    words[at + Column.source] = (this.#sourceOf[source] || this.#addSource(source)) - 1
    if (edits?.isChanged(row)) {
      this.edits ??= new SpanEdits(this.table)
      this.edits.adopt(edits, row, to)
    }
    return to
  }

  #addResource(index: number): number {
    const number = numberOf(this.#resources, this.table.resources, this.#from.resources[index]!)
    this.#resourceOf[index] = number
    return number
  }

  #addScope(index: number): number {
    const number = numberOf(this.#scopes, this.table.scopes, this.#from.scopes[index]!)
    this.#scopeOf[index] = number
    return number
  }

  #addSource(index: number): number {
    const source = this.#from.sources[index]!
    if (!this.#sources.has(source)) source.retain()
    const number = numberOf(this.#sources, this.table.sources, source)
    this.#sourceOf[index] = number
    return number
  }
}

/** 1 + the index of a value in a list, which gets it if it has not. */
function numberOf<T>(known: Map<T, number>, list: T[], value: T): number {
  let number = known.get(value)
  if (number === undefined) {
    number = list.push(value)
    known.set(value, number)
  }
  return number
}

function cleared(array: Uint32Array<ArrayBuffer>, length: number): Uint32Array<ArrayBuffer> {
  if (length > array.length) return new Uint32Array(length * 2)
  array.fill(0, 0, length)
  return array
}
