import { Malformed } from '../malformed.ts'
import type { RequestSignal } from '../request.ts'
import { DEPTH_LIMIT, MalformedProtobuf, WireReader, WireType } from '../wire.ts'
import { FieldRuns, NONE } from './field-runs.ts'
import { JsonWriter } from './json-writer.ts'
import type { MessageName } from './messages.ts'
import { type FieldSchema, FieldType, type MessageSchema, messageSchema } from './schema.ts'

/**
 * A request as one line of OTLP/JSON in UTF-8, without line end: lowerCamelCase, ids in hex, enums as numbers, 64-bit
 * numbers as strings, bytes in base64. Unknown fields have no name and are left out. Profiles have no JSON form here:
 * their messages are still changing.
 */
export function protobufToJson(signal: RequestSignal, bytes: Uint8Array): Buffer | Malformed {
  if (signal === 'profiles')
    return new Malformed(
      0,
      'ExportProfilesServiceRequest',
      'profiles have no JSON form; send or store them as protobuf',
    )
  return messageToJson(REQUESTS[signal], bytes)
}

/** Any message of the table, such as a span. */
export function messageToJson(name: MessageName, bytes: Uint8Array): Buffer | Malformed {
  const transcoder = new Transcoder(bytes, name)
  try {
    return transcoder.transcode(messageSchema(name))
  } catch (error) {
    if (!(error instanceof MalformedProtobuf)) throw error
    return new Malformed(error.byteOffset, transcoder.path(), error.message)
  }
}

const REQUESTS = {
  traces: 'ExportTraceServiceRequest',
  metrics: 'ExportMetricsServiceRequest',
  logs: 'ExportLogsServiceRequest',
} as const satisfies Record<Exclude<RequestSignal, 'profiles'>, MessageName>

/** OTLP as JSON is about this much longer than as protobuf. */
const GROWTH = 2.25

/**
 * Writes messages as they are read, without objects in between. Each is gone through twice: where its fields stand in the
 * order of their numbers, as every encoder writes them, they are written one after another. Otherwise they are put together
 * first (field-runs.ts), since what is one value in JSON may stand in several places in protobuf: of a field that may stand
 * once the last value counts, messages in pieces are one, and of a oneof the member that stands last is left.
 */
class Transcoder {
  readonly #reader: WireReader
  readonly #writer: JsonWriter
  readonly #runs = new FieldRuns()
  readonly #path: string[]
  #depth = 0

  constructor(bytes: Uint8Array, name: MessageName) {
    this.#reader = new WireReader(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length))
    this.#writer = new JsonWriter(bytes.length * GROWTH)
    this.#path = [name]
  }

  path(): string {
    return this.#path.slice(0, this.#depth + 1).join('.')
  }

  transcode(schema: MessageSchema): Buffer {
    this.#message(schema, 0, this.#reader.end, 0)
    return this.#writer.finish()
  }

  #message(schema: MessageSchema, start: number, end: number, depth: number): void {
    this.#enter(start, depth)
    if (this.#isInOrder(schema, start, end)) this.#inOrder(schema, start, end, depth)
    else {
      const mark = this.#runs.open()
      this.#gather(schema, start, end, depth)
      this.#object(schema, this.#runs.first, depth)
      this.#runs.close(mark)
    }
  }

