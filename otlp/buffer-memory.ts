import { copyBytes } from './copy-bytes.ts'

/** Smallest and largest buffers that are kept: a request of a few spans makes several small ones; larger ones are rare. */
const SMALLEST_BYTES = 512
const LARGEST_BYTES = 4 * 1024 * 1024
/** Of free buffers together, however little is in use. */
const ALWAYS_BYTES = 16 * 1024 * 1024
/** Sizes are four to each power of two: a buffer is a fifth larger than what is asked of it at most. */
const STEPS_LOG2 = 2

/**
 * Memory for what is large and short-lived (bodies of requests, rows of tables, encoded requests), used again when its
 * user is done. Left to the garbage collector it would pile up: it lies outside of the heap, goes only with a small object
 * that V8 sees no reason to look for, and when 64 MB of it have come together V8 marks the whole heap. Used again it
 * saves half of the CPU of the way through a window, and 30 MB at the peak of passing on.
 */
export class BufferMemory {
  /** By slotOf their size. */
  readonly #free: ArrayBuffer[][] = Array.from({ length: slotOf(LARGEST_BYTES) + 1 }, () => [])
  #freeBytes = 0
  readonly #keptBytes: () => number

  /** `keptBytes`: how much may be free at the moment, beyond the 16 MiB that always may; the largest goes first. */
  constructor(keptBytes: () => number) {
    this.#keptBytes = keptBytes
  }

  /** Bytes that are kept for the next users. */
  get freeBytes(): number {
    return this.#freeBytes
  }

  /** How large the memory for so many bytes is. */
  sizeFor(bytes: number): number {
    if (!isKept(bytes)) return bytes
    const step = stepOf(bytes)
    return Math.ceil(bytes / step) * step
  }

  /** Memory of the size that `sizeFor` gives; what is in it is left from others. */
  take(bytes: number): ArrayBuffer {
    const size = this.sizeFor(bytes)
    const free = isKept(size) ? this.#free[slotOf(size)]!.pop() : undefined
    if (free === undefined) {
      this.#trim()
      return Buffer.allocUnsafeSlow(size).buffer as ArrayBuffer
    }
    this.#freeBytes -= size
    return free
  }

  /** Takes memory back that came from `take` and that nobody reads or writes any more. */
  give(memory: ArrayBufferLike): void {
    const size = memory.byteLength
    if (!isKept(size)) return
    this.#freeBytes += size
    this.#free[slotOf(size)]!.push(memory as ArrayBuffer)
    this.#trim()
  }

  #trim(): void {
    if (this.#freeBytes <= ALWAYS_BYTES) return
    const limitBytes = Math.max(ALWAYS_BYTES, this.#keptBytes())
    for (let slot = this.#free.length - 1; this.#freeBytes > limitBytes; ) {
      const largest = this.#free[slot]!.pop()
      if (largest === undefined) slot--
      else this.#freeBytes -= largest.byteLength
    }
  }
}

function isKept(size: number): boolean {
  return size >= SMALLEST_BYTES && size <= LARGEST_BYTES
}

/** The distance between sizes of that magnitude. */
function stepOf(bytes: number): number {
  return 1 << (31 - Math.clz32(bytes) - STEPS_LOG2)
}

/** Numbers sizes in their order. */
function slotOf(size: number): number {
  const log2 = 31 - Math.clz32(size)
  return ((log2 << STEPS_LOG2) | ((size >>> (log2 - STEPS_LOG2)) & ((1 << STEPS_LOG2) - 1))) >>> 0
}

/** The parts one behind the other, in bytes of that memory. */
export function concatenated(parts: readonly Uint8Array[], memory: BufferMemory): Buffer {
  const joined = bytesFrom(
    memory,
    parts.reduce((sum, part) => sum + part.length, 0),
  )
  let at = 0
  for (const part of parts) at = copyBytes(part, 0, part.length, joined, at)
  return joined
}

/** So many bytes of that memory, or of their own where there is none; what is in them is left from others. */
export function bytesFrom(memory: BufferMemory | undefined, bytes: number): Buffer {
  return memory === undefined ? Buffer.allocUnsafeSlow(bytes) : Buffer.from(memory.take(bytes), 0, bytes)
}
