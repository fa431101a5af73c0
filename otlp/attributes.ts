import { doubleOf, eachMessage } from './any-value.ts'
import type { ByteInterner } from './byte-interner.ts'
import { hashBytes, hashInt32, keyBit } from './hash.ts'
import { ATTRIBUTES_TAG, found, readMember, ValueTag, valueOfKey } from './key-value.ts'
import { Column, ROW_WORDS, type SpanTable } from './span-table.ts'
import { narrowToAuthority } from './url-authority.ts'
import { MalformedProtobuf, utf8, WireReader, WireType } from './wire.ts'

export { type AttributeValue, readAttributes } from './any-value.ts'

/** A key to look attributes up by, made once. */
export interface AttributeKey {
  readonly name: string
  readonly bytes: Uint8Array
  /** Of the bytes, by otlp/hash.ts. */
  readonly hash: number
  /** The key's bit in `Column.keyMask`. */
  readonly bit: number
}

export function attributeKey(name: string): AttributeKey {
  const bytes = Buffer.from(name, 'utf8')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  return { name, bytes, hash: hashBytes(bytes, 0, bytes.length), bit: 1 << keyBit(view, 0, bytes.length) }
}

/*
 * Look-ups on the hot path. Nothing is decoded but the value that is asked for, and nothing allocated but the strings
 * that are returned. The mask of a row spares most walks for keys that it lacks (one in four of ten random keys passes).
 * A value that is not what it claims to be reads as absent: the scan has checked it only for its length.
 */

/** Whether a span has an attribute of that key. */
export function hasAttribute(table: SpanTable, row: number, key: AttributeKey): boolean {
  return findValue(table, row, key)
}

/** The text of a string attribute of a span; null where it has none or one of another type. */
export function stringAttribute(table: SpanTable, row: number, key: AttributeKey): string | null {
  if (!findValue(table, row, key) || !readMember(ValueTag.string)) return null
  return utf8(found.bytes, found.start, found.end)
}

/** A whole number, as a double: exact up to 2^53. Null where there is none or one of another type. */
export function intAttribute(table: SpanTable, row: number, key: AttributeKey): number | null {
  if (!findValue(table, row, key) || !readMember(ValueTag.int)) return null
  return (found.hi | 0) * 4294967296 + found.lo
}

export function doubleAttribute(table: SpanTable, row: number, key: AttributeKey): number | null {
  if (!findValue(table, row, key) || !readMember(ValueTag.double)) return null
  return doubleOf(found.hi, found.lo)
}

export function boolAttribute(table: SpanTable, row: number, key: AttributeKey): boolean | null {
  if (!findValue(table, row, key) || !readMember(ValueTag.bool)) return null
  return (found.lo | found.hi) !== 0
}

/** The texts of an attribute that is an array of strings (members of another type left out); not for the hot path. */
export function stringArrayAttribute(table: SpanTable, row: number, key: AttributeKey): string[] | null {
  if (!findValue(table, row, key) || !readMember(ValueTag.array)) return null
  const { bytes, start, end } = found
  const values: string[] = []
  try {
    eachMessage(bytes, start, end, 1, (from, to) => {
      found.start = from
      found.end = to
      if (readMember(ValueTag.string)) values.push(utf8(bytes, found.start, found.end))
    })
  } catch (error) {
    if (!(error instanceof MalformedProtobuf)) throw error
    return null
  }
  return values
}

/** The id of a string attribute's text in `interner`; -1 where the span has none. */
export function internAttribute(table: SpanTable, row: number, key: AttributeKey, interner: ByteInterner): number {
  if (!findValue(table, row, key) || !readMember(ValueTag.string)) return -1
  const { bytes, start, end } = found
  return interner.intern(bytes, start, end - start, hashInt32(bytes, start, end))
}

/** Host and port of the URL that a string attribute holds; null where there is none. */
export function authorityAttribute(table: SpanTable, row: number, key: AttributeKey): string | null {
  if (!findAuthority(table, row, key)) return null
  return utf8(found.bytes, found.start, found.end)
}

/** The same as an id in `interner`; -1 for none. */
export function internAuthority(table: SpanTable, row: number, key: AttributeKey, interner: ByteInterner): number {
  if (!findAuthority(table, row, key)) return -1
  const { bytes, start, end } = found
  return interner.intern(bytes, start, end - start, hashInt32(bytes, start, end))
}

function findAuthority(table: SpanTable, row: number, key: AttributeKey): boolean {
  return findValue(table, row, key) && readMember(ValueTag.string) && narrowToAuthority(found)
}

/** Where the value of an attribute stands, for whoever copies it; null where the span has none. */
export function locateAttribute(table: SpanTable, row: number, key: AttributeKey): AttributePlace | null {
  if (!findValue(table, row, key)) return null
  const { bytes, start, end } = found
  const isArray = readMember(ValueTag.array)
  return isArray ? { bytes, start: found.start, end: found.end, isArray } : { bytes, start, end, isArray }
}

export interface AttributePlace {
  readonly bytes: Uint8Array
  /** Offsets of the AnyValue; of an array, of its ArrayValue. */
  readonly start: number
  readonly end: number
  readonly isArray: boolean
}

const reader = new WireReader(found.bytes)

/** Finds the first attribute of that key and leaves its AnyValue in `found`. */
function findValue(table: SpanTable, row: number, key: AttributeKey): boolean {
  const words = table.words
  const at = row * ROW_WORDS
  if ((words[at + Column.keyMask]! & key.bit) === 0) return false
  const bytes = table.sources[words[at + Column.source]!]!.bytes
  const bodyEnd = words[at + Column.bodyEnd]!
  reader.bytes = bytes
  reader.at = words[at + Column.bodyStart]!
  reader.end = bodyEnd
  while (reader.at < bodyEnd) {
    if (bytes[reader.at] === ATTRIBUTES_TAG) reader.at++
    else {
      reader.next()
      if (reader.field !== 9 || reader.type !== WireType.bytes) {
        reader.skip()
        continue
      }
    }
    const end = reader.lengthEnd()
    if (valueOfKey(bytes, reader.at, end, key.bytes)) return true
    reader.at = end
    reader.end = bodyEnd
  }
  return false
}
