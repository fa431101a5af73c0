/** A field of a protobuf message: a number for wire type 0, bytes for 2; fixed ones are skipped. */
export interface SmallField {
  readonly number: number
  readonly value: number | Uint8Array
}

/**
 * The varint and length-delimited fields of a short message such as an answer, in their order; null where the bytes are
 * no message. Once a failed or partly refused request, so it reads for the reader. Varints are read as int64 and are
 * exact up to 2^53, which no count or delay passes.
 */
export function readSmallMessage(bytes: Uint8Array): readonly SmallField[] | null {
  const fields: SmallField[] = []
  let at = 0

  function varint(): number | null {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      if (at >= bytes.length) return null
      const byte = bytes[at++]!
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return Number(BigInt.asIntN(64, value))
    }
    return null
  }

  while (at < bytes.length) {
    const tag = varint()
    if (tag === null || tag < 8 || tag > 0xffff_ffff) return null
    const number = Math.floor(tag / 8)
    switch (tag % 8) {
      case 0: {
        const value = varint()
        if (value === null) return null
        fields.push({ number, value })
        break
      }
      case 1:
        at += 8
        break
      case 2: {
        const length = varint()
        if (length === null || length < 0 || at + length > bytes.length) return null
        fields.push({ number, value: bytes.subarray(at, at + length) })
        at += length
        break
      }
      case 5:
        at += 4
        break
      default:
        return null
    }
  }
  return at === bytes.length ? fields : null
}

/** The last of the field's values, as protobuf has it; null where it is absent or of another type. */
export function bytesOf(fields: readonly SmallField[] | null, number: number): Uint8Array | null {
  const value = fields?.findLast((field) => field.number === number)?.value
  return value instanceof Uint8Array ? value : null
}

export function textOf(fields: readonly SmallField[] | null, number: number): string {
  const bytes = bytesOf(fields, number)
  return bytes === null ? '' : Buffer.from(bytes).toString('utf8')
}

export function numberOf(fields: readonly SmallField[] | null, number: number): number {
  const value = fields?.findLast((field) => field.number === number)?.value
  return typeof value === 'number' ? value : 0
}
