/** Smallest and largest buffers that are kept; smaller bodies cost little, larger ones are rare. */
const SMALLEST_BYTES = 16 * 1024
const LARGEST_BYTES = 1024 * 1024
/** Of free buffers together. */
const LIMIT_BYTES = 8 * 1024 * 1024

/**
 * Memory for bodies, used again when a request is done. Left to the garbage collector it would pile up: a body lies outside
 * of the heap, and goes only with a small object that V8 sees no reason to look for (30 MB less at the peak, a quarter of
 * the CPU of passing on). Sizes are powers of two.
 */
export class BodyMemory {
  /** By the logarithm of their size. */
  readonly #free: Buffer[][] = Array.from({ length: slotOf(LARGEST_BYTES) + 1 }, () => [])
  #freeBytes = 0

  /** How large the buffer for so many bytes is. */
  sizeFor(bytes: number): number {
    if (bytes > LARGEST_BYTES || bytes < SMALLEST_BYTES) return bytes
    return 2 ** Math.ceil(Math.log2(bytes))
  }

  /** A buffer of a size that `sizeFor` gave; what is in it is left from others. */
  take(size: number): Buffer {
    const free = this.#free[slotOf(size)]?.pop()
    if (free === undefined) return Buffer.allocUnsafeSlow(size)
    this.#freeBytes -= size
    return free
  }

  /** Takes a buffer back that nobody reads or writes any more. */
  give(buffer: Buffer): void {
    const size = buffer.length
    if (size < SMALLEST_BYTES || size > LARGEST_BYTES || this.#freeBytes + size > LIMIT_BYTES) return
    this.#freeBytes += size
    this.#free[slotOf(size)]!.push(buffer)
  }
}

function slotOf(size: number): number {
  return Math.log2(size) | 0
}
