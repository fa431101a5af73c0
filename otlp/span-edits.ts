import { type AttributeKey, attributeKey, hasAttribute, locateAttribute } from './attributes.ts'
import { ProtoWriter } from './json/proto-writer.ts'
import { Column, type SpanTable } from './span-table.ts'
import { WireType } from './wire.ts'

/** Words of an entry: see `SpanEdits.entries`. */
export const ENTRY_WORDS = 5
export const Entry = { what: 0, start: 1, end: 2, value: 3, next: 4 } as const

/** What an entry does beside appending its bytes; the low bits of its first word, the rest is a field or key number. */
export const EditKind = {
  /** Nothing. */
  bytes: 0,
  /** Cuts out the field of that number. */
  field: 1,
  /** An attribute that the span does not carry yet: nothing. */
  newAttribute: 2,
  /** Cuts out the attribute of that key. */
  replacedAttribute: 3,
} as const
export const KIND_BITS = 2
const KIND_MASK = (1 << KIND_BITS) - 1

/** In `rows`: the span is dropped. */
const DROPPED = 0x8000_0000
/** In `Entry.value`: the value is an array, and its items begin there. */
const ARRAY = 0x8000_0000

/** Tags of the fields that edits write. */
const Tag = {
  traceId: (1 << 3) | WireType.bytes,
  parentSpanId: (4 << 3) | WireType.bytes,
  start: (7 << 3) | WireType.fixed64,
  end: (8 << 3) | WireType.fixed64,
  attributes: (9 << 3) | WireType.bytes,
  key: (1 << 3) | WireType.bytes,
  value: (2 << 3) | WireType.bytes,
  stringValue: (1 << 3) | WireType.bytes,
  intValue: (3 << 3) | WireType.varint,
  doubleValue: (4 << 3) | WireType.fixed64,
  arrayValue: (5 << 3) | WireType.bytes,
  arrayItem: (1 << 3) | WireType.bytes,
} as const

const DOUBLE_BYTES = 8
const EMPTY = new Uint32Array(0)

/**
 * Changes to the spans of a table, kept beside it: the bytes stay as they are until splice.ts writes them out. A span
 * leaves without what was cut out of it and with what was appended behind the rest; a later edit of the same field or
 * attribute takes the place of the earlier one. One branch of a pipeline owns one SpanEdits; fan-out clones. No object
 * is made for an edit: entries are words of one array, and the bytes of all of them stand in one arena. Where nobody will
 * read the spans, attributes are left away.
 */
export class SpanEdits {
  readonly table: SpanTable
  readonly isUnread: boolean
  droppedCount = 0
  /** For each row 1 + the index of its first entry, 0 for none, and the top bit for dropped. Empty until the first edit. */
  rows: Uint32Array = EMPTY
  /**
   * By five words: kind and field or key number; start and end in the arena of the field that is appended; where the
   * value of an attribute begins there (of an array its items, with the top bit set); 1 + the index of the next entry.
   */
  entries: Uint32Array = EMPTY
  #entryCount = 0
  #arena: ProtoWriter | null = null
  /** Attribute keys by number; only ever appended to, so clones share it. */
  readonly #keys: AttributeKey[]
  readonly #keyNumbers: Map<string, number>
  /** By number of the key: its attribute with a double. */
  readonly #doubles: (Uint8Array | undefined)[] = []

  constructor(table: SpanTable, origin: SpanEdits | null = null, isUnread = origin?.isUnread ?? false) {
    this.table = table
    this.isUnread = isUnread
    this.#keys = origin ? origin.#keys : []
    this.#keyNumbers = origin ? origin.#keyNumbers : new Map()
  }

  get isEmpty(): boolean {
    return this.#entryCount === 0 && this.droppedCount === 0
  }

  /** The bytes that entries append. */
  get arena(): Uint8Array {
    return this.#arena!.bytes
  }

  isDropped(row: number): boolean {
    return row < this.rows.length && (this.rows[row]! & DROPPED) !== 0
  }

