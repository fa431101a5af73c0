import { type WireReader, WireType } from './wire.ts'

/**
 * The head of a Resource… or Scope… message: its fields other than the children (field 2), in their order. Of equal heads
 * RefCache makes one object, whatever the signal. A view where the fields stand together, else a copy.
 */
export function headBytes(reader: WireReader, start: number, end: number): Uint8Array {
  const { bytes } = reader
  const parts: Uint8Array[] = []
  let partStart = -1
  reader.at = start
  while (reader.at < end) {
    const at = reader.at
    reader.next()
    const isChild = reader.field === 2 && reader.type === WireType.bytes
    reader.skip()
    if (!isChild && partStart < 0) partStart = at
    if (isChild && partStart >= 0) {
      parts.push(bytes.subarray(partStart, at))
      partStart = -1
    }
  }
  if (partStart >= 0) parts.push(bytes.subarray(partStart, end))
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts)
}
