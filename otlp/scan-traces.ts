import { HeadRanges } from './head-ranges.ts'
import { Malformed } from './malformed.ts'
import { messagePath } from './message-path.ts'
import type { RefCache } from './resource-cache.ts'
import { scanSpan } from './scan-span.ts'
import type { Source } from './source.ts'
import { Column, ROW_WORDS, SpanTable } from './span-table.ts'
import { MalformedProtobuf, WireReader, WireType } from './wire.ts'

/**
 * Reads an ExportTraceServiceRequest once into the rows of a table: numbers and offsets into the bytes, no object a
 * span. Returns the table, or where and why the bytes are not such a request. What is read is checked (the fields of
 * spans, keys, status, resources and scopes); values of attributes, events and links only for their length. Unknown
 * fields and groups are passed over. The table takes over the caller's reference to the source. A table that is given
 * must not be in use by anyone else; one with a limit may throw TableFull.
 *
 *     ExportTraceServiceRequest  1 resource_spans
 *     ResourceSpans              1 resource, 2 scope_spans, 3 schema_url
 *     ScopeSpans                 1 scope, 2 spans, 3 schema_url
 */
export function scanTraces(source: Source, refs: RefCache, into = new SpanTable()): SpanTable | Malformed {
  into.clear()
  into.sources.push(source)
  into.wholeSource = true
  refs.beginTable()
  try {
    new TraceScan(source.bytes, refs, into).readRequest()
  } catch (error) {
    if (!(error instanceof MalformedProtobuf)) throw error
    return new Malformed(error.byteOffset, messagePath(source.bytes, error.byteOffset), error.message)
  }
  return into
}

class TraceScan {
  readonly #table: SpanTable
  readonly #refs: RefCache
  readonly #reader: WireReader
  readonly #view: DataView
  readonly #resourceHead: HeadRanges
  readonly #scopeHead: HeadRanges

  constructor(bytes: Uint8Array, refs: RefCache, table: SpanTable) {
    this.#table = table
    this.#refs = refs
    // A Buffer is a Uint8Array of another class; code that meets only one class is the faster one.
    this.#reader = new WireReader(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length))
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#resourceHead = new HeadRanges(bytes)
    this.#scopeHead = new HeadRanges(bytes)
  }

  readRequest(): void {
    const reader = this.#reader
    while (reader.next()) {
      if (reader.field === 1 && reader.type === WireType.bytes) this.#readResourceSpans(reader.lengthEnd())
      else reader.skip()
    }
  }

  /** The head may be spread over the message, so the rows learn their resource at its end. */
  #readResourceSpans(end: number): void {
    const reader = this.#reader
    const table = this.#table
    const outerEnd = reader.end
    const head = this.#resourceHead
    head.clear()
    const firstRow = table.count
    reader.end = end
    for (let fieldStart = reader.at; reader.next(); fieldStart = reader.at) {
      if (reader.field === 2 && reader.type === WireType.bytes) this.#readScopeSpans(reader.lengthEnd())
      else {
        reader.skip()
        head.add(fieldStart, reader.at)
      }
    }
    reader.end = outerEnd
    const resource = this.#refs.resourceIndex(table, head)
    fillColumn(table, Column.resource, firstRow, resource)
  }

  #readScopeSpans(end: number): void {
    const reader = this.#reader
    const table = this.#table
    const outerEnd = reader.end
    const head = this.#scopeHead
    head.clear()
    const firstRow = table.count
    reader.end = end
    for (let fieldStart = reader.at; reader.next(); fieldStart = reader.at) {
      if (reader.field === 2 && reader.type === WireType.bytes) {
        const spanEnd = reader.lengthEnd()
        scanSpan(reader, this.#view, table, fieldStart, spanEnd)
        reader.at = spanEnd
        reader.end = end
      } else {
        reader.skip()
        head.add(fieldStart, reader.at)
      }
    }
    reader.end = outerEnd
    const scope = this.#refs.scopeIndex(table, head)
    fillColumn(table, Column.scope, firstRow, scope)
  }
}

function fillColumn(table: SpanTable, column: number, firstRow: number, value: number): void {
  const words = table.words
  const end = table.count * ROW_WORDS
  for (let at = firstRow * ROW_WORDS + column; at < end; at += ROW_WORDS) words[at] = value
}
