/** Wire types of protobuf. Source: protobuf.dev/programming-guides/encoding */
export const WireType = { varint: 0, fixed64: 1, bytes: 2, startGroup: 3, endGroup: 4, fixed32: 5 } as const

/** How deep messages and groups may nest where nesting is followed. */
export const DEPTH_LIMIT = 100

/** The bytes are not the message they claim to be: where, and what is wrong there. Caught where a request is read. */
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
 * checked against it. 64-bit values are left in `hi` and `lo`. Whoever descends into a message sets `end` and puts it
 * back after it.
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

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.bytes = bytes
    this.at = start
    this.end = end
  }

  /** Reads the next tag; false at the end of the message. */
  next(): boolean {
    if (this.at >= this.end) return false
    const at = this.at
    const tag = this.#uint32('a field tag')
    this.field = tag >>> 3
    this.type = tag & 7
    if (this.field === 0) throw new MalformedProtobuf(at, 'a field has the number 0')
    return true
  }

  /** A varint of up to 64 bits: returns the low 32, and leaves both halves in `hi` and `lo`. */
  varint32(): number {
    const bytes = this.bytes
    const end = this.end
    let at = this.at
    let lo = 0
    let hi = 0
    for (let shift = 0; shift < 70; shift += 7) {
      if (at >= end) throw new MalformedProtobuf(at, 'a varint runs past the end of its message')
      const byte = bytes[at++]!
      const bits = byte & 0x7f
      if (shift < 28) lo |= bits << shift
      else if (shift === 28) {
        lo |= bits << 28
        hi = bits >>> 4
      } else hi |= bits << (shift - 32)
      if (byte < 0x80) {
        this.at = at
        this.lo = lo >>> 0
        this.hi = hi >>> 0
        return lo >>> 0
      }
    }
    throw new MalformedProtobuf(this.at, 'a varint is longer than 10 bytes')
  }

  /** A varint of up to 64 bits, left in `hi` and `lo`. */
  varint64(): void {
    this.varint32()
  }

  /** The length of a length-delimited field, whose content then begins at `at`; returns where it ends. */
  lengthEnd(): number {
    const at = this.at
    const length = this.#uint32('a length')
    if (length > this.end - this.at) this.failLength(at, length)
    return this.at + length
  }

  failLength(at: number, length: number): never {
    throw new MalformedProtobuf(at, `a length of ${length} runs past the end of its message`)
  }

  fixed64(): void {
    const at = this.at
    this.needFixed64()
    this.lo = littleEndian32(this.bytes, at)
    this.hi = littleEndian32(this.bytes, at + 4)
    this.at = at + 8
  }

  /** For whoever reads the eight bytes at `at` by other means. */
  needFixed64(): void {
    if (this.at + 8 > this.end) throw new MalformedProtobuf(this.at, 'a fixed64 runs past the end of its message')
  }

  fixed32(): number {
    const at = this.at
    if (at + 4 > this.end) throw new MalformedProtobuf(at, 'a fixed32 runs past the end of its message')
    this.at = at + 4
    return littleEndian32(this.bytes, at)
  }

  /** Passes over the value of the tag read last. */
  skip(): void {
    if (this.type === WireType.startGroup) this.#skipGroup()
    else this.#skipValue()
  }

  /** A varint that must fit 32 bits: a tag or a length. */
  #uint32(what: string): number {
    const at = this.at
    if (at < this.end) {
      const first = this.bytes[at]!
      if (first < 0x80) {
        this.at = at + 1
        return first
      }
    }
    const value = this.varint32()
    if (this.hi !== 0) throw new MalformedProtobuf(at, `${what} does not fit 32 bits`)
    return value
  }

  #skipValue(): void {
    switch (this.type) {
      case WireType.varint:
        this.varint32()
        return
      case WireType.fixed64:
        this.needFixed64()
        this.at += 8
        return
      case WireType.bytes:
        this.at = this.lengthEnd()
        return
      case WireType.fixed32:
        if (this.at + 4 > this.end) throw new MalformedProtobuf(this.at, 'a fixed32 runs past the end of its message')
        this.at += 4
        return
      default:
        throw new MalformedProtobuf(
          this.at,
          this.type === WireType.endGroup ? 'a group ends that was not begun' : `there is no wire type ${this.type}`,
        )
    }
  }

  /** Groups are obsolete but legal in what is unknown to us; they end with an end tag of the same number. */
  #skipGroup(): void {
    const open: number[] = [this.field]
    while (open.length > 0) {
      if (!this.next()) throw new MalformedProtobuf(this.at, 'a group is not closed')
      if (this.type === WireType.endGroup) {
        if (open.pop() !== this.field) throw new MalformedProtobuf(this.at, 'a group ends that was not begun')
      } else if (this.type === WireType.startGroup) {
        if (open.length >= DEPTH_LIMIT) throw new MalformedProtobuf(this.at, `groups nest deeper than ${DEPTH_LIMIT}`)
        open.push(this.field)
      } else this.#skipValue()
    }
  }
}

export function littleEndian32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0
}

export function equalBytes(a: Uint8Array, aStart: number, aEnd: number, b: Uint8Array): boolean {
  if (aEnd - aStart !== b.length) return false
  for (let i = 0; i < b.length; i++) if (a[aStart + i] !== b[i]) return false
  return true
}

export function utf8(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8')
}
