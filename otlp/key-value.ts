import { equalBytes, MalformedProtobuf, WireReader, WireType } from './wire.ts'

/** Tags of the members of an AnyValue that are looked up. */
export const ValueTag = {
  string: (1 << 3) | WireType.bytes,
  bool: (2 << 3) | WireType.varint,
  int: (3 << 3) | WireType.varint,
  double: (4 << 3) | WireType.fixed64,
  array: (5 << 3) | WireType.bytes,
} as const

/** In a Span. */
export const ATTRIBUTES_TAG = (9 << 3) | WireType.bytes
const KEY = (1 << 3) | WireType.bytes
const VALUE = (2 << 3) | WireType.bytes

/** The value that was found last: where its AnyValue stands, or what was read of it. Nothing is allocated for a look-up. */
export const found = { bytes: new Uint8Array(0) as Uint8Array, start: 0, end: 0, hi: 0, lo: 0 }
const reader = new WireReader(found.bytes)

/**
 * Whether the KeyValue has that key; its value is then in `found`.
 *
 *     KeyValue  1 key string, 2 value AnyValue
 */
export function valueOfKey(bytes: Uint8Array, start: number, end: number, key: Uint8Array): boolean {
  if (!isPlain(bytes, start, end)) return valueOfKeyInAnyForm(bytes, start, end, key)
  const valueAt = start + 2 + key.length
  if (bytes[start + 1] !== key.length || !equalBytes(bytes, start + 2, valueAt, key)) return false
  found.bytes = bytes
  found.start = valueAt + (bytes[valueAt + 1]! < 0x80 ? 2 : 3)
  found.end = end
  return true
}

/** The form that every SDK writes: a short key, then a value up to the end, of less than 16 KiB. */
export function isPlain(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start < 4 || bytes[start] !== KEY || bytes[start + 1]! >= 0x80) return false
  const valueAt = start + 2 + bytes[start + 1]!
  if (valueAt + 2 > end || bytes[valueAt] !== VALUE) return false
  const length = bytes[valueAt + 1]!
  if (length < 0x80) return valueAt + 2 + length === end
  return (
    valueAt + 3 <= end &&
    bytes[valueAt + 2]! < 0x80 &&
    valueAt + 3 + ((bytes[valueAt + 2]! << 7) | (length & 0x7f)) === end
  )
}

function valueOfKeyInAnyForm(bytes: Uint8Array, start: number, end: number, key: Uint8Array): boolean {
  reader.bytes = bytes
  reader.at = start
  reader.end = end
  // An absent key is the empty one, an absent value an empty AnyValue.
  let matches = key.length === 0
  let valueStart = start
  let valueEnd = start
  while (reader.next()) {
    if (reader.type !== WireType.bytes || reader.field > 2) {
      reader.skip()
      continue
    }
    const to = reader.lengthEnd()
    if (reader.field === 1) matches = equalBytes(bytes, reader.at, to, key)
    else {
      valueStart = reader.at
      valueEnd = to
    }
    reader.at = to
  }
  found.bytes = bytes
  found.start = valueStart
  found.end = valueEnd
  return matches
}

/**
 * Reads the AnyValue in `found` if its member is the one wanted: strings as `start` and `end`, numbers as `hi` and `lo`.
 * A value holds one member; of several the last counts.
 */
export function readMember(wanted: number): boolean {
  reader.bytes = found.bytes
  reader.at = found.start
  reader.end = found.end
  let isWanted = false
  try {
    while (reader.next()) {
      const tag = (reader.field << 3) | reader.type
      if (reader.field >= 1 && reader.field <= 7) isWanted = tag === wanted
      if (!isWanted || tag !== wanted) reader.skip()
      else if (reader.type === WireType.bytes) {
        found.end = reader.lengthEnd()
        found.start = reader.at
        reader.at = found.end
      } else {
        if (reader.type === WireType.varint) reader.varint64()
        else reader.fixed64()
        found.hi = reader.hi
        found.lo = reader.lo
      }
    }
  } catch (error) {
    if (!(error instanceof MalformedProtobuf)) throw error
    return false
  }
  return isWanted
}
