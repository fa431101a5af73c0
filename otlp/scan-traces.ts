import { hashBytes } from './hash.ts'
import type { RefCache } from './resource-cache.ts'
import type { Source } from './source.ts'
import { COUNT_LIMIT, Column, ROW_WORDS, SpanTable } from './span-table.ts'
import { bigEndian32, MalformedProtobuf, WireReader, WireType } from './wire.ts'

/** Why a request could not be read. */
export interface MalformedTraces {
  readonly byteOffset: number
  /** Such as `ExportTraceServiceRequest.resource_spans[2].scope_spans[0].spans[17]`. */
  readonly path: string
  readonly problem: string
}

/**
 * Reads an ExportTraceServiceRequest once into the rows of a table: offsets into the bytes, no object a span. Returns
 * the table, or where and why the bytes are not such a request.
 *
 *     ExportTraceServiceRequest  1 resource_spans
 *     ResourceSpans              1 resource, 2 scope_spans, 3 schema_url
 *     ScopeSpans                 1 scope, 2 spans, 3 schema_url
 */
export function scanTraces(source: Source, refs: RefCache): SpanTable | MalformedTraces {
  const scan = new TraceScan(source, refs)
  try {
    scan.request()
  } catch (error) {
    if (!(error instanceof MalformedProtobuf)) throw error
    return { byteOffset: error.byteOffset, path: scan.path(), problem: error.message }
  }
  return scan.table
}

class TraceScan {
  readonly table: SpanTable
  readonly #refs: RefCache
  readonly #reader: WireReader
  #resourceSpans = -1
  #scopeSpans = -1
  #span = -1

  constructor(source: Source, refs: RefCache) {
    this.#refs = refs
    this.#reader = new WireReader(source.bytes)
    this.table = new SpanTable(Math.max(8, source.bytes.length >>> 8))
    this.table.sources.push(source)
    this.table.wholeSource = true
  }

  path(): string {
    let path = 'ExportTraceServiceRequest'
    if (this.#resourceSpans >= 0) path += `.resource_spans[${this.#resourceSpans}]`
    if (this.#scopeSpans >= 0) path += `.scope_spans[${this.#scopeSpans}]`
    if (this.#span >= 0) path += `.spans[${this.#span}]`
    return path
  }

  request(): void {
    const reader = this.#reader
    while (reader.next()) {
      if (reader.field === 1 && reader.type === WireType.bytes) this.#readResourceSpans(reader.lengthEnd())
      else reader.skip()
    }
  }

  /** Two passes: first the head (what is not scope_spans), so that spans know their resource; then the spans. */
  #readResourceSpans(end: number): void {
    const reader = this.#reader
    const outerEnd = reader.end
    this.#resourceSpans++
    this.#scopeSpans = -1
    reader.end = end
    const start = reader.at
    const resource = this.#refs.resource(this.#headOf(start, end))
    let resourceIndex = this.table.resources.lastIndexOf(resource)
    if (resourceIndex < 0) resourceIndex = this.table.resources.push(resource) - 1
    reader.at = start
    while (reader.next()) {
      if (reader.field === 2 && reader.type === WireType.bytes) this.#readScopeSpans(reader.lengthEnd(), resourceIndex)
      else reader.skip()
    }
    reader.at = end
    reader.end = outerEnd
    this.#scopeSpans = -1
  }

  #readScopeSpans(end: number, resource: number): void {
    const reader = this.#reader
    const outerEnd = reader.end
    this.#scopeSpans++
    this.#span = -1
    reader.end = end
    const start = reader.at
    const scope = this.#refs.scope(this.#headOf(start, end))
    let scopeIndex = this.table.scopes.lastIndexOf(scope)
    if (scopeIndex < 0) scopeIndex = this.table.scopes.push(scope) - 1
    reader.at = start
    let recordStart = reader.at
    while (reader.next()) {
      if (reader.field === 2 && reader.type === WireType.bytes) {
        this.#span++
        this.#readSpan(recordStart, reader.lengthEnd(), resource, scopeIndex)
      } else reader.skip()
      recordStart = reader.at
    }
    reader.at = end
    reader.end = outerEnd
    this.#span = -1
  }

  /** The fields of ResourceSpans or ScopeSpans other than field 2, in their order: a view where they stand together. */
  #headOf(start: number, end: number): Uint8Array {
    const reader = this.#reader
    const bytes = reader.bytes
    const parts: Uint8Array[] = []
    let partStart = -1
    for (let at = start; at < end; ) {
      reader.at = at
      reader.next()
      const isChild = reader.field === 2 && reader.type === WireType.bytes
      reader.skip()
      if (!isChild && partStart < 0) partStart = at
      if (isChild && partStart >= 0) {
        parts.push(bytes.subarray(partStart, at))
        partStart = -1
      }
      at = reader.at
    }
    if (partStart >= 0) parts.push(bytes.subarray(partStart, end))
    return parts.length === 1 ? parts[0]! : Buffer.concat(parts)
  }

