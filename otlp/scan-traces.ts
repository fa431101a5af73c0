import { hashInt32 } from './hash.ts'
import { HeadRanges } from './head-ranges.ts'
import { Malformed } from './malformed.ts'
import { messagePath } from './message-path.ts'
import type { RefCache } from './resource-cache.ts'
import type { Source } from './source.ts'
import { COUNT_LIMIT, Column, ROW_WORDS, SpanTable } from './span-table.ts'
import { bigEndian32, littleEndian32, MalformedProtobuf, WireReader, WireType } from './wire.ts'

/** Rows are allocated for spans of this size; smaller ones make the table grow. */
const EXPECTED_SPAN_BYTES = 256
/** `kind` and `status` have 8 bits in the table; whatever is beyond the known values reads as this. */
const ENUM_LIMIT = 255

/** Tags of the fields that the scan reads, as the one byte that they are (two for flags). */
const Tag = {
  resourceSpans: (1 << 3) | WireType.bytes,
  scopeSpans: (2 << 3) | WireType.bytes,
  spans: (2 << 3) | WireType.bytes,
  traceId: (1 << 3) | WireType.bytes,
  spanId: (2 << 3) | WireType.bytes,
  parentSpanId: (4 << 3) | WireType.bytes,
  name: (5 << 3) | WireType.bytes,
  kind: (6 << 3) | WireType.varint,
  start: (7 << 3) | WireType.fixed64,
  end: (8 << 3) | WireType.fixed64,
  attributes: (9 << 3) | WireType.bytes,
  events: (11 << 3) | WireType.bytes,
  links: (13 << 3) | WireType.bytes,
  status: (15 << 3) | WireType.bytes,
  flags: (16 << 3) | WireType.fixed32,
  key: (1 << 3) | WireType.bytes,
  value: (2 << 3) | WireType.bytes,
  statusCode: (3 << 3) | WireType.varint,
} as const

const NO_NAME_HASH = hashInt32(new Uint8Array(0), 0, 0)

/**
 * Reads an ExportTraceServiceRequest once into the rows of a table: numbers and offsets into the bytes, no object a
 * span. Returns the table, or where and why the bytes are not such a request. What is read is checked (the fields of
 * spans, keys, status, resources and scopes); values of attributes, events and links only for their length. Unknown
 * fields and groups are passed over. A table to be reused must not be in use by anyone else.
 *
 *     ExportTraceServiceRequest  1 resource_spans
 *     ResourceSpans              1 resource, 2 scope_spans, 3 schema_url
 *     ScopeSpans                 1 scope, 2 spans, 3 schema_url
 */