  /** Whether the span leaves with other bytes than it came with. */
  isChanged(row: number): boolean {
    return row < this.rows.length && (this.rows[row]! & ~DROPPED) !== 0
  }

  /** The index of a row's first entry, -1 where it has none. */
  firstEntry(row: number): number {
    return row < this.rows.length ? (this.rows[row]! & ~DROPPED) - 1 : -1
  }

  /** The key that an entry of an attribute names. */
  keyOf(entry: number): AttributeKey {
    return this.#keys[this.entries[entry * ENTRY_WORDS + Entry.what]! >>> KIND_BITS]!
  }

  /** The same edits for another branch. */
  clone(): SpanEdits {
    const copy = new SpanEdits(this.table, this)
    copy.droppedCount = this.droppedCount
    copy.rows = this.rows.slice()
    copy.entries = this.entries.slice(0, this.#entryCount * ENTRY_WORDS)
    copy.#entryCount = this.#entryCount
    if (this.#arena) {
      copy.#arena = new ProtoWriter(this.#arena.at)
      copy.#arena.raw(this.#arena.bytes.subarray(0, this.#arena.at))
    }
    return copy
  }

  /** Takes over what another list changes about one of its rows, for a row of this table that holds the same span. */
  adopt(other: SpanEdits, otherRow: number, row: number): void {
    if (other.isDropped(otherRow)) this.drop(row)
    for (let entry = other.firstEntry(otherRow); entry >= 0; ) {
      const at = entry * ENTRY_WORDS
      const what = other.entries[at + Entry.what]!
      const kind = what & KIND_MASK
      const ofAttribute = kind === EditKind.newAttribute || kind === EditKind.replacedAttribute
      const number = ofAttribute ? this.#keyNumber(other.keyOf(entry).name) : what >>> KIND_BITS
      const start = other.entries[at + Entry.start]!
      const writer = this.#writer()
      const from = writer.at
      writer.raw(other.arena.subarray(start, other.entries[at + Entry.end]!))
      const value = other.entries[at + Entry.value]!
      this.#addEntry(row, (number << KIND_BITS) | kind, from, value === 0 ? 0 : value - start + from)
      entry = other.entries[at + Entry.next]! - 1
    }
  }

  drop(row: number): void {
    this.#reserveRow(row)
    if ((this.rows[row]! & DROPPED) !== 0) return
    this.rows[row]! |= DROPPED
    this.droppedCount++
  }

  /** Sixteen bytes as four words, the first byte highest. */
  setTraceId(row: number, w0: number, w1: number, w2: number, w3: number): void {
    const writer = this.#writer()
    const start = writer.at
    writer.varint(Tag.traceId)
    writer.varint(16)
    bigEndian(writer, w0)
    bigEndian(writer, w1)
    bigEndian(writer, w2)
    bigEndian(writer, w3)
    this.#put(row, fieldWhat(Tag.traceId >> 3), start, 0)
  }

  setParentId(row: number, hi: number, lo: number): void {
    const writer = this.#writer()
    const start = writer.at
    writer.varint(Tag.parentSpanId)
    writer.varint(8)
    bigEndian(writer, hi)
    bigEndian(writer, lo)
    this.#put(row, fieldWhat(Tag.parentSpanId >> 3), start, 0)
  }

  /** `column` is `Column.start` or `Column.end`. */
  setTime(row: number, column: number, hi: number, lo: number): void {
    const tag = column === Column.start ? Tag.start : Tag.end
    const writer = this.#writer()
    const start = writer.at
    writer.varint(tag)
    writer.fixed64(hi, lo)
    this.#put(row, fieldWhat(tag >> 3), start, 0)
  }

  /** Cuts a field of Span out, as it came or as it was set here; not out of what `appendBytes` added. */
  removeField(row: number, field: number): void {
    this.#put(row, fieldWhat(field), this.#writer().at, 0)
  }

  /** Appends fields of Span that are already encoded, whatever they are. */
  appendBytes(row: number, fields: Uint8Array): void {
    const writer = this.#writer()
    const start = writer.at
    writer.raw(fields)
    this.#addEntry(row, EditKind.bytes, start, 0)
  }

  /** Sets an attribute; one of the same key that the span carries is cut out, so that keys stay unique. */
  appendString(row: number, key: string, value: string): void {
    if (this.isUnread) return
    const writer = this.#beginAttribute(key)
    writer.varint(Tag.stringValue)
    writer.string(value)
    this.#endAttribute(row, key, false)
  }

  /** An integer of 64 bits in two words, such as a time column. */
  appendInt64(row: number, key: string, hi: number, lo: number): void {
    if (this.isUnread) return
    const writer = this.#beginAttribute(key)
    writer.varint(Tag.intValue)
    writer.varint64(hi, lo)
    this.#endAttribute(row, key, false)
  }

  /** Goes onto every span of a clock that is off, so all but the value is copied as it was written once. */
  appendDouble(row: number, key: string, value: number): void {
    if (this.isUnread) return
    const number = this.#keyNumber(key)
    const writer = this.#writer()
    const start = writer.at
    this.#doubles[number] ??= doubleAttribute(this.#keys[number]!)
    writer.raw(this.#doubles[number])
    writer.at -= DOUBLE_BYTES
    writer.double(value)
    this.#put(row, this.#attributeWhat(row, number), start, writer.at - DOUBLE_BYTES - 1)
  }

  /** Adds a value to an attribute that is an array of strings; what the span has under that key comes first. */
  appendToStringArray(row: number, key: string, value: string): void {
    if (this.isUnread) return
    const before = this.#find(row, this.#attributeWhat(row, this.#keyNumber(key)))
    const writer = this.#beginAttribute(key)
    writer.varint(Tag.arrayValue)
    const array = writer.begin()
    if (before >= 0) this.#copyItemsOfEntry(before, writer)
    else this.#copyItemsOfSpan(row, key, writer)
    writer.varint(Tag.arrayItem)
    const item = writer.begin()
    writer.varint(Tag.stringValue)
    writer.string(value)
    writer.end(item)
    this.#itemsLength = writer.at - array
    writer.end(array)
    this.#endAttribute(row, key, true)
  }

  // Where the attribute being written begins, and its two open messages.
  #attributeStart = 0
  #keyValue = 0
  #anyValue = 0
  #itemsLength = 0

  /**
   *     Span 9 attributes   KeyValue 1 key, 2 value   AnyValue 1 string, 3 int, 4 double, 5 array   ArrayValue 1 values
   */
  #beginAttribute(key: string): ProtoWriter {
    const writer = this.#writer()
    this.#attributeStart = writer.at
    writer.varint(Tag.attributes)
    this.#keyValue = writer.begin()
    writer.varint(Tag.key)
    writer.lengthDelimited(this.#keys[this.#keyNumber(key)]!.bytes)
    writer.varint(Tag.value)
    this.#anyValue = writer.begin()
    return writer
  }

  #endAttribute(row: number, key: string, isArray: boolean): void {
    const writer = this.#writer()
    // The value ends where the attribute ends, however far the lengths before it have moved it.
    const valueLength = isArray ? this.#itemsLength : writer.at - this.#anyValue
    writer.end(this.#anyValue)
    writer.end(this.#keyValue)
    const value = ((writer.at - valueLength) | (isArray ? ARRAY : 0)) >>> 0
    this.#put(row, this.#attributeWhat(row, this.#keyNumber(key)), this.#attributeStart, value)
  }

  #copyItemsOfEntry(entry: number, writer: ProtoWriter): void {
    const at = entry * ENTRY_WORDS
    const value = this.entries[at + Entry.value]!
    const content = writer.bytes.subarray(value & ~ARRAY, this.entries[at + Entry.end]!)
    copyItems(writer, content, (value & ARRAY) !== 0)
  }

  #copyItemsOfSpan(row: number, key: string, writer: ProtoWriter): void {
    const place = locateAttribute(this.table, row, this.#keys[this.#keyNumber(key)]!)
    if (place !== null) copyItems(writer, place.bytes.subarray(place.start, place.end), place.isArray)
  }

  /** What an entry of this attribute of a row says; always the same, since the span's bytes do not change. */
  #attributeWhat(row: number, keyNumber: number): number {
    const isCarried = hasAttribute(this.table, row, this.#keys[keyNumber]!)
    return (keyNumber << KIND_BITS) | (isCarried ? EditKind.replacedAttribute : EditKind.newAttribute)
  }

  /** The entry of a row that says that, -1 where there is none. */
  #find(row: number, what: number): number {
    let entry = this.firstEntry(row)
    while (entry >= 0 && this.entries[entry * ENTRY_WORDS + Entry.what] !== what)
      entry = this.entries[entry * ENTRY_WORDS + Entry.next]! - 1
    return entry
  }

  /** Makes what was written since `start` the field or attribute of a row, in place of an earlier one. */
  #put(row: number, what: number, start: number, value: number): void {
    const entry = this.#find(row, what)
    if (entry < 0) {
      this.#addEntry(row, what, start, value)
      return
    }
    const at = entry * ENTRY_WORDS
    this.entries[at + Entry.start] = start
    this.entries[at + Entry.end] = this.#writer().at
    this.entries[at + Entry.value] = value
  }

