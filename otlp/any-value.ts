import { DEPTH_LIMIT, MalformedProtobuf, utf8, WireReader, WireType } from './wire.ts'

/**
 * An attribute value as the gateway compares it: whole numbers beyond 2^53 as bigint, arrays and maps as their JSON text,
 * bytes as base64.
 */
export type AttributeValue = string | number | bigint | boolean

type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json }

/** Reads all attributes (repeated KeyValue in `field`) of a message into a map; of one key that stands twice, the last. */
export function readAttributes(
  bytes: Uint8Array,
  start: number,
  end: number,
  field: number,
  into: Map<string, AttributeValue>,
): void {
  const reader = new WireReader(bytes, start, end)
  while (reader.next()) {
    if (reader.field !== field || reader.type !== WireType.bytes) {
      reader.skip()
      continue
    }
    const to = reader.lengthEnd()
    const value = keyValue(bytes, reader.at, to, 0)
    into.set(value.key, scalar(value.value))
    reader.at = to
  }
}

function scalar(value: Json | bigint): AttributeValue {
  return value === null ? '' : typeof value === 'object' ? JSON.stringify(value) : value
}

/**
 *     KeyValue  1 key string, 2 value AnyValue
 */
function keyValue(bytes: Uint8Array, start: number, end: number, depth: number): { key: string; value: Json | bigint } {
  const reader = new WireReader(bytes, start, end)
  let key = ''
  let value: Json | bigint = null
  while (reader.next()) {
    if (reader.type !== WireType.bytes || reader.field > 2) {
      reader.skip()
      continue
    }
    const to = reader.lengthEnd()
    if (reader.field === 1) key = utf8(bytes, reader.at, to)
    else value = anyValue(bytes, reader.at, to, depth)
    reader.at = to
  }
  return { key, value }
}

/**
 * One of these, and the last if there are several.
 *
 *     AnyValue      1 string, 2 bool, 3 int64 varint, 4 double fixed64, 5 ArrayValue, 6 KeyValueList, 7 bytes
 *     ArrayValue    1 values AnyValue
 *     KeyValueList  1 values KeyValue
 */
function anyValue(bytes: Uint8Array, start: number, end: number, depth: number): Json | bigint {
  if (depth > DEPTH_LIMIT) throw new MalformedProtobuf(start, `values nest deeper than ${DEPTH_LIMIT}`)
  const reader = new WireReader(bytes, start, end)
  let value: Json | bigint = null
  while (reader.next()) {
    switch ((reader.field << 3) | reader.type) {
      case (1 << 3) | WireType.bytes: {
        const to = reader.lengthEnd()
        value = utf8(bytes, reader.at, to)
        reader.at = to
        break
      }
      case (2 << 3) | WireType.varint:
        reader.varint64()
        value = (reader.lo | reader.hi) !== 0
        break
      case (3 << 3) | WireType.varint:
        reader.varint64()
        value = int64(reader.hi, reader.lo)
        break
      case (4 << 3) | WireType.fixed64:
        reader.fixed64()
        value = doubleOf(reader.hi, reader.lo)
        break
      case (5 << 3) | WireType.bytes:
      case (6 << 3) | WireType.bytes: {
        const isArray = reader.field === 5
        const to = reader.lengthEnd()
        value = isArray ? arrayValue(bytes, reader.at, to, depth + 1) : mapValue(bytes, reader.at, to, depth + 1)
        reader.at = to
        break
      }
      case (7 << 3) | WireType.bytes: {
        const to = reader.lengthEnd()
        value = Buffer.from(bytes.subarray(reader.at, to)).toString('base64')
        reader.at = to
        break
      }
      default:
        reader.skip()
    }
  }
  return value
}

function arrayValue(bytes: Uint8Array, start: number, end: number, depth: number): Json {
  const values: Json[] = []
  eachMessage(bytes, start, end, 1, (from, to) => values.push(json(anyValue(bytes, from, to, depth))))
  return values
}

function mapValue(bytes: Uint8Array, start: number, end: number, depth: number): Json {
  const values = new Map<string, Json>()
  eachMessage(bytes, start, end, 1, (from, to) => {
    const { key, value } = keyValue(bytes, from, to, depth)
    values.set(key, json(value))
  })
  return Object.fromEntries(values)
}

/** Inside an array or map a whole number beyond 2^53 is its decimal text, as in OTLP/JSON. */
function json(value: Json | bigint): Json {
  return typeof value === 'bigint' ? String(value) : value
}

/** A number where it is exact, else a bigint. */
export function int64(hi: number, lo: number): number | bigint {
  const number = (hi | 0) * 4294967296 + lo
  return Number.isSafeInteger(number) ? number : BigInt.asIntN(64, (BigInt(hi) << 32n) | BigInt(lo))
}

const WORDS = new Uint32Array(2)
const DOUBLE = new Float64Array(WORDS.buffer)

/** The double whose 64 bits these are; on little-endian machines, the only ones that Node runs on. */
export function doubleOf(hi: number, lo: number): number {
  WORDS[0] = lo
  WORDS[1] = hi
  return DOUBLE[0]!
}

/** Calls `visit` with the range of each length-delimited field of that number; not for the hot path. */
export function eachMessage(
  bytes: Uint8Array,
  start: number,
  end: number,
  field: number,
  visit: (start: number, end: number) => void,
): void {
  const reader = new WireReader(bytes, start, end)
  while (reader.next()) {
    if (reader.field !== field || reader.type !== WireType.bytes) {
      reader.skip()
      continue
    }
    const to = reader.lengthEnd()
    visit(reader.at, to)
    reader.at = to
  }
}
