import type { Random } from '../support/wire-noise.ts'

/** What numbers and lengths go wrong at. */
const HOSTILE = [
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
  [0xff, 0xff, 0xff, 0xff, 0x0f],
  [0xff, 0xff, 0xff, 0xff, 0x07],
  [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80],
  [0x80, 0x00],
  [0x00],
  [0x7f],
  [0x0b],
  [0x0c],
]

/** The bytes with one to four changes: bits, bytes, hostile numbers, pieces cut out, doubled or put elsewhere, the end cut off. */
export function mutated(bytes: Uint8Array, random: Random): Uint8Array {
  let result = Uint8Array.from(bytes)
  for (let changes = 1 + random.below(4); changes > 0 && result.length > 0; changes--) result = changed(result, random)
  return result
}

function changed(bytes: Uint8Array<ArrayBuffer>, random: Random): Uint8Array<ArrayBuffer> {
  const at = random.below(bytes.length)
  const length = 1 + random.below(Math.min(24, bytes.length - at))
  switch (random.below(8)) {
    case 0:
      bytes[at]! ^= 1 << random.below(8)
      return bytes
    case 1:
      bytes[at] = random.below(256)
      return bytes
    case 2:
      bytes[at]! += random.chance(50) ? 1 : -1
      return bytes
    case 3:
      return spliced(bytes, at, 0, Uint8Array.from(HOSTILE[random.below(HOSTILE.length)]!))
    case 4:
      return spliced(bytes, at, 1, Uint8Array.from(HOSTILE[random.below(HOSTILE.length)]!))
    case 5:
      return spliced(bytes, at, length, new Uint8Array(0))
    case 6:
      return spliced(bytes, random.below(bytes.length), 0, bytes.slice(at, at + length))
    default:
      return bytes.slice(0, at)
  }
}

function spliced(bytes: Uint8Array, at: number, removed: number, added: Uint8Array): Uint8Array<ArrayBuffer> {
  const result = new Uint8Array(bytes.length - removed + added.length)
  result.set(bytes.subarray(0, at))
  result.set(added, at)
  result.set(bytes.subarray(at + removed), at + added.length)
  return result
}
