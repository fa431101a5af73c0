import { copyBytes } from '../copy-bytes.ts'

/**
 * Protobuf into one growing buffer, front to back. A length-delimited field begins with one byte for its length; where
 * the length needs more, the content is moved up when the field ends. Most fields of OTLP are shorter than 128 bytes, and
 * moving a span costs less than measuring it beforehand.
 */
export class ProtoWriter {
  bytes: Buffer
  at = 0
  #view: DataView

  constructor(capacity: number) {
    this.bytes = Buffer.allocUnsafeSlow(Math.max(64, capacity))
    this.#view = new DataView(this.bytes.buffer)
  }

  /** What was written, where it lies: good until the writer is used again. */
  written(): Uint8Array {
    return new Uint8Array(this.bytes.buffer, 0, this.at)
  }

  /** What was written, in memory of its own: a copy, unless the buffer was about as large as it is. */
  finish(): Uint8Array {
    const { buffer } = this.bytes
    const fits = this.at > buffer.byteLength * MOSTLY_USED
    return fits ? new Uint8Array(buffer, 0, this.at) : new Uint8Array(this.bytes.subarray(0, this.at))
  }

  /** An unsigned 32-bit number; tags are written by it too. */
  varint(value: number): void {
    if (this.at + 5 > this.bytes.length) this.#grow(5)
    const bytes = this.bytes
    let rest = value
    while (rest > 0x7f) {
      bytes[this.at++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    bytes[this.at++] = rest
  }

  varint64(high: number, low: number): void {
    if (this.at + 10 > this.bytes.length) this.#grow(10)
    const bytes = this.bytes
    let top = high >>> 0
    let rest = low >>> 0
    while (top > 0 || rest > 0x7f) {
      bytes[this.at++] = (rest & 0x7f) | 0x80
      rest = ((rest >>> 7) | (top << 25)) >>> 0
      top >>>= 7
    }
    bytes[this.at++] = rest
  }

  fixed32(value: number): void {
    if (this.at + 4 > this.bytes.length) this.#grow(4)
    this.#view.setUint32(this.at, value, true)
    this.at += 4
  }

  fixed64(high: number, low: number): void {
    if (this.at + 8 > this.bytes.length) this.#grow(8)
    this.#view.setUint32(this.at, low, true)
    this.#view.setUint32(this.at + 4, high, true)
    this.at += 8
  }

  double(value: number): void {
    if (this.at + 8 > this.bytes.length) this.#grow(8)
    this.#view.setFloat64(this.at, value, true)
    this.at += 8
  }

  /** Length and UTF-8. Short ASCII, which nearly all keys and names are, is copied here: a native call costs more. */
  string(text: string): void {
    const length = text.length
    const needed = length * 3 + 5
    if (this.at + needed > this.bytes.length) this.#grow(needed)
    if (length <= SHORT_TEXT && this.#shortAscii(text, length)) return
    const start = this.begin()
    this.at += this.bytes.write(text, this.at, 'utf8')
    this.end(start)
  }

  /** Length and the bytes of an even number of hex digits; false, and nothing written, where the text is no such thing. */
  hex(text: string): boolean {
    const length = text.length >>> 1
    const needed = length + 5
    if ((text.length & 1) !== 0) return false
    if (this.at + needed > this.bytes.length) this.#grow(needed)
    const start = this.at
    this.varint(length)
    const bytes = this.bytes
    for (let i = 0; i < text.length; i += 2) {
      const value = (HEX[text.charCodeAt(i) & 0xff]! << 4) | HEX[text.charCodeAt(i + 1) & 0xff]!
      if (value > 0xff || (text.charCodeAt(i) | text.charCodeAt(i + 1)) > 0x7f) {
        this.at = start
        return false
      }
      bytes[this.at++] = value
    }
    return true
  }

  /** The same from the bytes of the digits. */
  hexOf(from: Uint8Array, start: number, end: number): boolean {
    const length = (end - start) >>> 1
    if (((end - start) & 1) !== 0) return false
    if (this.at + length + 5 > this.bytes.length) this.#grow(length + 5)
    const before = this.at
    this.varint(length)
    const bytes = this.bytes
    for (let i = start; i < end; i += 2) {
      const value = (HEX[from[i]!]! << 4) | HEX[from[i + 1]!]!
      if (value > 0xff) {
        this.at = before
        return false
      }
      bytes[this.at++] = value
    }
    return true
  }

  /** Length and a part of other bytes. */
  copy(from: Uint8Array, start: number, end: number): void {
    const length = end - start
    if (this.at + length + 5 > this.bytes.length) this.#grow(length + 5)
    this.varint(length)
    this.at = copyBytes(from, start, end, this.bytes, this.at)
  }

  /**
   * Length and what stands from `start` up to a byte, if all of it is printable ASCII without a backslash and short.
   * Returns where that byte stands; -1, and nothing written, otherwise.
   */
  shortUntil(stop: number, from: Uint8Array, start: number): number {
    if (this.at + SHORT_BYTES + 1 > this.bytes.length) this.#grow(SHORT_BYTES + 1)
    const bytes = this.bytes
    const shift = this.at + 1 - start
    const limit = Math.min(from.length, start + SHORT_BYTES)
    for (let at = start; at < limit; at++) {
      const byte = from[at]!
      if (byte === stop) {
        bytes[this.at] = at - start
        this.at = at + shift
        return at
      }
      if (byte < 0x20 || byte > 0x7e || byte === BACKSLASH) return -1
      bytes[at + shift] = byte
    }
    return -1
  }

  /** Length and content. */
  lengthDelimited(content: Uint8Array): void {
    const needed = content.length + 5
    if (this.at + needed > this.bytes.length) this.#grow(needed)
    this.varint(content.length)
    this.bytes.set(content, this.at)
    this.at += content.length
  }

  /** Bytes as they are. */
  raw(content: Uint8Array): void {
    if (this.at + content.length > this.bytes.length) this.#grow(content.length)
    this.at = copyBytes(content, 0, content.length, this.bytes, this.at)
  }

  /** Starts a length-delimited field after its tag; `end` takes what this returns. */
  begin(): number {
    if (this.at + 1 > this.bytes.length) this.#grow(1)
    return ++this.at
  }

  end(start: number): void {
    const length = this.at - start
    if (length < 0x80) {
      this.bytes[start - 1] = length
      return
    }
    const extra = length < 0x4000 ? 1 : length < 0x20_0000 ? 2 : length < 0x1000_0000 ? 3 : 4
    if (this.at + extra > this.bytes.length) this.#grow(extra)
    this.bytes.copyWithin(start + extra, start, this.at)
    this.at = start - 1
    this.varint(length)
    this.at += length
  }

  #shortAscii(text: string, length: number): boolean {
    const bytes = this.bytes
    const start = this.at + 1
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i)
      if (code > 0x7f) return false
      bytes[start + i] = code
    }
    bytes[this.at] = length
    this.at = start + length
    return true
  }

  #grow(needed: number): void {
    const grown = Buffer.allocUnsafeSlow(Math.max(this.bytes.length * 2, this.at + needed))
    grown.set(this.bytes.subarray(0, this.at))
    this.bytes = grown
    this.#view = new DataView(grown.buffer)
  }
}

/** Memory that is used to this share is not worth a copy. */
const MOSTLY_USED = 0.75

/** Up to here the loop beats the call, measured on Node 24. */
const SHORT_TEXT = 48

/** Lengths up to here take one byte. */
const SHORT_BYTES = 0x7f
const BACKSLASH = 0x5c

/** The value of a hex digit by its code; 0x100 makes any pair with a wrong one larger than a byte. */
const HEX = new Uint16Array(256).fill(0x100)
for (let value = 0; value < 16; value++) {
  const digit = value.toString(16)
  HEX[digit.charCodeAt(0)] = value
  HEX[digit.toUpperCase().charCodeAt(0)] = value
}
