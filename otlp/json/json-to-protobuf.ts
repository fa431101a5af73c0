import type { RequestSignal } from '../request.ts'
import { Decimal64 } from './decimal64.ts'
import { MalformedJson } from './malformed-json.ts'
import type { MessageName } from './messages.ts'
import { ProtoWriter } from './proto-writer.ts'
import { quickJsonToProtobuf } from './quick-json.ts'
import { type FieldSchema, FieldType, type MessageSchema, messageSchema } from './schema.ts'

/**
 * An export request from OTLP/JSON: its UTF-8 bytes (the quickest), text, or what JSON.parse made of it (where whole
 * numbers beyond 2⁵³ have lost their last digits already; text keeps them). Ids are hex, 64-bit numbers strings or numbers, enums numbers or
 * names, field names lowerCamelCase or snake_case; unknown fields are skipped and null is the default, as the protobuf
 * mapping has it. Profiles have no JSON form here: their messages are still changing.
 */
export function jsonToProtobuf(signal: RequestSignal, input: string | Uint8Array | object): Uint8Array | MalformedJson {
  if (signal === 'profiles')
    return new MalformedJson('', 'profiles are not understood as JSON; send them as protobuf (application/x-protobuf)')
  if (input instanceof Uint8Array) {
    const quick = quickJsonToProtobuf(messageSchema(REQUESTS[signal]), input)
    if (quick !== null) return quick
  } else if (typeof input === 'object') return convertParsed(signal, input, null)
  const text = typeof input === 'string' ? input : utf8(input)
  try {
    return convertParsed(signal, JSON.parse(text), text)
  } catch (error) {
    if (error instanceof SyntaxError) return new MalformedJson('', `not valid JSON: ${error.message}`)
    throw error
  }
}

/** `text` is what was parsed, for the rare number with more digits than JSON.parse keeps. */
function convertParsed(signal: keyof typeof REQUESTS, json: unknown, text: string | null): Uint8Array | MalformedJson {
  const size = text === null ? 1024 : text.length >> 1
  try {
    const encoder = encodeRequest(signal, json, size, text !== null)
    if (text === null || !encoder.lostDigits) return encoder.finish()
    return encodeRequest(signal, JSON.parse(text, keepWideIntegers), size, false).finish()
  } catch (error) {
    if (error instanceof JsonFault) return new MalformedJson(error.path, error.message)
    throw error
  }
}

/** One request of a recording: its signal, and the request as protobuf. */
export interface SignalBytes {
  readonly signal: RequestSignal
  readonly bytes: Uint8Array
}

const ROOT_FIELDS = [
  ['traces', 'resourceSpans', 'resource_spans', Buffer.from('{"resourceSpans"')],
  ['metrics', 'resourceMetrics', 'resource_metrics', Buffer.from('{"resourceMetrics"')],
  ['logs', 'resourceLogs', 'resource_logs', Buffer.from('{"resourceLogs"')],
] as const

/**
 * The requests in one line of a recording, whose signals its keys tell: nearly always one, none where it holds no OTLP.
 * With a writer they may lie there, good until it is used again.
 */
export function jsonToRequests(line: Uint8Array, into?: ProtoWriter): readonly SignalBytes[] | MalformedJson {
  for (const [signal, , , beginning] of ROOT_FIELDS) {
    if (!beginsWith(line, beginning)) continue
    const bytes = quickJsonToProtobuf(messageSchema(REQUESTS[signal]), line, into)
    if (bytes !== null) return [{ signal, bytes }]
  }
  const text = utf8(line)
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (error) {
    return new MalformedJson('', `not valid JSON: ${(error as Error).message}`)
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    return new MalformedJson(
      '',
      `got ${inBrief(json)}; write an object with resourceSpans, resourceMetrics or resourceLogs`,
    )
  const requests: SignalBytes[] = []
  for (const [signal, camelCase, snakeCase] of ROOT_FIELDS) {
    if (!(camelCase in json) && !(snakeCase in json)) continue
    const bytes = convertParsed(signal, json, text)
    if (bytes instanceof MalformedJson) return bytes
    requests.push({ signal, bytes })
  }
  return requests
}

const REQUESTS = {
  traces: 'ExportTraceServiceRequest',
  metrics: 'ExportMetricsServiceRequest',
  logs: 'ExportLogsServiceRequest',
} as const satisfies Record<Exclude<RequestSignal, 'profiles'>, MessageName>

function encodeRequest(signal: keyof typeof REQUESTS, json: unknown, size: number, mayLoseDigits: boolean): Encoder {
  const encoder = new Encoder(size, mayLoseDigits)
  encoder.message(messageSchema(REQUESTS[signal]), json)
  return encoder
}

/** Whole numbers that a double cannot hold become their digits, which every 64-bit field takes too. */
function keepWideIntegers(_key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value) || !Number.isInteger(value)) return value
  return context?.source ?? value
}

