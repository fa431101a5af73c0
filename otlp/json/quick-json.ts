import { isUtf8 } from 'node:buffer'
import { Decimal64 } from './decimal64.ts'
import { ProtoWriter } from './proto-writer.ts'
import { type FieldSchema, FieldType, type MessageSchema } from './schema.ts'

/**
 * A request from OTLP/JSON in the form that encoders write, read byte by byte in one pass: names in lowerCamelCase, each
 * once, enums as numbers, no field that is not known. Null where it meets anything else, be it legal or not: the same
 * request has then to be read by json-to-protobuf.ts, which also says what is wrong. Where it is not null it is, byte for
 * byte, what that gives. Half the cost of JSON.parse and a second walk over the objects. With a writer it lies there, good
 * until the writer is used again; otherwise in memory of its own.
 */
export function quickJsonToProtobuf(schema: MessageSchema, json: Uint8Array, into?: ProtoWriter): Uint8Array | null {
  const writer = into ?? new ProtoWriter(json.length >> 1)
  writer.at = 0
  try {
    new QuickJson(json, writer).request(schema)
    return into === undefined ? writer.finish() : writer.written()
  } catch (error) {
    if (error !== UNUSUAL) throw error
    return null
  }
}

/** Thrown to leave all levels at once; never seen outside. */
const UNUSUAL = new Error('not in the form that encoders write')

/** Deeper messages are left to whoever counts levels. */
const DEPTH_LIMIT = 40

class QuickJson {
  readonly #bytes: Uint8Array
  readonly #writer: ProtoWriter
  readonly #number = new Decimal64()
  #at = 0

  constructor(bytes: Uint8Array, writer: ProtoWriter) {
    // A Buffer is a Uint8Array of another class; code that meets only one class is the faster one.
    this.#bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
    this.#writer = writer
  }

