import { MalformedProtobuf, WireReader, WireType } from '../../otlp/wire.ts'

/** A field of a protobuf message: a number for a varint, bytes for what has a length; others are left out. */
export interface SmallField {
  readonly number: number
  readonly value: number | Uint8Array
}

/**
 * The fields of a short message such as an answer, in their order; null where the bytes are no message. Once a failed or
 * partly refused request, so it reads for the reader. Varints are read as int64 and are exact up to 2^53, which no count
 * or delay passes.
 */
export function readSmallMessage(bytes: Uint8Array): readonly SmallField[] | null {
  const reader = new WireReader(bytes)
  const fields: SmallField[] = []
  try {
    while (reader.next()) {
      const number = reader.field
      if (reader.type === WireType.varint) {
        reader.varint64()
        fields.push({ number, value: (reader.hi | 0) * 2 ** 32 + reader.lo })
      } else if (reader.type === WireType.bytes) {
        const end = reader.lengthEnd()
        fields.push({ number, value: bytes.subarray(reader.at, end) })
        reader.at = end
      } else reader.skip()
    }
  } catch (error) {
    if (error instanceof MalformedProtobuf) return null
    throw error
  }
  return fields
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
