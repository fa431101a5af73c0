import { Malformed } from '../malformed.ts'
import type { RequestSignal } from '../request.ts'
import { MalformedProtobuf, WireReader, WireType } from '../wire.ts'
import { Decimal64 } from './decimal64.ts'
import type { MessageName } from './messages.ts'
import { type FieldSchema, FieldType, type MessageSchema, messageSchema, wireTypeOf } from './schema.ts'

/** An OTLP/JSON object: what JSON.stringify makes the request of. */
export type OtlpJsonObject = { [field: string]: unknown }

/**
 * A request as OTLP/JSON: lowerCamelCase, ids in hex, enums as numbers, 64-bit numbers as strings, bytes in base64. Unknown
 * fields have no name and are left out. Profiles have no JSON form here: their messages are still changing.
 */
export function protobufToJson(signal: RequestSignal, bytes: Uint8Array): OtlpJsonObject | Malformed {
  if (signal === 'profiles')
    return new Malformed(
      0,
      'ExportProfilesServiceRequest',
      'profiles have no JSON form; send or store them as protobuf',
    )
  return messageToJson(REQUESTS[signal], bytes)
}

/** The same as one line of text, without line end. */
export function protobufToJsonText(signal: RequestSignal, bytes: Uint8Array): string | Malformed {
  const json = protobufToJson(signal, bytes)
  return json instanceof Malformed ? json : JSON.stringify(json)
}

/** Any message of the table, such as a span. */
export function messageToJson(name: MessageName, bytes: Uint8Array): OtlpJsonObject | Malformed {
  const decoder = new Decoder(bytes, name)
  try {
    return decoder.message(messageSchema(name), {}, 0)
  } catch (error) {
    if (!(error instanceof MalformedProtobuf)) throw error
    return new Malformed(error.byteOffset, decoder.path(), error.message)
  }
}

const REQUESTS = {
  traces: 'ExportTraceServiceRequest',
  metrics: 'ExportMetricsServiceRequest',
  logs: 'ExportLogsServiceRequest',
} as const satisfies Record<Exclude<RequestSignal, 'profiles'>, MessageName>

/** As deep as other protobuf readers follow; an attribute's list or map takes three levels. */
const DEPTH_LIMIT = 100

class Decoder {
  readonly #reader: WireReader
  readonly #path: string[]
  #depth = 0

  constructor(bytes: Uint8Array, name: MessageName) {
    this.#reader = new WireReader(bytes)
    this.#path = [name]
  }

  path(): string {
    return this.#path.slice(0, this.#depth + 1).join('.')
  }

  /** Reads up to the reader's end into `json`; a message that comes in pieces is read into the same object again. */
  message(schema: MessageSchema, json: OtlpJsonObject, depth: number): OtlpJsonObject {
    const reader = this.#reader
    if (depth >= DEPTH_LIMIT) throw new MalformedProtobuf(reader.at, `messages nest deeper than ${DEPTH_LIMIT}`)
    this.#depth = depth
    while (reader.next()) {
      const field = schema.byNumber[reader.field]
      if (field === undefined) reader.skip()
      else if (field.message !== null) this.#nested(field, field.message, json, depth)
      else this.#scalarField(field, json)
    }
    return json
  }

  #nested(field: FieldSchema, schema: MessageSchema, json: OtlpJsonObject, depth: number): void {
    const reader = this.#reader
    if (reader.type !== WireType.bytes) {
      reader.skip()
      return
    }
    const innerEnd = reader.lengthEnd()
    const outerEnd = reader.end
    const before = field.repeated ? undefined : (json[field.name] as OtlpJsonObject | undefined)
    reader.end = innerEnd
    this.#path[depth + 1] = field.name
    this.#put(field, json, this.message(schema, before ?? {}, depth + 1))
    this.#depth = depth
    reader.end = outerEnd
  }

  #scalarField(field: FieldSchema, json: OtlpJsonObject): void {
    const reader = this.#reader
    const wireType = wireTypeOf(field.type)
    if (reader.type === wireType) {
      this.#put(field, json, this.#scalar(field))
    } else if (reader.type === WireType.bytes && field.repeated) {
      const innerEnd = reader.lengthEnd()
      const outerEnd = reader.end
      reader.end = innerEnd
      while (reader.at < innerEnd) this.#put(field, json, this.#scalar(field))
      reader.end = outerEnd
    } else {
      reader.skip()
    }
  }

  #put(field: FieldSchema, json: OtlpJsonObject, value: unknown): void {
    if (field.repeated) {
      const list = json[field.name] as unknown[] | undefined
      if (list === undefined) json[field.name] = [value]
      else list.push(value)
      return
    }
    for (const rival of field.rivals) if (rival in json) delete json[rival]
    json[field.name] = value
  }

  #scalar(field: FieldSchema): unknown {
    const reader = this.#reader
    switch (field.type) {
      case FieldType.string:
        return this.#content('utf8')
      case FieldType.id:
        return this.#content('hex')
      case FieldType.bytes:
        return this.#content('base64')
      case FieldType.bool:
        reader.varint32()
        return (reader.hi | reader.lo) !== 0
      case FieldType.enum:
      case FieldType.int32:
        return reader.varint32() | 0
      case FieldType.uint32:
        return reader.varint32()
      case FieldType.sint32: {
        const zigZag = reader.varint32()
        return (zigZag >>> 1) ^ -(zigZag & 1)
      }
      case FieldType.fixed32:
        return reader.fixed32()
      case FieldType.int64:
        reader.varint32()
        return Decimal64.signedText(reader.hi, reader.lo)
      case FieldType.uint64:
        reader.varint32()
        return Decimal64.unsignedText(reader.hi, reader.lo)
      case FieldType.fixed64:
        reader.fixed64()
        return Decimal64.unsignedText(reader.hi, reader.lo)
      case FieldType.sfixed64:
        reader.fixed64()
        return Decimal64.signedText(reader.hi, reader.lo)
      case FieldType.double: {
        reader.fixed64()
        WORDS[0] = reader.lo
        WORDS[1] = reader.hi
        const value = DOUBLE[0]!
        return Number.isFinite(value) ? value : String(value)
      }
      case FieldType.message:
        throw new Error(`${field.name} is a message`)
    }
  }

  #content(encoding: BufferEncoding): string {
    const reader = this.#reader
    const stop = reader.lengthEnd()
    const { bytes, at } = reader
    reader.at = stop
    return Buffer.from(bytes.buffer, bytes.byteOffset + at, stop - at).toString(encoding)
  }
}

const WORDS = new Uint32Array(2)
const DOUBLE = new Float64Array(WORDS.buffer)
