import { hashInt32, keyBit } from './hash.ts'
import { HeadRanges } from './head-ranges.ts'
import { Malformed } from './malformed.ts'
import { messagePath } from './message-path.ts'
import type { RefCache } from './resource-cache.ts'
import type { Source } from './source.ts'
import { COUNT_LIMIT, Column, ROW_WORDS, SpanTable } from './span-table.ts'
import { MalformedProtobuf, WireReader, WireType } from './wire.ts'

/** Rows are allocated for spans of this size; smaller ones make the table grow. */
const EXPECTED_SPAN_BYTES = 320
/** `kind` and `status` have 8 bits in the table; whatever is beyond the known values reads as this. */
const ENUM_LIMIT = 255

/** Tags of the fields that the scan reads in Span, KeyValue and Status. */
const Tag = {
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
} as const

/** Of a span without a name. */
const EMPTY_HASH = hashInt32(new Uint8Array(0), 0, 0)

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
  readonly #view: DataView
  readonly #resourceHead: HeadRanges
  readonly #scopeHead: HeadRanges

  constructor(bytes: Uint8Array, refs: RefCache, table: SpanTable) {
    this.#table = table
    this.#refs = refs
    this.#reader = new WireReader(bytes)
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
    words[row + Column.nameHash] = EMPTY_HASH
    reader.end = end
    let kind = 0
    let status = 0
    let links = 0
    let events = 0
    let keyMask = 0
    let at = bodyStart
    while (at < end) {
      let tag = bytes[at++]!
      if (tag >= 0x80 || (tag & 7) !== WireType.bytes || tag >> 3 === 0) {
        reader.at = at - 1
        reader.next()
        tag = (reader.field << 3) | reader.type
        if (reader.type !== WireType.bytes) {
          switch (tag) {
            case Tag.kind:
              kind = enumOf(reader)
              break
            case Tag.start:
              this.#readTime(words, row + Column.start)
              break
            case Tag.end:
              this.#readTime(words, row + Column.end)
              break
            case Tag.flags:
              words[row + Column.flags] = reader.fixed32()
              break
            default:
              reader.skip()
          }
          at = reader.at
          continue
        }
        at = reader.at
      }
      let stop: number
      if (at < end && bytes[at]! < 0x80 && at + bytes[at]! < end) stop = at + 1 + bytes[at++]!
      else {
        reader.at = at
        stop = reader.lengthEnd()
        at = reader.at
      }
      switch (tag) {
        case Tag.traceId:
          this.#readId(words, row + Column.traceId, at, stop, 16, 'trace_id')
          break
        case Tag.spanId:
          this.#readId(words, row + Column.spanId, at, stop, 8, 'span_id')
          break
        case Tag.parentSpanId:
          this.#readId(words, row + Column.parentId, at, stop, 8, 'parent_span_id')
          break
        case Tag.name:
          words[row + Column.nameStart] = at
          words[row + Column.nameLength] = stop - at
          words[row + Column.nameHash] = hashInt32(bytes, at, stop)
          break
        case Tag.attributes:
          keyMask |= this.#readKey(at, stop)
          break
        case Tag.events:
          if (events < COUNT_LIMIT) events++
          break
        case Tag.links:
          if (links < COUNT_LIMIT) links++
          break
        case Tag.status:
          status = this.#readStatus(at, stop, status)
          break
      }
      at = stop
    }
    words[row + Column.meta] = kind | (status << 8) | (links << 16) | (events << 24)
    words[row + Column.keyMask] = keyMask
  }

  #readTime(words: Uint32Array, column: number): void {
    const reader = this.#reader
    const at = reader.at
    reader.needFixed64()
    words[column] = this.#view.getUint32(at + 4, true)
    words[column + 1] = this.#view.getUint32(at, true)
    reader.at = at + 8
  }

  /** An id has its full length, or none and is absent. */
  #readId(words: Uint32Array, column: number, at: number, end: number, length: number, name: string): void {
    if (end - at === length) {
      for (let i = 0; i < length; i += 4) words[column + (i >> 2)] = this.#view.getUint32(at + i)
    } else if (end === at) {
      words.fill(0, column, column + (length >> 2))
    } else {
      throw new MalformedProtobuf(at, `${name} has ${end - at} bytes instead of ${length}`)
    }
  }

  /**
   * The bit of an attribute's key for the row's mask.
   *
   *     KeyValue  1 key string, 2 value AnyValue
   */
  #readKey(start: number, end: number): number {
    const bytes = this.#reader.bytes
    // The form that every SDK writes: a short key, then a value up to the end.
    if (end - start >= 4 && bytes[start] === Tag.key) {
      const keyEnd = start + 2 + bytes[start + 1]!
      if (keyEnd + 2 <= end && bytes[start + 1]! < 0x80 && bytes[keyEnd] === Tag.value) {
        const length = bytes[keyEnd + 1]!
        if (length < 0x80 && keyEnd + 2 + length === end) return 1 << keyBit(this.#view, start + 2, keyEnd)
      }
    }
    return this.#readKeyOfAnyForm(start, end)
  }

  #readKeyOfAnyForm(start: number, end: number): number {
    const reader = this.#reader
    const outerEnd = reader.end
    reader.at = start
    reader.end = end
    let keyStart = start
    let keyEnd = start
    while (reader.next()) {
      if (reader.field !== 1 || reader.type !== WireType.bytes) {
        reader.skip()
        continue
      }
      keyEnd = reader.lengthEnd()
      keyStart = reader.at
      reader.at = keyEnd
    }
    reader.end = outerEnd
    return 1 << keyBit(this.#view, keyStart, keyEnd)
  }

  /**
   * A status that stands twice is merged, so the code before counts until another one comes.
   *
   *     Status  2 message string, 3 code enum
   */
  #readStatus(start: number, end: number, before: number): number {
    const reader = this.#reader
    const outerEnd = reader.end
    reader.at = start
    reader.end = end
    let code = before
    while (reader.next()) {
      if (reader.field === 3 && reader.type === WireType.varint) code = enumOf(reader)
      else reader.skip()
    }
    reader.end = outerEnd
    return code
  }
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
