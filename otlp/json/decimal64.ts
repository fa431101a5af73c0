/**
 * A 64-bit integer from decimal text as two 32-bit halves, without BigInt: one instance serves a whole conversion and
 * holds the number that was read last.
 */
export class Decimal64 {
  high = 0
  low = 0

  /** Takes in a decimal of up to 20 digits, perhaps negative; false where the text is none or does not fit in 64 bits. */
  parse(text: string): boolean {
    let at = 0
    const negative = text.charCodeAt(0) === MINUS
    if (negative) at = 1
    const length = text.length - at
    if (length < 1 || length > 20) return false
    // The last nine digits apart from the (at most eleven) before them: each part is exact as a double.
    const split = Math.max(at, text.length - 9)
    let front = 0
    for (; at < split; at++) {
      const digit = text.charCodeAt(at) - ZERO
      if (digit < 0 || digit > 9) return false
      front = front * 10 + digit
    }
    let back = 0
    for (; at < text.length; at++) {
      const digit = text.charCodeAt(at) - ZERO
      if (digit < 0 || digit > 9) return false
      back = back * 10 + digit
    }
    return this.#combine(front, back, negative)
  }

  /** Takes in a number of up to 19 digits, which are known to be digits. */
  takeDigits(bytes: Uint8Array, start: number, end: number): void {
    const split = Math.max(start, end - 9)
    let front = 0
    for (let at = start; at < split; at++) front = front * 10 + bytes[at]! - ZERO
    let back = 0
    for (let at = split; at < end; at++) back = back * 10 + bytes[at]! - ZERO
    this.#combine(front, back, false)
  }

  /** Takes in a whole number that a double holds exactly; false where it is not whole. */
  take(value: number): boolean {
    if (!Number.isInteger(value)) return false
    const size = Math.abs(value)
    if (size >= 2 ** 64) return false
    this.high = Math.floor(size / 4294967296)
    this.low = size >>> 0
    return value < 0 ? this.#negate() : true
  }

  /** front × 10⁹ + back, in 16-bit steps so that no product passes 2⁵³. */
  #combine(front: number, back: number, negative: boolean): boolean {
    const frontHigh = Math.floor(front / 65536)
    const bottom = (front % 65536) * 1e9 + back
    const top = frontHigh * 1e9 + Math.floor(bottom / 65536)
    const high = Math.floor(top / 65536)
    if (high > 0xffff_ffff) return false
    this.high = high
    this.low = (((top % 65536) << 16) | (bottom % 65536)) >>> 0
    return negative ? this.#negate() : true
  }

  #negate(): boolean {
    if (this.high > 0x8000_0000 || (this.high === 0x8000_0000 && this.low !== 0)) return false
    this.low = -this.low >>> 0
    this.high = (this.low === 0 ? -this.high : ~this.high) >>> 0
    return true
  }
}

const MINUS = 0x2d
const ZERO = 0x30