  /**
   *     Span   1 trace_id bytes16      6 kind enum                    12 dropped_events_count
   *            2 span_id bytes8        7 start_time_unix_nano fixed64 13 links
   *            3 trace_state string    8 end_time_unix_nano fixed64   14 dropped_links_count
   *            4 parent_span_id bytes8 9 attributes                   15 status
   *            5 name string           11 events                      16 flags fixed32
   */
  #readSpan(recordStart: number, end: number, resource: number, scope: number): void {
    const reader = this.#reader
    const outerEnd = reader.end
    reader.end = end
    const row = this.table.addRow()
    const words = this.table.words
    const at = row * ROW_WORDS
    words[at + Column.resource] = resource
    words[at + Column.scope] = scope
    words[at + Column.recordStart] = recordStart
    words[at + Column.bodyStart] = reader.at
    words[at + Column.bodyEnd] = end
    let kind = 0
    let status = 0
    let links = 0
    let events = 0
    let keyMask = 0
    while (reader.next()) {
      switch ((reader.field << 3) | reader.type) {
        case (1 << 3) | WireType.bytes:
          this.#readId(words, at + Column.traceId, 16, 'trace_id')
          break
        case (2 << 3) | WireType.bytes:
          this.#readId(words, at + Column.spanId, 8, 'span_id')
          break
        case (4 << 3) | WireType.bytes:
          this.#readId(words, at + Column.parentId, 8, 'parent_span_id')
          break
        case (5 << 3) | WireType.bytes: {
          const nameEnd = reader.lengthEnd()
          words[at + Column.nameStart] = reader.at
          words[at + Column.nameLength] = nameEnd - reader.at
          words[at + Column.nameHash] = hashBytes(reader.bytes, reader.at, nameEnd)
          reader.at = nameEnd
          break
        }
        case (6 << 3) | WireType.varint:
          kind = Math.min(255, reader.varint32())
          break
        case (7 << 3) | WireType.fixed64:
          reader.fixed64()
          words[at + Column.start] = reader.hi
          words[at + Column.start + 1] = reader.lo
          break
        case (8 << 3) | WireType.fixed64:
          reader.fixed64()
          words[at + Column.end] = reader.hi
          words[at + Column.end + 1] = reader.lo
          break
        case (9 << 3) | WireType.bytes:
          keyMask |= this.#readAttributeKey(reader.lengthEnd())
          break
        case (11 << 3) | WireType.bytes:
          reader.at = reader.lengthEnd()
          if (events < COUNT_LIMIT) events++
          break
        case (13 << 3) | WireType.bytes:
          reader.at = reader.lengthEnd()
          if (links < COUNT_LIMIT) links++
          break
        case (15 << 3) | WireType.bytes:
          status = this.#readStatus(reader.lengthEnd(), status)
          break
        case (16 << 3) | WireType.fixed32:
          words[at + Column.flags] = reader.fixed32()
          break
        default:
          reader.skip()
      }
    }
    words[at + Column.meta] = kind | (status << 8) | (links << 16) | (events << 24)
    words[at + Column.keyMask] = keyMask
    reader.end = outerEnd
  }

  /** An id has its full length or is absent. */
  #readId(words: Uint32Array, to: number, length: number, name: string): void {
    const reader = this.#reader
    const end = reader.lengthEnd()
    const actual = end - reader.at
    if (actual !== length && actual !== 0)
      throw new MalformedProtobuf(reader.at, `${name} has ${actual} bytes instead of ${length}`)
    for (let i = 0; i < length; i += 4) words[to + i / 4] = actual === 0 ? 0 : bigEndian32(reader.bytes, reader.at + i)
    reader.at = end
  }

  /**
   * The bit of an attribute's key in the row's mask.
   *
   *     KeyValue  1 key string, 2 value AnyValue
   */
  #readAttributeKey(end: number): number {
    const reader = this.#reader
    const outerEnd = reader.end
    reader.end = end
    let bit = 0
    while (reader.next()) {
      if (reader.field !== 1 || reader.type !== WireType.bytes) {
        reader.skip()
        continue
      }
      const keyEnd = reader.lengthEnd()
      bit = 1 << (hashBytes(reader.bytes, reader.at, keyEnd) & 31)
      reader.at = keyEnd
    }
    reader.end = outerEnd
    return bit
  }

  /**
   *     Status  2 message string, 3 code enum
   */
  #readStatus(end: number, before: number): number {
    const reader = this.#reader
    const outerEnd = reader.end
    reader.end = end
    let code = before
    while (reader.next()) {
      if (reader.field === 3 && reader.type === WireType.varint) code = Math.min(255, reader.varint32())
      else reader.skip()
    }
    reader.end = outerEnd
    return code
  }
}