  /** Adds an entry behind those that the row has. */
  #addEntry(row: number, what: number, start: number, value: number): void {
    this.#reserveRow(row)
    const at = this.#entryCount * ENTRY_WORDS
    if (at + ENTRY_WORDS > this.entries.length) this.entries = grown(this.entries, at + ENTRY_WORDS)
    this.entries[at + Entry.what] = what
    this.entries[at + Entry.start] = start
    this.entries[at + Entry.end] = this.#writer().at
    this.entries[at + Entry.value] = value
    this.entries[at + Entry.next] = 0
    const link = ++this.#entryCount
    let last = this.firstEntry(row)
    if (last < 0) {
      this.rows[row] = link | (this.rows[row]! & DROPPED)
      return
    }
    for (let next = last; next >= 0; next = this.entries[last * ENTRY_WORDS + Entry.next]! - 1) last = next
    this.entries[last * ENTRY_WORDS + Entry.next] = link
  }

  #reserveRow(row: number): void {
    if (row >= this.rows.length) this.rows = grown(this.rows, Math.max(row + 1, this.table.count))
  }

  #writer(): ProtoWriter {
    this.#arena ??= new ProtoWriter(256)
    return this.#arena
  }

  #keyNumber(name: string): number {
    const known = this.#keyNumbers.get(name)
    if (known !== undefined) return known
    const number = this.#keys.push(attributeKey(name)) - 1
    this.#keyNumbers.set(name, number)
    return number
  }
}

