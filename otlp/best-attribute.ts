import { type AttributeKey, attributeKey, internAttribute } from './attributes.ts'
import type { ByteInterner } from './byte-interner.ts'
import { hashInt32 } from './hash.ts'
import { ATTRIBUTES_TAG, found, isPlain, readMember, ValueTag, valueOfKey } from './key-value.ts'
import { Column, ROW_WORDS, type SpanTable } from './span-table.ts'
import { WireReader, WireType } from './wire.ts'

const reader = new WireReader(new Uint8Array(0))

/** Several keys to look attributes up by, best first. */
export interface AttributeChoice {
  readonly keys: readonly AttributeKey[]
  /** One bit for each length of a key, modulo 32: it tells most other keys. */
  readonly lengths: number
}

export function attributeChoice(...names: readonly string[]): AttributeChoice {
  const keys = names.map(attributeKey)
  return { keys, lengths: keys.reduce((bits, { bytes }) => bits | (1 << (bytes.length & 31)), 0) }
}

/** The id in `interner` of the text of the best key that a span has one for, by one walk over its attributes; -1 for none. */
export function internBestAttribute(
  table: SpanTable,
  row: number,
  choice: AttributeChoice,
  interner: ByteInterner,
): number {
  const { keys } = choice
  const best = findBest(table, row, choice)
  if (best === keys.length) return -1
  const isText = readMember(ValueTag.string)
  const { bytes, start, end } = found
  let id = isText ? interner.intern(bytes, start, end - start, hashInt32(bytes, start, end)) : -1
  for (let next = best + 1; next < keys.length && id === -1; next++)
    id = internAttribute(table, row, keys[next]!, interner)
  return id
}

/**
 * The place of the best key that a span has, with the AnyValue of its first attribute in `found`; the number of keys where
 * it has none.
 */
function findBest({ words, sources }: SpanTable, row: number, { keys, lengths }: AttributeChoice): number {
  const mask = words[row * ROW_WORDS + Column.keyMask]!
  let possible = 0
  while (possible < keys.length && (mask & keys[possible]!.bit) === 0) possible++
  let best = keys.length
  if (possible === best) return best
  const bytes = sources[words[row * ROW_WORDS + Column.source]!]!.bytes
  const bodyEnd = words[row * ROW_WORDS + Column.bodyEnd]!
  reader.bytes = bytes
  let at = words[row * ROW_WORDS + Column.bodyStart]!
  let valueStart = 0
  let valueEnd = 0
  while (at < bodyEnd && best > possible) {
    const tag = bytes[at]!
    let start = at + 2
    let end = start + bytes[at + 1]!
    if ((tag & 0x87) === WireType.fixed64) {
      at += 9
      continue
    }
    if ((tag & 0x87) !== WireType.bytes || bytes[at + 1]! >= 0x80) {
      reader.at = at
      reader.end = bodyEnd
      reader.next()
      if (reader.field !== 9 || reader.type !== WireType.bytes) {
        reader.skip()
        at = reader.at
        continue
      }
      end = reader.lengthEnd()
      start = reader.at
    } else if (tag !== ATTRIBUTES_TAG) {
      at = end
      continue
    }
    at = end
    if (isPlain(bytes, start, end) && ((lengths >>> (bytes[start + 1]! & 31)) & 1) === 0) continue
    for (let key = possible; key < best; key++) {
      if (!valueOfKey(bytes, start, end, keys[key]!.bytes)) continue
      best = key
      valueStart = found.start
      valueEnd = found.end
    }
  }
  found.bytes = bytes
  found.start = valueStart
  found.end = valueEnd
  return best
}
