import type { ByteBudget } from '../../component/budget.ts'
import { GatewayError } from '../../component/errors.ts'

/** Bytes in memory for which the budget has given room; whoever holds them gives the room back. */
export interface HeldBytes {
  readonly bytes: Uint8Array
  /** What to give back to the budget; never less than the bytes take. */
  readonly reservedBytes: number
  /** The buffer that the bytes lie in, where it can be used again. */
  readonly buffer: Buffer | null
}

/**
 * Room is taken for so many times what has come, up to the announced length and 1 MiB: most bodies are copied once, and
 * a sender that announces much and then falls silent holds little. Beyond, or where no length was announced (chunked
 * HTTP), room doubles.
 */
const AHEAD = 16
const AHEAD_UP_TO_BYTES = 1024 * 1024

const EMPTY = Buffer.alloc(0)

/**
 * Collects one request body as it comes off the wire, in one buffer of its own: each piece is copied once, while it is
 * still in the CPU's cache, and none of the socket's 64 KiB buffers stays alive behind a small request. The budget is asked
 * before memory is taken.
 */
export class Body {
  readonly #budget: ByteBudget
  readonly #limitBytes: number
  readonly #limitName: string
  #buffer: Buffer = EMPTY
  #reservedBytes = 0
  #length = 0
  /** Null while no length was announced. */
  #expectedBytes: number | null = null

  constructor(budget: ByteBudget, limitBytes: number, limitName: string) {
    this.#budget = budget
    this.#limitBytes = limitBytes
    this.#limitName = limitName
  }

  get length(): number {
    return this.#length
  }

  /** Says how many bytes will come; refuses at once what is over the limit. */
  expect(bytes: number): GatewayError | null {
    if (bytes > this.#limitBytes) return tooLarge(this.#limitBytes, this.#limitName)
    this.#expectedBytes = bytes
    return null
  }

  /** Adds bytes `from` to `to` of a chunk. */
  append(chunk: Buffer, from: number, to: number): GatewayError | null {
    const length = this.#length + (to - from)
    if (length > this.#buffer.length) {
      if (length > this.#limitBytes) return tooLarge(this.#limitBytes, this.#limitName)
      const error = this.#grow(this.#capacityFor(length))
      if (error !== null) return error
    }
    chunk.copy(this.#buffer, this.#length, from, to)
    this.#length = length
    return null
  }

  /** Hands over the bytes together with their room in the budget. */
  take(): HeldBytes {
    const buffer = this.#buffer
    const held = { bytes: buffer.subarray(0, this.#length), reservedBytes: this.#reservedBytes, buffer }
    this.#buffer = EMPTY
    this.#reservedBytes = 0
    return held
  }

  /** Gives everything back; harmless after `take`. */
  discard(): void {
    this.#budget.release(this.#reservedBytes)
    this.#budget.memory.give(this.#buffer.buffer)
    this.#buffer = EMPTY
    this.#reservedBytes = 0
  }

  #capacityFor(length: number): number {
    if (this.#expectedBytes === null) return Math.min(this.#limitBytes, length * 2)
    return Math.min(this.#expectedBytes, Math.max(length * 2, Math.min(length * AHEAD, AHEAD_UP_TO_BYTES)))
  }

  #grow(capacity: number): GatewayError | null {
    const { memory } = this.#budget
    const size = memory.sizeFor(capacity)
    const moreBytes = size - this.#buffer.length
    if (moreBytes <= 0) return null
    if (!this.#budget.reserve(moreBytes)) return memoryExhausted(size, this.#budget)
    this.#reservedBytes += moreBytes
    const grown = Buffer.from(memory.take(size))
    this.#buffer.copy(grown, 0, 0, this.#length)
    memory.give(this.#buffer.buffer)
    this.#buffer = grown
    return null
  }
}

export function memoryExhausted(bytes: number, budget: ByteBudget): GatewayError {
  return new GatewayError(
    'memory_exhausted',
    `no room for a request of ${bytes} bytes: ${budget.usedBytes} of ${budget.limitBytes} bytes are in use`,
    { retryable: true },
  )
}

/** It would not fit into the whole budget: coming back later is no use. */
export function tooLargeForMemory(bytes: number, budget: ByteBudget): GatewayError {
  return new GatewayError(
    'message_too_large',
    `the request takes about ${bytes} bytes of memory, more than the ${budget.limitBytes} bytes of service.limit_mib; send smaller batches`,
    { retryable: false },
  )
}

/** `limitName` is the setting that an operator would raise. */
export function tooLarge(limitBytes: number, limitName: string, where = ''): GatewayError {
  return new GatewayError(
    'message_too_large',
    `the request is larger${where} than the ${limitBytes} bytes that ${limitName} allows; send smaller batches`,
    { retryable: false },
  )
}
