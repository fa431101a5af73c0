import { hashBytes } from './hash.ts'
import type { AttributeValue } from './resource.ts'
import { Column, type SpanTable } from './span-table.ts'
import { WireReader, WireType } from './wire.ts'

/** A key to look attributes up by, made once. */
export interface AttributeKey {
  readonly name: string
  readonly bytes: Uint8Array
  /** The key's bit in `Column.keyMask`. */
  readonly bit: number
}

export function attributeKey(name: string): AttributeKey {
  const bytes = Buffer.from(name, 'utf8')
  return { name, bytes, bit: 1 << (hashBytes(bytes, 0, bytes.length) & 31) }
}

/** Whether a span has an attribute of that key. */
export function hasAttribute(table: SpanTable, row: number, key: AttributeKey): boolean {
  return findAttribute(table, row, key) !== null
}

/** The text of a string attribute of a span; null where it has none or one of another type. */
export function stringAttribute(table: SpanTable, row: number, key: AttributeKey): string | null {
  const reader = findAttribute(table, row, key)
  if (!reader) return null
  let text: string | null = null
  while (reader.next()) {
    if (reader.field !== 1 || reader.type !== WireType.bytes) {
      reader.skip()
      continue
    }
    const end = reader.lengthEnd()
    text = utf8(reader.bytes, reader.at, end)
    reader.at = end
  }
  return text
}

/** A reader over the AnyValue of the attribute, or null. The key mask spares most spans the walk. */
function findAttribute(table: SpanTable, row: number, key: AttributeKey): WireReader | null {
  if ((table.get(row, Column.keyMask) & key.bit) === 0) return null
  const reader = new WireReader(table.sourceOf(row).bytes)
  reader.at = table.get(row, Column.bodyStart)
  const bodyEnd = table.get(row, Column.bodyEnd)
  reader.end = bodyEnd
  while (reader.next()) {
    if (reader.field !== 9 || reader.type !== WireType.bytes) {
      reader.skip()
      continue
    }
    const end = reader.lengthEnd()
    reader.end = end
    if (valueOfKey(reader, key.bytes)) return reader
    reader.at = end
    reader.end = bodyEnd
  }
  return null
}

/**
 * Moves the reader to the value of a KeyValue if its key is the one asked for.
 *
 *     KeyValue  1 key string, 2 value AnyValue
 */
function valueOfKey(reader: WireReader, key: Uint8Array): boolean {
  let matches = false
  let valueStart = -1
  let valueEnd = -1
  while (reader.next()) {
    if (reader.type !== WireType.bytes || reader.field > 2) {
      reader.skip()
      continue
    }
    const end = reader.lengthEnd()
    if (reader.field === 1) matches = equalBytes(reader.bytes, reader.at, end, key)
    else {
      valueStart = reader.at
      valueEnd = end
    }
    reader.at = end
  }
  if (!matches || valueStart < 0) return false
  reader.at = valueStart
  reader.end = valueEnd
  return true
}

/** Reads all attributes (repeated KeyValue in `field`) of a message into a map. */
export function readAttributes(
  bytes: Uint8Array,
  start: number,
  end: number,
  field: number,
  into: Map<string, AttributeValue>,
): void {
  const reader = new WireReader(bytes)
  reader.at = start
  reader.end = end
  while (reader.next()) {
    if (reader.field !== field || reader.type !== WireType.bytes) {
      reader.skip()
      continue
    }
    const to = reader.lengthEnd()
    readKeyValue(bytes, reader.at, to, into)
    reader.at = to
  }
}

function readKeyValue(bytes: Uint8Array, start: number, end: number, into: Map<string, AttributeValue>): void {
  const reader = new WireReader(bytes)
  reader.at = start
  reader.end = end
  let key = ''
  let value: AttributeValue = ''
  while (reader.next()) {
    if (reader.type !== WireType.bytes || reader.field > 2) {
      reader.skip()
      continue
    }
    const to = reader.lengthEnd()
    if (reader.field === 1) key = utf8(bytes, reader.at, to)
    else value = readAnyValue(bytes, reader.at, to)
    reader.at = to
  }
  into.set(key, value)
}

/**
 *     AnyValue  1 string, 2 bool, 3 int64 varint, 4 double, 5 array, 6 kvlist, 7 bytes
 *
 * Arrays, lists and bytes are kept as hex: they are compared, not shown.
 */
function readAnyValue(bytes: Uint8Array, start: number, end: number): AttributeValue {
  const reader = new WireReader(bytes)
  reader.at = start
  reader.end = end
  let value: AttributeValue = ''
  while (reader.next()) {
    const at = reader.at
    reader.skip()
    switch ((reader.field << 3) | reader.type) {
      case (1 << 3) | WireType.bytes: {
        reader.at = at
        const to = reader.lengthEnd()
        value = utf8(bytes, reader.at, to)
        reader.at = to
        break
      }
      case (2 << 3) | WireType.varint:
        value = bytes[at] !== 0
        break
      case (3 << 3) | WireType.varint:
        value = readInt64(bytes, at)
        break
      case (4 << 3) | WireType.fixed64:
        value = new DataView(bytes.buffer, bytes.byteOffset + at, 8).getFloat64(0, true)
        break
      default:
        value = Buffer.from(bytes.subarray(at, reader.at)).toString('hex')
    }
  }
  return value
}

/** A number where it is exact, else a bigint. */
function readInt64(bytes: Uint8Array, at: number): number | bigint {
  let value = 0n
  for (let shift = 0n; ; shift += 7n) {
    const byte = bytes[at++]!
    value |= BigInt(byte & 0x7f) << shift
    if (byte < 0x80) break
  }
  value = BigInt.asIntN(64, value)
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}

function equalBytes(bytes: Uint8Array, start: number, end: number, other: Uint8Array): boolean {
  if (end - start !== other.length) return false
  for (let i = 0; i < other.length; i++) if (bytes[start + i] !== other[i]) return false
  return true
}

function utf8(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8')
}
