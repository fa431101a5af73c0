/**
 * A 32-bit hash of a byte range, the same for span names, attribute keys and the heads of resources: MurmurHash3 (x86,
 * 32 bits, seed 0), four bytes a step. Not against an adversary: whoever looks up by it compares the bytes too.
 * Source: github.com/aappleby/smhasher/blob/master/src/MurmurHash3.cpp
 */
export function hashBytes(bytes: Uint8Array, start: number, end: number): number {
  return hashInt32(bytes, start, end) >>> 0
}

/** The same as a signed number, which V8 need not box; for the hot path, where it goes into a Uint32Array anyway. */
export function hashInt32(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0
  let at = start
  for (; at + 4 <= end; at += 4) {
    let word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
    word = Math.imul(word, 0xcc9e2d51)
    word = Math.imul((word << 15) | (word >>> 17), 0x1b873593)
    hash ^= word
    hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0
  }
  if (at < end) {
    let tail = bytes[at]!
    if (at + 1 < end) tail |= bytes[at + 1]! << 8
    if (at + 2 < end) tail |= bytes[at + 2]! << 16
    tail = Math.imul(tail, 0xcc9e2d51)
    hash ^= Math.imul((tail << 15) | (tail >>> 17), 0x1b873593)
  }
  hash ^= end - start
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}

/**
 * The bit of an attribute's key in `Column.keyMask`, 0 to 31: a poorer hash of its length, the four bytes in the middle
 * and the last four, since ten keys a span are as many bytes as all else that is looked at. It only has to spread the
 * keys of one span.
 */
export function keyBit(view: DataView, start: number, end: number): number {
  const length = end - start
  let mixed = Math.imul(length, 0x9e3779b1)
  if (length >= 4) {
    mixed = Math.imul(mixed ^ view.getInt32(end - 4, true), 0x85ebca6b)
    mixed = Math.imul(mixed ^ (mixed >>> 15) ^ view.getInt32(start + ((length - 4) >> 1), true), 0xc2b2ae35)
  } else {
    for (let at = start; at < end; at++) mixed = Math.imul(mixed ^ view.getUint8(at), 0x85ebca6b)
  }
  return mixed >>> 27
}