class JsonFault extends Error {
  readonly path: string

  constructor(path: string, message: string) {
    super(message)
    this.path = path
  }
}

/** As deep as other protobuf readers follow; an attribute's list or map takes three levels. */
const DEPTH_LIMIT = 100

class Encoder {
  /** A bare number beyond 2⁵³ stood for a 64-bit integer, and its text, which alone is exact, can be had. */
  lostDigits = false
  readonly #mayLoseDigits: boolean
  readonly #writer: ProtoWriter
  readonly #number = new Decimal64()
  /** Names and list indices on the way to the current message, for error messages. */
  readonly #path: (string | number)[] = []
  #depth = 0

  constructor(capacity: number, mayLoseDigits: boolean) {
    this.#writer = new ProtoWriter(capacity)
    this.#mayLoseDigits = mayLoseDigits
  }

  finish(): Uint8Array {
    return this.#writer.finish()
  }

  message(schema: MessageSchema, json: unknown): void {
    if (typeof json !== 'object' || json === null || Array.isArray(json))
      throw this.#fault('', json, `an object with the fields of ${schema.name}`)
    if (this.#depth >= DEPTH_LIMIT * 2) throw this.#fault('', json, `at most ${DEPTH_LIMIT} levels of nesting`)
    const fields = schema.byName
    for (const name in json) {
      const field = fields.get(name)
      if (field === undefined) continue
      const value = (json as Record<string, unknown>)[name]
      if (value === null || value === undefined) continue
      if (field.repeated) this.#list(field, value)
      else this.#field(field, value, field.explicit)
    }
  }

  #list(field: FieldSchema, value: unknown): void {
    if (!Array.isArray(value)) throw this.#fault(field.name, value, 'a list')
    if (value.length === 0) return
    const depth = this.#depth
    this.#path[depth] = field.name
    this.#depth = depth + 2
    if (field.packed) {
      this.#writer.varint(field.tag)
      const start = this.#writer.begin()
      for (let i = 0; i < value.length; i++) {
        this.#path[depth + 1] = i
        this.#scalar(field, value[i] ?? 0)
      }
      this.#writer.end(start)
    } else {
      for (let i = 0; i < value.length; i++) {
        this.#path[depth + 1] = i
        if (field.message !== null) this.#message(field, value[i] ?? {})
        else this.#field(field, value[i] ?? '', true)
      }
    }
    this.#depth = depth
  }

