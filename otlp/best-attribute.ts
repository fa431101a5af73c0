import { type AttributeKey, attributeKey, internAttribute } from './attributes.ts'
import { ByteInterner } from './byte-interner.ts'
import { hashInt32 } from './hash.ts'
import { ATTRIBUTES_TAG, found, isPlain, readMember, ValueTag, valueOfKey } from './key-value.ts'
import { Column, ROW_WORDS, type SpanTable } from './span-table.ts'
import { widened } from './widened.ts'
import { WireReader, WireType } from './wire.ts'

/** What stands before the text of an attribute beside its key: tag and length of the attribute, key, value and text. */
const HEAD = 8
/** Words in which the bytes of an attribute are remembered. */
const LAST_WORDS = 24

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

/**
 * The text of the best key that a span has one for, as a small number. An SDK writes the attributes of one operation in one
 * order, and an operation mostly has one peer: so if a span has, where the last one of its operation had it, the same
 * attribute byte for byte, it is taken for the best of this one too. All attributes are walked over where it has not, or has
 * other bits in its mask of keys, which may be a better one's.
 */
export class BestAttribute {
  readonly #choice: AttributeChoice
  readonly #interner: ByteInterner
  // By operation, of the span that was walked over last: its mask of keys; of the attribute how far into the body it
  // begins, how long it is and its bytes, four a word; and the id. A mask of 0 is nothing to go by.
  #masks = new Uint32Array(256)
  #offsets = new Uint32Array(256)
  #sizes = new Uint8Array(256)
  #bytes = new Int32Array(256 * LAST_WORDS)
  #ids = new Int32Array(256)
  /** Of no use to anybody; but what is kept nowhere is not read either. */
  fetched = 0

  constructor(choice: AttributeChoice, interner: ByteInterner) {
    this.#choice = choice
    this.#interner = interner
  }

  /** The id in the interner; -1 for none. `operation` is a small number that spans have in common that are written alike. */
  idOf(table: SpanTable, row: number, operation: number): number {
    if (operation >= this.#masks.length) this.#grow(operation)
    const { words, sources } = table
    const at = row * ROW_WORDS
    const mask = words[at + Column.keyMask]!
    if (mask === 0) return ByteInterner.OVERFLOW
    if (mask === this.#masks[operation]) {
      const start = words[at + Column.bodyStart]! + this.#offsets[operation]!
      const isWithin = start + this.#sizes[operation]! <= words[at + Column.bodyEnd]!
      const { view } = sources[words[at + Column.source]!]!
      if (isWithin && this.#isSame(view, start, operation)) return this.#ids[operation]!
    }
    return this.#find(table, row, operation)
  }

  /**
   * Reads a little of what `idOf` will look at in the first `count` of these rows. The bytes of spans that have waited are
   * in no cache: those of many come in the time of one when they are asked for together.
   */
  fetch({ words, sources }: SpanTable, rows: Int32Array, count: number, operations: Int32Array): void {
    let read = 0
    for (let i = 0; i < count; i++) {
      const at = rows[i]! * ROW_WORDS
      const operation = operations[rows[i]!]!
      if (operation >= this.#masks.length || words[at + Column.keyMask] !== this.#masks[operation]) continue
      const { bytes } = sources[words[at + Column.source]!]!
      const start = words[at + Column.bodyStart]! + this.#offsets[operation]!
      const last = start + this.#sizes[operation]! - 1
      if (last < words[at + Column.bodyEnd]!) read ^= bytes[start]! ^ bytes[last]!
    }
    this.fetched = read
  }

  /** Whether the attribute stands at `start`; a few bytes beyond it are read too, and do not count. */
  #isSame(view: DataView, start: number, operation: number): boolean {
    const size = this.#sizes[operation]!
    if (start + size + 3 > view.byteLength) return false
    const bytes = this.#bytes
    let word = operation * LAST_WORDS
    let at = start
    for (const end = start + size - 3; at < end; at += 4) if (view.getInt32(at, true) !== bytes[word++]) return false
    const rest = start + size - at
    return rest === 0 || (view.getInt32(at, true) ^ bytes[word]!) << (32 - rest * 8) === 0
  }

  #find(table: SpanTable, row: number, operation: number): number {
    const { keys } = this.#choice
    const best = findBest(table, row, this.#choice)
    if (best === keys.length) return ByteInterner.OVERFLOW
    const isText = readMember(ValueTag.string)
    const { bytes, start, end } = found
    let id = ByteInterner.OVERFLOW
    if (isText) id = this.#interner.intern(bytes, start, end - start, hashInt32(bytes, start, end))
    if (id !== ByteInterner.OVERFLOW) this.#remember(table, row, operation, start - keys[best]!.bytes.length - HEAD, id)
    for (let next = best + 1; next < keys.length && id === ByteInterner.OVERFLOW; next++)
      id = internAttribute(table, row, keys[next]!, this.#interner)
    return id
  }

  /** Remembers the attribute that begins at `start` if it has the form that every SDK writes, and is short. */
  #remember({ words, sources }: SpanTable, row: number, operation: number, start: number, id: number): void {
    const { bytes, view } = sources[words[row * ROW_WORDS + Column.source]!]!
    const size = 2 + bytes[start + 1]!
    if (bytes[start] !== ATTRIBUTES_TAG || start + size !== found.end) return
    if (size > LAST_WORDS * 4 || start + size + 3 > view.byteLength) return
    this.#masks[operation] = words[row * ROW_WORDS + Column.keyMask]!
    this.#offsets[operation] = start - words[row * ROW_WORDS + Column.bodyStart]!
    this.#sizes[operation] = size
    this.#ids[operation] = id
    for (let i = 0; i * 4 < size; i++) this.#bytes[operation * LAST_WORDS + i] = view.getInt32(start + i * 4, true)
  }

  #grow(operation: number): void {
    this.#masks = widened(this.#masks, operation + 1)
    this.#offsets = widened(this.#offsets, operation + 1)
    this.#sizes = widened(this.#sizes, operation + 1)
    this.#bytes = widened(this.#bytes, this.#masks.length * LAST_WORDS)
    this.#ids = widened(this.#ids, operation + 1)
  }
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