/** Field 9 of a span: KeyValue { key, AnyValue { double 0 } }, which ends with the double. */
function doubleAttribute(key: AttributeKey): Uint8Array {
  const writer = new ProtoWriter(key.bytes.length + 32)
  writer.varint(Tag.attributes)
  const keyValue = writer.begin()
  writer.varint(Tag.key)
  writer.lengthDelimited(key.bytes)
  writer.varint(Tag.value)
  const anyValue = writer.begin()
  writer.varint(Tag.doubleValue)
  writer.double(0)
  writer.end(anyValue)
  writer.end(keyValue)
  return writer.bytes.subarray(0, writer.at)
}

function fieldWhat(field: number): number {
  return ((field << KIND_BITS) | EditKind.field) >>> 0
}

/** Items of an array as they are; any other value as an item, and none where there is no value. */
function copyItems(writer: ProtoWriter, content: Uint8Array, isArray: boolean): void {
  if (isArray) writer.raw(content)
  else if (content.length > 0) {
    writer.varint(Tag.arrayItem)
    writer.lengthDelimited(content)
  }
}

/** A word of an id: fixed32 is little-endian. */
function bigEndian(writer: ProtoWriter, word: number): void {
  writer.fixed32(((word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24)) >>> 0)
}

function grown(array: Uint32Array, needed: number): Uint32Array {
  const larger = new Uint32Array(Math.max(needed, array.length * 2, 32))
  larger.set(array)
  return larger
}