  #enter(start: number, depth: number): void {
    if (depth >= DEPTH_LIMIT) throw new MalformedProtobuf(start, `messages nest deeper than ${DEPTH_LIMIT}`)
    this.#depth = depth
  }

  /** Whether each value can be written where it stands. Goes through the whole message only where it is so. */
  #isInOrder(schema: MessageSchema, start: number, end: number): boolean {
    const reader = this.#reader
    const fields = schema.byNumber
    reader.at = start
    reader.end = end
    let last = 0
    let hasMember = false
    while (reader.next()) {
      const number = reader.field
      if (number < last) return false
      const field = number < fields.length ? fields[number] : undefined
      if (field !== undefined) {
        if (number === last && !field.repeated) return false
        if (reader.type !== field.wireType && (number === last || !this.#isFullPack(field))) return false
        if (field.rivals.length > 0) {
          if (hasMember) return false
          hasMember = true
        }
      }
      last = number
      reader.skip()
    }
    return true
  }

  /** Whether it is a pack of numbers, and there are some. */
  #isFullPack(field: FieldSchema): boolean {
    const reader = this.#reader
    if (!isPacked(field, reader.type)) return false
    const { at } = reader
    const isFull = reader.lengthEnd() > reader.at
    reader.at = at
    return isFull
  }

  #inOrder(schema: MessageSchema, start: number, end: number, depth: number): void {
    const reader = this.#reader
    const writer = this.#writer
    const fields = schema.byNumber
    let list = 0
    let isFirst = true
    writer.byte(BRACE)
    for (let at = start; at < end; ) {
      reader.at = at
      reader.end = end
      reader.next()
      const field = reader.field < fields.length ? fields[reader.field] : undefined
      if (field === undefined) {
        reader.skip()
        at = reader.at
        continue
      }
      if (list !== 0 && list !== field.number) writer.byte(BRACKET_END)
      if (!isFirst) writer.byte(COMMA)
      isFirst = false
      if (list === 0 || list !== field.number) {
        writer.ascii(field.jsonKey)
        list = field.repeated ? field.number : 0
        if (list !== 0) writer.byte(BRACKET)
      }
      at = this.#value(field, depth)
    }
    if (list !== 0) writer.byte(BRACKET_END)
    writer.byte(BRACE_END)
  }

  /** One value, or a pack of numbers, whose tag has just been read; returns where it ends. */
  #value(field: FieldSchema, depth: number): number {
    const reader = this.#reader
    if (reader.type !== field.wireType) return this.#packed(field)
    if (field.message === null) {
      this.#scalar(field)
      return reader.at
    }
    const end = reader.lengthEnd()
    this.#path[depth + 1] = field.name
    this.#message(field.message, reader.at, end, depth + 1)
    this.#depth = depth
    return end
  }

  #packed(field: FieldSchema): number {
    const reader = this.#reader
    const end = reader.lengthEnd()
    reader.end = end
    for (let isFirst = true; reader.at < end; isFirst = false) {
      if (!isFirst) this.#writer.byte(COMMA)
      this.#scalar(field)
    }
    return end
  }

  /** Takes the fields between two offsets into the message that is open. */
  #gather(schema: MessageSchema, start: number, end: number, depth: number): void {
    const reader = this.#reader
    this.#enter(start, depth)
    reader.at = start
    reader.end = end
    for (let at = start; reader.next(); at = reader.at) {
      const number = reader.field
      const field = number < schema.byNumber.length ? schema.byNumber[number] : undefined
      const isField = field !== undefined && (reader.type === field.wireType || isPacked(field, reader.type))
      reader.skip()
      if (isField) this.#runs.add(schema, field, at, reader.at)
    }
  }

  /** Writes the message that was gathered, from its first run on. */
  #object(schema: MessageSchema, first: number, depth: number): void {
    const writer = this.#writer
    const runs = this.#runs
    writer.byte(BRACE)
    const start = writer.at
    for (let run = first; run !== NONE; run = runs.nextField(run)) {
      const before = writer.at
      if (before !== start) writer.byte(COMMA)
      const field = schema.byNumber[runs.number(run)]!
      writer.ascii(field.jsonKey)
      let isWritten = true
      if (field.repeated) isWritten = this.#list(field, run, depth)
      else this.#single(field, run, depth)
      // A member of a oneof that another followed is read all the same, as any reader would, to see whether it is whole.
      if (!isWritten || runs.isOverruled(run)) writer.at = before
    }
    writer.byte(BRACE_END)
  }

  /** False where nothing is in it, as when it stands once, packed, with no number. */
  #list(field: FieldSchema, first: number, depth: number): boolean {
    const reader = this.#reader
    const writer = this.#writer
    writer.byte(BRACKET)
    const start = writer.at
    for (let run = first; run !== NONE; run = this.#runs.next(run)) {
      const end = this.#runs.end(run)
      for (let at = this.#runs.start(run); at < end; ) {
        reader.at = at
        reader.end = end
        reader.next()
        const before = writer.at
        if (before !== start) writer.byte(COMMA)
        const valueAt = writer.at
        at = this.#value(field, depth)
        if (writer.at === valueAt) writer.at = before
      }
    }
    writer.byte(BRACKET_END)
    return writer.at > start + 1
  }

  #single(field: FieldSchema, first: number, depth: number): void {
    const reader = this.#reader
    this.#path[depth + 1] = field.name
    const mark = field.message === null ? 0 : this.#runs.open()
    for (let run = first; run !== NONE; run = this.#runs.next(run)) {
      const end = this.#runs.end(run)
      for (let at = this.#runs.start(run); at < end; ) {
        reader.at = at
        reader.end = end
        reader.next()
        const valueAt = reader.at
        reader.skip()
        at = reader.at
        const isLast = at === end && this.#runs.next(run) === NONE
        reader.at = valueAt
        if (field.message !== null) {
          reader.lengthEnd()
          this.#gather(field.message, reader.at, at, depth + 1)
        } else if (isLast) this.#scalar(field)
        else reader.at = at
      }
    }
    if (field.message === null) return
    this.#object(field.message, this.#runs.first, depth + 1)
    this.#runs.close(mark)
  }

  /** The value at the reader's cursor. */
  #scalar(field: FieldSchema): void {
    const reader = this.#reader
    const writer = this.#writer
    switch (field.type) {
      case FieldType.string: {
        const end = reader.lengthEnd()
        writer.string(reader.bytes, reader.at, end)
        reader.at = end
        return
      }
      case FieldType.id: {
        const end = reader.lengthEnd()
        writer.hex(reader.bytes, reader.at, end)
        reader.at = end
        return
      }
      case FieldType.bytes: {
        const end = reader.lengthEnd()
        writer.base64(reader.bytes, reader.at, end)
        reader.at = end
        return
      }
      case FieldType.bool:
        reader.varint32()
        writer.boolean((reader.hi | reader.lo) !== 0)
        return
      case FieldType.enum:
      case FieldType.int32:
        writer.number(reader.varint32() | 0)
        return
      case FieldType.uint32:
        writer.number(reader.varint32())
        return
      case FieldType.sint32: {
        const zigZag = reader.varint32()
        writer.number((zigZag >>> 1) ^ -(zigZag & 1))
        return
      }
      case FieldType.fixed32:
        writer.number(reader.fixed32())
        return
      case FieldType.int64:
        reader.varint32()
        writer.signed64(reader.hi, reader.lo)
        return
      case FieldType.uint64:
        reader.varint32()
        writer.unsigned64(reader.hi, reader.lo)
        return
      case FieldType.fixed64:
        reader.fixed64()
        writer.unsigned64(reader.hi, reader.lo)
        return
      case FieldType.sfixed64:
        reader.fixed64()
        writer.signed64(reader.hi, reader.lo)
        return
      case FieldType.double:
        reader.fixed64()
        WORDS[0] = reader.lo
        WORDS[1] = reader.hi
        writer.number(DOUBLE[0]!)
        return
      case FieldType.message:
        throw new Error(`${field.name} is a message`)
    }
  }
}

/** Numbers of a list may stand one by one or packed, whichever the schema says. */
function isPacked(field: FieldSchema, wireType: number): boolean {
  return field.packed && wireType === WireType.bytes
}

const BRACE = 0x7b
const BRACE_END = 0x7d
const BRACKET = 0x5b
const BRACKET_END = 0x5d
const COMMA = 0x2c
const WORDS = new Uint32Array(2)
const DOUBLE = new Float64Array(WORDS.buffer)
