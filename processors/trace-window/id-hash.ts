/** Two hashes of ids, each well mixed on its own (murmur3's finalizer over a multiplied sum). Numbers in, numbers out. */

export function traceHash(words: Uint32Array | Int32Array, at: number): number {
  return mix(
    words[at]! ^
      Math.imul(words[at + 1]!, 0x85ebca6b) ^
      Math.imul(words[at + 2]!, 0x9e3779b1) ^
      Math.imul(words[at + 3]!, 0xc2b2ae35),
  )
}

export function spanHashA(traceHash: number, hi: number, lo: number): number {
  return mix(traceHash ^ Math.imul(hi, 0x9e3779b1) ^ Math.imul(lo, 0x85ebca6b))
}

export function spanHashB(traceHash: number, hi: number, lo: number): number {
  return mix(Math.imul(traceHash, 0x27d4eb2f) + Math.imul(lo, 0x165667b1) + Math.imul(hi, 0xd3a2646c))
}

function mix(value: number): number {
  let h = value ^ (value >>> 16)
  h = Math.imul(h, 0x85ebca6b)
  h ^= h >>> 13
  h = Math.imul(h, 0xc2b2ae35)
  return h ^ (h >>> 16)
}