export function scanTraces(source: Source, refs: RefCache, table?: SpanTable): SpanTable | Malformed {
  const into = table ?? new SpanTable(source.bytes.length / EXPECTED_SPAN_BYTES)
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
  readonly #resourceHead: HeadRanges
  readonly #scopeHead: HeadRanges

  constructor(bytes: Uint8Array, refs: RefCache, table: SpanTable) {
    this.#table = table
    this.#refs = refs
    this.#reader = new WireReader(bytes)
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
        this.#readSpan(fieldStart, reader.at, spanEnd)
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

  /**
   * The one loop that runs for every span: the usual forms are read here, whatever is unusual by the reader.
   *
   *     Span   1 trace_id bytes16      6 kind enum                    12 dropped_events_count
   *            2 span_id bytes8        7 start_time_unix_nano fixed64 13 links
   *            3 trace_state string    8 end_time_unix_nano fixed64   14 dropped_links_count
   *            4 parent_span_id bytes8 9 attributes                   15 status
   *            5 name string           11 events                      16 flags fixed32
   */
  #readSpan(recordStart: number, bodyStart: number, end: number): void {
    const reader = this.#reader
    const bytes = reader.bytes
    const row = this.#table.addRow() * ROW_WORDS
    const words = this.#table.words
    words[row + Column.recordStart] = recordStart
    words[row + Column.bodyStart] = bodyStart
    words[row + Column.bodyEnd] = end
    words[row + Column.nameHash] = NO_NAME_HASH
    reader.end = end
    let kind = 0
    let status = 0
    let links = 0
    let events = 0
    let keyMask = 0
    let at = bodyStart
    while (at < end) {
      const tag = bytes[at]!
      reader.at = at + 1
      switch (tag) {
        case Tag.traceId: {
          const stop = reader.lengthEnd()
          at = reader.at
          this.#checkId(at, stop, 16, 'trace_id')
          const absent = at === stop
          words[row + Column.traceId] = absent ? 0 : bigEndian32(bytes, at)
          words[row + Column.traceId + 1] = absent ? 0 : bigEndian32(bytes, at + 4)
          words[row + Column.traceId + 2] = absent ? 0 : bigEndian32(bytes, at + 8)
          words[row + Column.traceId + 3] = absent ? 0 : bigEndian32(bytes, at + 12)
          at = stop
          break
        }
        case Tag.spanId:
        case Tag.parentSpanId: {
          const stop = reader.lengthEnd()
          at = reader.at
          this.#checkId(at, stop, 8, tag === Tag.spanId ? 'span_id' : 'parent_span_id')
          const column = row + (tag === Tag.spanId ? Column.spanId : Column.parentId)
          const absent = at === stop
          words[column] = absent ? 0 : bigEndian32(bytes, at)
          words[column + 1] = absent ? 0 : bigEndian32(bytes, at + 4)
          at = stop
          break
        }
        case Tag.name: {
          const stop = reader.lengthEnd()
          at = reader.at
          words[row + Column.nameStart] = at
          words[row + Column.nameLength] = stop - at
          words[row + Column.nameHash] = hashInt32(bytes, at, stop)
          at = stop
          break
        }
        case Tag.kind:
          kind = enumOf(reader)
          at = reader.at
          break
        case Tag.start:
        case Tag.end: {
          reader.needFixed64()
          const column = row + (tag === Tag.start ? Column.start : Column.end)
          words[column] = littleEndian32(bytes, at + 5)
          words[column + 1] = littleEndian32(bytes, at + 1)
          at += 9
          break
        }
        case Tag.attributes: {
          const stop = reader.lengthEnd()
          at = reader.at
          keyMask |= this.#keyBit(at, stop)
          at = stop
          break
        }
        case Tag.events:
          at = reader.lengthEnd()
          if (events < COUNT_LIMIT) events++
          break
        case Tag.links:
          at = reader.lengthEnd()
          if (links < COUNT_LIMIT) links++
          break
        case Tag.status: {
          const stop = reader.lengthEnd()
          reader.end = stop
          status = readStatus(reader, status)
          reader.end = end
          at = stop
          break
        }
        default:
          reader.at = at
          reader.next()
          if (reader.field << 3 === (Tag.flags & ~7) && reader.type === WireType.fixed32)
            words[row + Column.flags] = reader.fixed32()
          else reader.skip()
          at = reader.at
      }
    }
    words[row + Column.meta] = kind | (status << 8) | (links << 16) | (events << 24)
    words[row + Column.keyMask] = keyMask
  }

  /** An id has its full length, or none and is absent. */
  #checkId(start: number, end: number, length: number, name: string): void {
    if (end - start === length || end === start) return
    throw new MalformedProtobuf(start, `${name} has ${end - start} bytes instead of ${length}`)
  }

  /**
   * The bit of an attribute's key in the row's mask.
   *
   *     KeyValue  1 key string, 2 value AnyValue
   */
  #keyBit(start: number, end: number): number {
    const bytes = this.#reader.bytes
    // The form that every SDK writes: a short key, then a value up to the end.
    if (end - start >= 4 && bytes[start] === Tag.key) {
      const keyEnd = start + 2 + bytes[start + 1]!
      if (keyEnd + 2 <= end && bytes[start + 1]! < 0x80 && bytes[keyEnd] === Tag.value) {
        const length = bytes[keyEnd + 1]!
        if (length < 0x80 && keyEnd + 2 + length === end) return 1 << (hashInt32(bytes, start + 2, keyEnd) & 31)
      }
    }
    return this.#keyBitOfAnyForm(start, end)
  }

  #keyBitOfAnyForm(start: number, end: number): number {
    const reader = this.#reader
    const outerEnd = reader.end
    reader.at = start
    reader.end = end
    let hash = NO_NAME_HASH
    while (reader.next()) {
      if (reader.field !== 1 || reader.type !== WireType.bytes) {
        reader.skip()
        continue
      }
      const keyEnd = reader.lengthEnd()
      hash = hashInt32(reader.bytes, reader.at, keyEnd)
      reader.at = keyEnd
    }
    reader.end = outerEnd
    return 1 << (hash & 31)
  }
}

/**
 * A status that stands twice is merged, so the code before counts until another one comes.
 *
 *     Status  2 message string, 3 code enum
 */
function readStatus(reader: WireReader, before: number): number {
  let code = before
  while (reader.next()) {
    if (reader.field === 3 && reader.type === WireType.varint) code = enumOf(reader)
    else reader.skip()
  }
  return code
}

function enumOf(reader: WireReader): number {
  const value = reader.varint32()
  return Math.min(value, ENUM_LIMIT)
}

function fillColumn(table: SpanTable, column: number, firstRow: number, value: number): void {
  const words = table.words
  const end = table.count * ROW_WORDS
  for (let at = firstRow * ROW_WORDS + column; at < end; at += ROW_WORDS) words[at] = value
}