  request(schema: MessageSchema): void {
    this.#message(quickMessage(schema), 0)
    if (this.#next() !== undefined) throw UNUSUAL
  }

  #message(message: QuickMessage, depth: number): void {
    if (depth > DEPTH_LIMIT) throw UNUSUAL
    this.#expect(BRACE)
    let seen = 0
    if (this.#next() === BRACE_END) {
      this.#at++
      return
    }
    let before: { follower: QuickField | null } = message
    for (;;) {
      const quick = this.#name(message, before.follower)
      const { field } = quick
      if ((seen & (1 << field.number)) !== 0) throw UNUSUAL
      seen |= 1 << field.number
      if (field.repeated) this.#list(quick, depth)
      else this.#value(quick, depth, field.explicit)
      if (!this.#goesOn(BRACE_END)) return
      before.follower = quick
      before = quick
    }
  }

  #list(quick: QuickField, depth: number): void {
    const writer = this.#writer
    const { field } = quick
    this.#expect(BRACKET)
    if (this.#next() === BRACKET_END) {
      this.#at++
      return
    }
    let start = 0
    if (field.packed) {
      writer.varint(field.tag)
      start = writer.begin()
    }
    do {
      if (field.packed) this.#scalar(field)
      else this.#value(quick, depth, true)
    } while (this.#goesOn(BRACKET_END))
    if (field.packed) writer.end(start)
  }

  /** One value with its tag; a default is left out unless it says something (`explicit`). */
  #value({ field, message }: QuickField, depth: number, explicit: boolean): void {
    const writer = this.#writer
    const tagAt = writer.at
    writer.varint(field.tag)
    if (message !== null) {
      const start = writer.begin()
      this.#message(message, depth + 1)
      writer.end(start)
    } else if (!this.#scalar(field) && (!explicit || field.type === FieldType.id)) writer.at = tagAt
  }

  /** A value without its tag; false where it is the default. */
  #scalar(field: FieldSchema): boolean {
    const writer = this.#writer
    switch (field.type) {
      case FieldType.string:
        return this.#string()
      case FieldType.id: {
        this.#expect(QUOTE)
        const start = this.#at
        const end = this.#quote(start)
        if (!writer.hexOf(this.#bytes, start, end)) throw UNUSUAL
        this.#at = end + 1
        return end > start
      }
      case FieldType.bool:
        return this.#boolean()
      case FieldType.enum:
      case FieldType.int32:
      case FieldType.sint32:
      case FieldType.uint32: {
        const number = this.#small()
        writer.varint(field.type === FieldType.sint32 ? number << 1 : number)
        return number !== 0
      }
      case FieldType.fixed32: {
        const number = this.#small()
        writer.fixed32(number)
        return number !== 0
      }
      case FieldType.int64:
      case FieldType.uint64:
        this.#large()
        writer.varint64(this.#number.high, this.#number.low)
        return (this.#number.high | this.#number.low) !== 0
      case FieldType.fixed64:
      case FieldType.sfixed64:
        this.#large()
        writer.fixed64(this.#number.high, this.#number.low)
        return (this.#number.high | this.#number.low) !== 0
      case FieldType.double: {
        const number = this.#double()
        writer.double(number)
        return number !== 0 || Object.is(number, -0)
      }
      case FieldType.bytes:
      case FieldType.message:
        throw UNUSUAL
    }
  }

  /** Copied as it stands; where there are escapes, by JSON.parse. */
  #string(): boolean {
    const bytes = this.#bytes
    this.#expect(QUOTE)
    const start = this.#at
    let at = this.#writer.shortUntil(QUOTE, bytes, start)
    if (at >= 0) {
      this.#at = at + 1
      return at > start
    }
    at = start
    let all = 0
    for (let byte = bytes[at]; byte !== QUOTE; byte = bytes[++at]) {
      if (byte === undefined || byte < 0x20) throw UNUSUAL
      if (byte === BACKSLASH) return this.#escaped(start)
      all |= byte
    }
    this.#at = at + 1
    if (all > 0x7f && !isUtf8(bytes.subarray(start, at))) throw UNUSUAL
    this.#writer.copy(bytes, start, at)
    return at > start
  }

  #escaped(start: number): boolean {
    const bytes = this.#bytes
    let at = start
    for (; bytes[at] !== QUOTE; at++) {
      if (at >= bytes.length) throw UNUSUAL
      if (bytes[at] === BACKSLASH) at++
    }
    this.#at = at + 1
    let text: string
    try {
      text = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset + start - 1, at - start + 2).toString('utf8'))
    } catch {
      throw UNUSUAL
    }
    this.#writer.string(text)
    return true
  }

  #boolean(): boolean {
    const isTrue = this.#next() === TRUE[0]
    const word = isTrue ? TRUE : FALSE
    for (let i = 0; i < word.length; i++) if (this.#bytes[this.#at++] !== word[i]) throw UNUSUAL
    this.#writer.varint(isTrue ? 1 : 0)
    return isTrue
  }

  /** A number of up to nine digits that is not negative. */
  #small(): number {
    this.#next()
    const start = this.#at
    const end = this.#digits(start)
    if (end - start > 9 || isFraction(this.#bytes[end])) throw UNUSUAL
    let value = 0
    for (let at = start; at < end; at++) value = value * 10 + this.#bytes[at]! - ZERO
    this.#at = end
    return value
  }

  /** A number that both signed and unsigned can be, bare or as a string; left in `#number`. */
  #large(): void {
    const isText = this.#next() === QUOTE
    if (isText) this.#at++
    const start = this.#bytes[this.#at] === MINUS ? this.#at + 1 : this.#at
    const isNegative = start > this.#at
    const end = this.#digits(start)
    // Of negative numbers only int64 and sfixed64 have any, and they are few.
    if (isNegative || end - start > MAX_DIGITS) throw UNUSUAL
    this.#number.takeDigits(this.#bytes, start, end)
    if (this.#number.high >= 0x8000_0000) throw UNUSUAL
    this.#at = end
    if (isText) {
      if (this.#bytes[this.#at++] !== QUOTE) throw UNUSUAL
    } else if (isFraction(this.#bytes[end])) throw UNUSUAL
  }

  #double(): number {
    this.#next()
    const bytes = this.#bytes
    const start = this.#at
    let at = this.#digits(bytes[start] === MINUS ? start + 1 : start)
    if (bytes[at] === DOT) at = this.#someDigits(at + 1)
    if (bytes[at] === SMALL_E || bytes[at] === LARGE_E) {
      at++
      at = this.#someDigits(bytes[at] === PLUS || bytes[at] === MINUS ? at + 1 : at)
    }
    this.#at = at
    return Number(Buffer.from(bytes.buffer, bytes.byteOffset + start, at - start).toString('latin1'))
  }

  /** Where a whole number ends that begins here: JSON allows no leading zero. */
  #digits(start: number): number {
    const end = this.#someDigits(start)
    if (this.#bytes[start] === ZERO && end > start + 1) throw UNUSUAL
    return end
  }

  #someDigits(start: number): number {
    const bytes = this.#bytes
    let at = start
    while (bytes[at]! >= ZERO && bytes[at]! <= NINE) at++
    if (at === start) throw UNUSUAL
    return at
  }

  /** The field whose name comes next, with its colon; most likely the one that is expected. */
  #name(message: QuickMessage, expected: QuickField | null): QuickField {
    if (this.#next() !== QUOTE) throw UNUSUAL
    if (expected !== null && this.#isNext(expected.field.jsonKey)) return expected
    const bytes = this.#bytes
    const start = this.#at
    const end = this.#quote(start + 1)
    const length = end - start - 1
    if (length === 0) throw UNUSUAL
    for (const quick of message.bySlot[slotOf(bytes[start + 1]!, bytes[end - 1]!, length)]!) {
      const { name, jsonKey } = quick.field
      if (name.length !== length) continue
      let i = 1
      while (i <= length && bytes[start + i] === jsonKey[i]) i++
      if (i <= length) continue
      this.#at = end + 1
      this.#expect(COLON)
      return quick
    }
    throw UNUSUAL
  }

  /** Goes past these bytes if they come next. */
  #isNext(key: Uint8Array): boolean {
    const bytes = this.#bytes
    const start = this.#at
    const length = key.length
    for (let i = 0; i < length; i++) if (bytes[start + i] !== key[i]) return false
    this.#at = start + length
    return true
  }

  /** Where the next quote stands. */
  #quote(start: number): number {
    const bytes = this.#bytes
    let at = start
    while (bytes[at] !== QUOTE) if (++at >= bytes.length) throw UNUSUAL
    return at
  }

  /** Past a comma, or past the end of what it separates: then false. */
  #goesOn(end: number): boolean {
    const byte = this.#next()
    this.#at++
    if (byte === COMMA) return true
    if (byte !== end) throw UNUSUAL
    return false
  }

  #expect(byte: number): void {
    if (this.#next() !== byte) throw UNUSUAL
    this.#at++
  }

  /** The next byte that is no blank, which stays. */
  #next(): number | undefined {
    const bytes = this.#bytes
    let byte = bytes[this.#at]
    while (byte === SPACE || byte === LINE_END || byte === CARRIAGE_RETURN || byte === TAB) byte = bytes[++this.#at]
    return byte
  }
}

function isFraction(byte: number | undefined): boolean {
  return byte === DOT || byte === SMALL_E || byte === LARGE_E
}

/**
 * A message, and which field came first the last time: encoders write fields in one order, so that a name is most likely
 * known before it is read.
 */
interface QuickMessage {
  /** Fields by their names, in slots of one or two. */
  readonly bySlot: readonly (readonly QuickField[])[]
  follower: QuickField | null
}

/** A field, and which one followed it the last time. */
interface QuickField {
  readonly field: FieldSchema
  /** Of messages: what it holds. */
  readonly message: QuickMessage | null
  follower: QuickField | null
}

const KNOWN = new Map<MessageSchema, QuickMessage>()
const SLOTS = 64

function quickMessage(schema: MessageSchema): QuickMessage {
  const known = KNOWN.get(schema)
  if (known !== undefined) return known
  const bySlot: QuickField[][] = Array.from({ length: SLOTS }, () => [])
  const message: QuickMessage = { bySlot, follower: null }
  // Before its fields: a message may hold itself.
  KNOWN.set(schema, message)
  for (const field of schema.byNumber) {
    if (field === undefined) continue
    const { name } = field
    const slot = slotOf(name.charCodeAt(0), name.charCodeAt(name.length - 1), name.length)
    bySlot[slot]!.push({ field, message: field.message && quickMessage(field.message), follower: null })
  }
  return message
}

function slotOf(first: number, last: number, length: number): number {
  return (first * 5 + last * 3 + length) & (SLOTS - 1)
}

/** More may not fit in 64 bits. */
const MAX_DIGITS = 19
const TRUE = Buffer.from('true')
const FALSE = Buffer.from('false')
const QUOTE = 0x22
const BACKSLASH = 0x5c
const BRACE = 0x7b
const BRACE_END = 0x7d
const BRACKET = 0x5b
const BRACKET_END = 0x5d
const COMMA = 0x2c
const COLON = 0x3a
const MINUS = 0x2d
const PLUS = 0x2b
const DOT = 0x2e
const SMALL_E = 0x65
const LARGE_E = 0x45
const ZERO = 0x30
const NINE = 0x39
const SPACE = 0x20
const TAB = 0x09
const LINE_END = 0x0a
const CARRIAGE_RETURN = 0x0d
