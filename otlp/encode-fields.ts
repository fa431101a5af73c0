import { WireType } from './wire.ts'

/** Encoders for the few fields that edits add to a Span; the cold path, so each returns bytes of its own. */

/** Bytes that a varint takes. */
export function varintLength(value: number): number {
  let length = 1
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) length++
  return length
}

/** Writes a varint at `at` and returns where it ends. */
export function writeVarint(bytes: Uint8Array, at: number, value: number): number {
  let rest = value
  while (rest >= 128) {
    bytes[at++] = (rest % 128) | 0x80
    rest = Math.floor(rest / 128)
  }
  bytes[at++] = rest
  return at
}

/** A length-delimited field. */
export function bytesField(field: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  const tag = field * 8 + WireType.bytes
  const out = new Uint8Array(varintLength(tag) + varintLength(length) + length)
  let at = writeVarint(out, writeVarint(out, 0, tag), length)
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}

/** An id as big-endian words. */
export function idField(field: number, words: readonly number[]): Uint8Array {
  const id = Buffer.alloc(words.length * 4)
  words.forEach((word, i) => {
    id.writeUInt32BE(word, i * 4)
  })
  return bytesField(field, id)
}

export function fixed64Field(field: number, hi: number, lo: number): Uint8Array {
  const out = Buffer.alloc(9)
  out[0] = field * 8 + WireType.fixed64
  out.writeUInt32LE(lo, 1)
  out.writeUInt32LE(hi, 5)
  return out
}

/**
 *     Span 9 attributes   KeyValue 1 key, 2 value   AnyValue 1 string, 3 int, 4 double, 5 array   ArrayValue 1 values
 */
function attribute(key: string, anyValue: Uint8Array): Uint8Array {
  return bytesField(9, bytesField(1, Buffer.from(key)), bytesField(2, anyValue))
}

export function stringAttributeField(key: string, value: string): Uint8Array {
  return attribute(key, bytesField(1, Buffer.from(value)))
}

export function intAttribute(key: string, value: bigint): Uint8Array {
  const digits: number[] = [3 * 8 + WireType.varint]
  let rest = BigInt.asUintN(64, value)
  for (; rest >= 128n; rest >>= 7n) digits.push(Number(rest & 127n) | 0x80)
  digits.push(Number(rest))
  return attribute(key, Uint8Array.from(digits))
}

export function doubleAttribute(key: string, value: number): Uint8Array {
  const out = Buffer.alloc(9)
  out[0] = 4 * 8 + WireType.fixed64
  out.writeDoubleLE(value, 1)
  return attribute(key, out)
}

export function stringArrayAttribute(key: string, values: readonly string[]): Uint8Array {
  const items = values.map((value) => bytesField(1, bytesField(1, Buffer.from(value))))
  return attribute(key, bytesField(5, ...items))
}
