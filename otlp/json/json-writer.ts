/**
 * JSON as UTF-8 into one growing buffer, front to back: the caller puts the punctuation, this the values. `at` may be set
 * back, to take back what was written last.
 */
export class JsonWriter {
  at = 0
  #bytes: Buffer

  constructor(capacity: number) {
    this.#bytes = Buffer.allocUnsafeSlow(Math.max(64, capacity))
  }

  /** What was written, in memory of its own: a copy, unless the buffer was about as large as it is. */
  finish(): Buffer {
    const written = this.#bytes.subarray(0, this.at)
    if (this.at > this.#bytes.length * MOSTLY_USED) return written
    const copy = Buffer.allocUnsafeSlow(this.at)
    copy.set(written)
    return copy
  }

  byte(value: number): void {
    if (this.at === this.#bytes.length) this.#grow(1)
    this.#bytes[this.at++] = value
  }

  /** Text that is short and ASCII, as it is. */
  ascii(text: Uint8Array): void {
    const length = text.length
    if (this.at + length > this.#bytes.length) this.#grow(length)
    const bytes = this.#bytes
    let at = this.at
    for (let i = 0; i < length; i++) bytes[at++] = text[i]!
    this.at = at
  }

  /** UTF-8 between two offsets as a string. What needs no escape, nearly all there is, is copied as it is checked. */
  string(from: Uint8Array, start: number, end: number): void {
    const needed = end - start + 2
    if (this.at + needed > this.#bytes.length) this.#grow(needed)
    const bytes = this.#bytes
    let at = this.at
    bytes[at++] = QUOTE
    for (let i = start; i < end; i++) {
      const byte = from[i]!
      if (PLAIN[byte] === 0) {
        this.#text(JSON.stringify(Buffer.from(from.buffer, from.byteOffset + start, end - start).toString('utf8')))
        return
      }
      bytes[at++] = byte
    }
    bytes[at++] = QUOTE
    this.at = at
  }

  hex(from: Uint8Array, start: number, end: number): void {
    const needed = 2 * (end - start) + 2
    if (this.at + needed > this.#bytes.length) this.#grow(needed)
    const bytes = this.#bytes
    let at = this.at
    bytes[at++] = QUOTE
    for (let i = start; i < end; i++) {
      bytes[at++] = HEX[from[i]! >> 4]!
      bytes[at++] = HEX[from[i]! & 15]!
    }
    bytes[at++] = QUOTE
    this.at = at
  }

  base64(from: Uint8Array, start: number, end: number): void {
    this.#text(`"${Buffer.from(from.buffer, from.byteOffset + start, end - start).toString('base64')}"`)
  }

  /** A number as JSON writes it; what JSON has no number for is a string in protobuf's mapping. */
  number(value: number): void {
    if (Number.isInteger(value) && value >= 0 && value <= 9 && !Object.is(value, -0)) this.byte(ZERO + value)
    else if (Number.isFinite(value)) this.#text(Object.is(value, -0) ? '-0' : String(value))
    else this.#text(`"${value}"`)
  }

  boolean(value: boolean): void {
    this.#text(value ? 'true' : 'false')
  }

  /** A 64-bit number as a string of digits; high and low word unsigned. */
  unsigned64(high: number, low: number): void {
    if (this.at + MAX_DIGITS > this.#bytes.length) this.#grow(MAX_DIGITS)
    this.#bytes[this.at++] = QUOTE
    this.#digits(high, low)
    this.#bytes[this.at++] = QUOTE
  }

  signed64(high: number, low: number): void {
    if (high < 0x8000_0000) {
      this.unsigned64(high, low)
      return
    }
    if (this.at + MAX_DIGITS > this.#bytes.length) this.#grow(MAX_DIGITS)
    this.#bytes[this.at++] = QUOTE
    this.#bytes[this.at++] = MINUS
    const negated = -low >>> 0
    this.#digits((negated === 0 ? -high : ~high) >>> 0, negated)
    this.#bytes[this.at++] = QUOTE
  }

  /** By 10⁹ in steps of 16 bits, so that no dividend passes 2⁵³; dividing a bigint costs ten times as much. */
  #digits(high: number, low: number): void {
    const quotient = Math.floor(high / BILLION)
    const upper = (high - quotient * BILLION) * 65536 + (low >>> 16)
    const upperQuotient = Math.floor(upper / BILLION)
    const lower = (upper - upperQuotient * BILLION) * 65536 + (low & 0xffff)
    const lowerQuotient = Math.floor(lower / BILLION)
    const front = quotient * 4294967296 + upperQuotient * 65536 + lowerQuotient
    const back = lower - lowerQuotient * BILLION
    if (front === 0) this.#decimal(back, digitsOf(back))
    else {
      this.#decimal(front, digitsOf(front))
      this.#decimal(back, 9)
    }
  }

  #decimal(value: number, digits: number): void {
    const bytes = this.#bytes
    const start = this.at
    let rest = value
    for (let at = start + digits; at > start; ) {
      const tenth = Math.floor(rest / 10)
      bytes[--at] = ZERO + (rest - tenth * 10)
      rest = tenth
    }
    this.at = start + digits
  }

  #text(text: string): void {
    const needed = text.length * 3
    if (this.at + needed > this.#bytes.length) this.#grow(needed)
    this.at += this.#bytes.write(text, this.at, 'utf8')
  }

  #grow(needed: number): void {
    const grown = Buffer.allocUnsafeSlow(Math.max(this.#bytes.length * 2, this.at + needed))
    grown.set(this.#bytes.subarray(0, this.at))
    this.#bytes = grown
  }
}

function digitsOf(value: number): number {
  let digits = 1
  for (let power = 10; value >= power; power *= 10) digits++
  return digits
}

/** Memory that is used to this share is not worth a copy. */
const MOSTLY_USED = 0.75
/** Of a 64-bit number: 20 digits, a sign and the quotes. */
const MAX_DIGITS = 23
const BILLION = 1_000_000_000
const QUOTE = 0x22
const MINUS = 0x2d
const ZERO = 0x30
const HEX = Buffer.from('0123456789abcdef')

/** Bytes that stand in a JSON string as they are: ASCII without control characters, quote and backslash. */
const PLAIN = new Uint8Array(256)
for (let byte = 0x20; byte < 0x7f; byte++) PLAIN[byte] = byte === QUOTE || byte === 0x5c ? 0 : 1
