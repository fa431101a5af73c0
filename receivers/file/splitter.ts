import { zstdDecompressSync } from 'node:zlib'
import { isZstd } from './chunks.ts'

export type Encoding = 'json' | 'protobuf'

/** Larger messages are taken for damage. OTLP's own limit for a request is 64 MiB. */
export const MESSAGE_LIMIT_BYTES = 128 * 1024 * 1024

/** One message of a recording as it lies there, without its framing and its own compression. */
export interface RawMessage {
  readonly encoding: Encoding
  readonly bytes: Buffer
}

/** How the messages of a recording are kept apart, and whether each is compressed for itself. */
export type Framing = 'unknown' | 'lines' | 'frames' | 'zstd_frames'

/**
 * Cuts a stream of chunks into messages. How they are kept apart is told by the first byte:
 *
 *     lines   {"resourceSpans":[…]}\n {"resourceMetrics":[…]}\n …
 *     frames  length (4 bytes, big-endian) message  length message …
 *
 * A frame of less than 128 MiB cannot begin with a byte that a line of JSON begins with. What is in a frame is told for
 * each: compressed with zstd or not, JSON or protobuf. Memory: one chunk and one message.
 */
export class MessageSplitter {
  framing: Framing = 'unknown'
  /** Messages that could not be had: torn, too large, or not decompressible. */
  rejected = 0
  /** Why nothing after this point can be read; null while all is well. */
  damage: string | null = null
  /** The beginning of a message whose end has not come yet, in the chunks in which it came. */
  #pending: Buffer[] = []
  #pendingBytes = 0
  /** Of frames: how many bytes `#pending` needs before it says more. */
  #neededBytes = 4

  /** The messages that end in this chunk. They share its memory, but for one that began in an earlier chunk; it may be
   * used again for the next chunk. */
  push(chunk: Buffer): RawMessage[] {
    const messages: RawMessage[] = []
    if (this.framing === 'unknown' && chunk.length > 0) this.framing = framingOf(chunk)
    let at = this.#pendingBytes === 0 ? 0 : this.#finishPending(chunk, messages)
    if (this.damage === null && at < chunk.length) {
      at = this.framing === 'lines' ? this.#lines(chunk, at, messages) : this.#frames(chunk, at, messages)
    }
    if (this.damage === null && at < chunk.length) this.#keep(chunk.subarray(at))
    return messages
  }

  /** What is left when the input ends: a last line without line end is a message, half a frame is not. */
  end(): RawMessage[] {
    const messages: RawMessage[] = []
    if (this.#pendingBytes === 0) return messages
    const rest = this.#takePending()
    if (this.framing === 'lines') this.#line(rest, 0, rest.length, messages)
    else this.rejected++
    return messages
  }

  #keep(bytes: Buffer): void {
    this.#pending.push(Buffer.from(bytes))
    this.#pendingBytes += bytes.length
    if (this.#pendingBytes > MESSAGE_LIMIT_BYTES + 4) this.#giveUp(`a line is longer than ${MESSAGE_LIMIT_BYTES} bytes`)
  }

  /** Completes the message that began in earlier chunks, as far as this one reaches; returns where the rest begins. */
  #finishPending(chunk: Buffer, messages: RawMessage[]): number {
    if (this.framing === 'lines') {
      const end = chunk.indexOf(LINE_END)
      if (end < 0) return 0
      this.#pending.push(chunk.subarray(0, end))
      this.#pendingBytes += end
      const line = this.#takePending()
      this.#line(line, 0, line.length, messages)
      return end + 1
    }
    // First the four bytes of the length, then as many as they say.
    let at = 0
    while (this.damage === null) {
      const missing = this.#neededBytes - this.#pendingBytes
      if (at + missing > chunk.length) {
        this.#keep(chunk.subarray(at))
        return chunk.length
      }
      this.#pending.push(chunk.subarray(at, at + missing))
      this.#pendingBytes += missing
      at += missing
      const bytes = this.#takePending()
      if (this.#frames(bytes, 0, messages) === bytes.length) return at
      this.#keep(bytes)
    }
    return at
  }

  #takePending(): Buffer {
    const bytes = this.#pending.length === 1 ? this.#pending[0]! : Buffer.concat(this.#pending, this.#pendingBytes)
    this.#pending = []
    this.#pendingBytes = 0
    return bytes
  }

  #lines(bytes: Buffer, from: number, messages: RawMessage[]): number {
    let start = from
    for (let end = bytes.indexOf(LINE_END, start); end >= 0; end = bytes.indexOf(LINE_END, start)) {
      this.#line(bytes, start, end, messages)
      start = end + 1
    }
    return start
  }

  #line(bytes: Buffer, start: number, end: number, messages: RawMessage[]): void {
    let from = start
    let to = end
    if (bytes[from] === 0xef && bytes[from + 1] === 0xbb && bytes[from + 2] === 0xbf) from += 3
    while (from < to && isSpace(bytes[from]!)) from++
    while (to > from && isSpace(bytes[to - 1]!)) to--
    if (from < to) messages.push({ encoding: 'json', bytes: bytes.subarray(from, to) })
  }

  /** Returns where a frame begins that is not all there. */
  #frames(bytes: Buffer, from: number, messages: RawMessage[]): number {
    let at = from
    this.#neededBytes = 4
    while (at + 4 <= bytes.length) {
      const length = bytes.readUInt32BE(at)
      if (length > MESSAGE_LIMIT_BYTES) {
        this.#giveUp(`neither JSON lines nor messages after their lengths: a length of ${length} bytes`)
        return at
      }
      if (at + 4 + length > bytes.length) {
        this.#neededBytes = 4 + length
        return at
      }
      this.#frame(bytes.subarray(at + 4, at + 4 + length), messages)
      at += 4 + length
    }
    return at
  }

  #frame(content: Buffer, messages: RawMessage[]): void {
    if (content.length === 0) return
    let bytes: Buffer | null = content
    if (isZstd(content)) {
      this.framing = 'zstd_frames'
      bytes = decompressed(content)
    }
    if (bytes === null) this.rejected++
    else messages.push({ encoding: isJson(bytes) ? 'json' : 'protobuf', bytes })
  }

  #giveUp(why: string): void {
    this.rejected++
    this.damage = why
    this.#takePending()
  }
}

const LINE_END = 0x0a

function framingOf(chunk: Buffer): Framing {
  return chunk[0]! > MESSAGE_LIMIT_BYTES >>> 24 ? 'lines' : 'frames'
}

function decompressed(content: Buffer): Buffer | null {
  try {
    return zstdDecompressSync(content, { maxOutputLength: MESSAGE_LIMIT_BYTES })
  } catch {
    return null
  }
}

function isJson(bytes: Buffer): boolean {
  let at = 0
  while (at < bytes.length && isSpace(bytes[at]!)) at++
  // As protobuf, 0x7b would start a group in field 15: no OTLP request begins so.
  return bytes[at] === 0x7b
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === LINE_END || byte === 0x0d || byte === 0x09
}
