import { WireType } from './wire.ts'

/** Bytes that the varint of an unsigned 32-bit number takes. */
export function varintLength(value: number): number {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x20_0000 ? 3 : value < 0x1000_0000 ? 4 : 5
}

/** Writes a varint at `at` and returns where it ends. */
export function writeVarint(bytes: Uint8Array, at: number, value: number): number {
  let rest = value
  while (rest > 0x7f) {
    bytes[at++] = (rest & 0x7f) | 0x80
    rest >>>= 7
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