  #message(field: FieldSchema, value: unknown): void {
    this.#writer.varint(field.tag)
    const start = this.#writer.begin()
    this.message(field.message!, value)
    this.#writer.end(start)
  }

  /** One value with its tag; defaults are left out unless they say something (`explicit`). */
  #field(field: FieldSchema, value: unknown, explicit: boolean): void {
    const writer = this.#writer
    switch (field.type) {
      case FieldType.message: {
        const depth = this.#depth
        this.#path[depth] = field.name
        this.#path[depth + 1] = ''
        this.#depth = depth + 2
        this.#message(field, value)
        this.#depth = depth
        return
      }
      case FieldType.string:
        if (typeof value !== 'string') throw this.#fault(field.name, value, 'a string')
        if (value === '' && !explicit) return
        writer.varint(field.tag)
        writer.string(value)
        return
      case FieldType.id:
        if (typeof value !== 'string') throw this.#fault(field.name, value, 'a string of hex digits')
        if (value === '') return
        writer.varint(field.tag)
        if (!writer.hex(value)) throw this.#fault(field.name, value, 'an even number of hex digits')
        return
      case FieldType.bytes:
        if (typeof value !== 'string' || !BASE64.test(value)) throw this.#fault(field.name, value, 'a string of base64')
        writer.varint(field.tag)
        writer.lengthDelimited(Buffer.from(value, 'base64'))
        return
      default: {
        const start = writer.at
        writer.varint(field.tag)
        if (!this.#scalar(field, value) && !explicit) writer.at = start
      }
    }
  }

  /** A value of fixed or varint type, without its tag; false where it is the default. */
  #scalar(field: FieldSchema, value: unknown): boolean {
    const writer = this.#writer
    switch (field.type) {
      case FieldType.fixed64:
      case FieldType.sfixed64:
        this.#integer64(field, value)
        writer.fixed64(this.#number.high, this.#number.low)
        return (this.#number.high | this.#number.low) !== 0
      case FieldType.int64:
      case FieldType.uint64:
        this.#integer64(field, value)
        writer.varint64(this.#number.high, this.#number.low)
        return (this.#number.high | this.#number.low) !== 0
      case FieldType.double: {
        const number = this.#double(field, value)
        writer.double(number)
        return number !== 0 || Object.is(number, -0)
      }
      case FieldType.bool:
        if (typeof value !== 'boolean') throw this.#fault(field.name, value, 'true or false')
        writer.varint(value ? 1 : 0)
        return value
      case FieldType.enum: {
        const number = this.#enum(field, value)
        if (number < 0) writer.varint64(0xffff_ffff, number)
        else writer.varint(number)
        return number !== 0
      }
      case FieldType.int32: {
        const number = this.#integer(field, value, -0x8000_0000, 0x7fff_ffff)
        if (number < 0) writer.varint64(0xffff_ffff, number)
        else writer.varint(number)
        return number !== 0
      }
      case FieldType.sint32: {
        const number = this.#integer(field, value, -0x8000_0000, 0x7fff_ffff)
        writer.varint(((number << 1) ^ (number >> 31)) >>> 0)
        return number !== 0
      }
      case FieldType.uint32: {
        const number = this.#integer(field, value, 0, 0xffff_ffff)
        writer.varint(number)
        return number !== 0
      }
      case FieldType.fixed32: {
        const number = this.#integer(field, value, 0, 0xffff_ffff)
        writer.fixed32(number)
        return number !== 0
      }
      default:
        throw new Error(`${field.name} is no scalar`)
    }
  }

  /** Leaves the number in `#number`. */
  #integer64(field: FieldSchema, value: unknown): void {
    const number = this.#number
    if (typeof value === 'string') {
      // Digits nearly always; whole numbers such as 1e3 or 5.0 are numbers to protobuf's mapping as well.
      if (!number.parse(value) && !(NUMBER.test(value) && number.take(Number(value)))) {
        throw this.#fault(field.name, value, 'a whole number of 64 bits in decimal')
      }
    } else if (typeof value === 'number' && this.#mayLoseDigits && Math.abs(value) > Number.MAX_SAFE_INTEGER) {
      this.lostDigits = true
      return
    } else if (typeof value !== 'number' || !number.take(value)) {
      throw this.#fault(field.name, value, 'a whole number of 64 bits, best as a string of digits')
    }
    const signed = field.type === FieldType.int64 || field.type === FieldType.sfixed64
    const negative = typeof value === 'string' ? value.charCodeAt(0) === 0x2d : value < 0
    const fits = signed ? negative || number.high < 0x8000_0000 : !negative || (number.high | number.low) === 0
    if (!fits) throw this.#fault(field.name, value, signed ? 'a number below 2^63' : 'a number that is not negative')
  }

  #integer(field: FieldSchema, value: unknown, least: number, most: number): number {
    const number = typeof value === 'string' && NUMBER.test(value) ? Number(value) : value
    if (typeof number !== 'number' || !Number.isInteger(number) || number < least || number > most)
      throw this.#fault(field.name, value, `a whole number from ${least} to ${most}`)
    return number
  }

  #double(field: FieldSchema, value: unknown): number {
    if (typeof value === 'number') return value
    if (typeof value === 'string') {
      if (value === 'NaN') return Number.NaN
      if (value === 'Infinity' || value === '-Infinity' || NUMBER.test(value)) return Number(value)
    }
    throw this.#fault(field.name, value, 'a number, or "NaN", "Infinity" or "-Infinity"')
  }

  #enum(field: FieldSchema, value: unknown): number {
    if (typeof value !== 'string') return this.#integer(field, value, -0x8000_0000, 0x7fff_ffff)
    const names = field.enumNames!
    const number = names.indexOf(value)
    if (number >= 0) return number
    if (NUMBER.test(value)) return this.#integer(field, value, -0x8000_0000, 0x7fff_ffff)
    throw this.#fault(field.name, value, `a number from 0 to ${names.length - 1}, such as 1 for ${names[1]}`)
  }

  #fault(name: string, value: unknown, instead: string): JsonFault {
    const path = [...this.#path.slice(0, this.#depth), name].filter((part) => part !== '')
    return new JsonFault(pathText(path), `got ${inBrief(value)}; write ${instead}`)
  }
}

/** The deepest field of OTLP, without values within values, has 16 parts; of what is deeper the middle says nothing. */
const LONGEST_PATH = 24

function pathText(path: readonly (string | number)[]): string {
  if (path.length > LONGEST_PATH)
    return `${pathText(path.slice(0, LONGEST_PATH / 2))}…${pathText(path.slice(-LONGEST_PATH / 2))}`
  return path.map((part, i) => (typeof part === 'number' ? `[${part}]` : i === 0 ? part : `.${part}`)).join('')
}

const NUMBER = /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/
const BASE64 = /^[A-Za-z0-9+/_-]*={0,2}$/

function inBrief(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? '[]' : '[…]'
  if (typeof value === 'object' && value !== null) return Object.keys(value).length === 0 ? '{}' : '{…}'
  if (typeof value === 'string' && value.length > 60) return `${JSON.stringify(value.slice(0, 60))}…`
  return JSON.stringify(value) ?? String(value)
}

function beginsWith(bytes: Uint8Array, beginning: Uint8Array): boolean {
  for (let i = 0; i < beginning.length; i++) if (bytes[i] !== beginning[i]) return false
  return true
}

function utf8(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
}
