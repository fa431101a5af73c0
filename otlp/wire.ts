/** Wire types of protobuf. Source: protobuf.dev/programming-guides/encoding */
export const WireType = { varint: 0, fixed64: 1, bytes: 2, startGroup: 3, endGroup: 4, fixed32: 5 } as const

/** How deep groups may nest. */
const DEPTH_LIMIT = 100

/** The bytes are not the message they claim to be: where, and what is wrong there. */
export class MalformedProtobuf extends Error {
  /** From the start of the request. */
  readonly byteOffset: number

  constructor(byteOffset: number, problem: string) {
    super(problem)
    this.name = 'MalformedProtobuf'
    this.byteOffset = byteOffset
  }
}

/**
 * Reads protobuf without allocating: the cursor is a field, `end` is where the current message ends, and every read is
 * checked against it. 64-bit values are left in `hi` and `lo`.
 */
export class WireReader {
  bytes: Uint8Array
  at = 0
  end: number
  /** Field number and wire type of the tag read last. */
  field = 0
  type = 0
  hi = 0
  lo = 0

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
    this.end = bytes.length
  }

  /** Reads the next tag; false at the end of the message. */
  next(): boolean {
    if (this.at >= this.end) return false
    const at = this.at
    const tag = this.varint32()
    this.field = tag >>> 3
    this.type = tag & 7
    if (this.field === 0) throw new MalformedProtobuf(at, 'a field has the number 0')
    return true
  }

  /** A varint of up to 64 bits, of which the low 32 are returned. */
  varint32(): number {
    const bytes = this.bytes
    let at = this.at
    if (at < this.end) {
      const first = bytes[at]!
      if (first < 0x80) {
        this.at = at + 1
        return first
      }
    }
    let value = 0
    for (let shift = 0; shift < 70; shift += 7) {
      if (at >= this.end) throw new MalformedProtobuf(at, 'a varint runs past the end of its message')
      const byte = bytes[at++]!
      if (shift < 32) value |= (byte & 0x7f) << shift
      if (byte < 0x80) {
        this.at = at
        return value >>> 0
      }
    }
    throw new MalformedProtobuf(this.at, 'a varint is longer than 10 bytes')
  }

  /** A varint of up to 64 bits, left in `hi` and `lo`. */
  varint64(): void {
    const bytes = this.bytes
    let at = this.at
    let lo = 0
    let hi = 0
    for (let shift = 0; shift < 70; shift += 7) {
      if (at >= this.end) throw new MalformedProtobuf(at, 'a varint runs past the end of its message')
      const byte = bytes[at++]!
      if (shift < 32) lo |= (byte & 0x7f) << shift
      if (shift === 28) hi = (byte & 0x7f) >>> 4
      else if (shift > 28) hi |= (byte & 0x7f) << (shift - 32)
      if (byte < 0x80) {
        this.at = at
        this.hi = hi >>> 0
        this.lo = lo >>> 0
        return
      }
    }
    throw new MalformedProtobuf(this.at, 'a varint is longer than 10 bytes')
  }

  /** The length of a length-delimited field, which then begins at `at`; returns where it ends. */
  lengthEnd(): number {
    const at = this.at
    const length = this.varint32()
    if (length > this.end - this.at)
      throw new MalformedProtobuf(at, `a length of ${length} runs past the end of its message`)
    return this.at + length
  }

  fixed64(): void {
    const at = this.at
    if (at + 8 > this.end) throw new MalformedProtobuf(at, 'a fixed64 runs past the end of its message')
    const b = this.bytes
    this.lo = (b[at]! | (b[at + 1]! << 8) | (b[at + 2]! << 16) | (b[at + 3]! << 24)) >>> 0
    this.hi = (b[at + 4]! | (b[at + 5]! << 8) | (b[at + 6]! << 16) | (b[at + 7]! << 24)) >>> 0
    this.at = at + 8
  }

  fixed32(): number {
    const at = this.at
    if (at + 4 > this.end) throw new MalformedProtobuf(at, 'a fixed32 runs past the end of its message')
    const b = this.bytes
    this.at = at + 4
    return (b[at]! | (b[at + 1]! << 8) | (b[at + 2]! << 16) | (b[at + 3]! << 24)) >>> 0
  }

  /** Four bytes as they stand, first byte highest: part of an id. */
  bigEndian32(at: number): number {
    const b = this.bytes
    return ((b[at]! << 24) | (b[at + 1]! << 16) | (b[at + 2]! << 8) | b[at + 3]!) >>> 0
  }

  /** Passes over the value of the tag read last. */
  skip(depth = 0): void {
    switch (this.type) {
      case WireType.varint:
        this.varint32()
        return
      case WireType.fixed64:
        this.fixed64()
        return
      case WireType.bytes:
        this.at = this.lengthEnd()
        return
      case WireType.fixed32:
        this.fixed32()
        return
      case WireType.startGroup:
        this.#skipGroup(depth)
        return
      default:
        throw new MalformedProtobuf(this.at, `wire type ${this.type} stands where no such type may be`)
    }
  }

  #skipGroup(depth: number): void {
    const field = this.field
    if (depth >= DEPTH_LIMIT) throw new MalformedProtobuf(this.at, `groups nest deeper than ${DEPTH_LIMIT}`)
    while (this.next()) {
      if (this.type === WireType.endGroup) {
        if (this.field !== field) throw new MalformedProtobuf(this.at, 'a group is closed that was not open')
        return
      }
      this.skip(depth + 1)
    }
    throw new MalformedProtobuf(this.at, 'a group is not closed')
  }
}
