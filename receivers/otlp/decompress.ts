import { promisify } from 'node:util'
import zlib from 'node:zlib'
import type { ByteBudget } from '../../component/budget.ts'
import { GatewayError } from '../../component/errors.ts'
import { type HeldBytes, memoryExhausted, tooLarge } from './body.ts'

/** Compressions that both protocols understand. HTTP calls zlib's format `deflate`; the Collector also `zlib`. */
export const CODINGS = ['identity', 'gzip', 'zstd', 'deflate', 'zlib'] as const
export type Coding = (typeof CODINGS)[number]

/** The coding that a header names, `identity` where it is absent, or null where it is none of ours. */
export function codingOf(header: string | undefined): Coding | null {
  if (header === undefined || header === '') return 'identity'
  const name = header.trim().toLowerCase()
  return (CODINGS as readonly string[]).includes(name) ? (name as Coding) : null
}

/**
 * Bodies up to this size are decompressed in place: 32 KiB take about 0.3 ms, and a round trip through the thread pool
 * costs 0.05 ms of CPU. Larger ones go to the thread pool and leave the event loop free.
 */
const IN_PLACE_BYTES = 32 * 1024
/** Text and ids compress by about 10; what was compressed more than this is read in a second try. */
const USUAL_RATIO = 16
const SMALLEST_GUESS_BYTES = 64 * 1024

const async = {
  gzip: promisify(zlib.gunzip),
  deflate: promisify(zlib.inflate),
  zlib: promisify(zlib.inflate),
  zstd: promisify(zlib.zstdDecompress),
}
const sync = { gzip: zlib.gunzipSync, deflate: zlib.inflateSync, zlib: zlib.inflateSync, zstd: zlib.zstdDecompressSync }

/**
 * Decompresses a body that the caller holds and gives the caller's room back in any case. The room for the result is
 * reserved before the first byte is inflated and never exceeded: the first try may fill what the body's own length
 * promises, the second one the receiver's limit, and what is larger still is refused.
 */
export async function decompress(
  held: HeldBytes,
  coding: Exclude<Coding, 'identity'>,
  budget: ByteBudget,
  limitBytes: number,
  limitName: string,
): Promise<HeldBytes | GatewayError> {
  try {
    const guess = Math.min(limitBytes, expectedBytes(held.bytes, coding))
    const first = await inflate(held.bytes, coding, budget, guess)
    if (first !== 'too_large') return first
    if (guess === limitBytes) return tooLargeInflated(limitBytes, limitName)
    const second = await inflate(held.bytes, coding, budget, limitBytes)
    return second === 'too_large' ? tooLargeInflated(limitBytes, limitName) : second
  } finally {
    budget.release(held.reservedBytes)
  }
}

function tooLargeInflated(limitBytes: number, limitName: string): GatewayError {
  return tooLarge(limitBytes, limitName, ' after decompression')
}

/** A gzip member ends with its length modulo 2^32; the other formats mostly do not say. */
function expectedBytes(bytes: Uint8Array, coding: Coding): number {
  if (coding !== 'gzip' || bytes.length < 18) return Math.max(SMALLEST_GUESS_BYTES, bytes.length * USUAL_RATIO)
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).readUInt32LE(bytes.length - 4)
}

async function inflate(
  bytes: Uint8Array,
  coding: Exclude<Coding, 'identity'>,
  budget: ByteBudget,
  roomBytes: number,
): Promise<HeldBytes | GatewayError | 'too_large'> {
  if (!budget.reserve(roomBytes)) return memoryExhausted(roomBytes, budget)
  let inflated: Inflated
  try {
    // One byte more than expected, so that an honest length is read in one piece; zlib wants at least 64.
    const options = { maxOutputLength: Math.max(1, roomBytes), chunkSize: Math.max(64, roomBytes + 1), info: true }
    const result = bytes.length <= IN_PLACE_BYTES ? sync[coding](bytes, options) : await async[coding](bytes, options)
    inflated = result as unknown as Inflated
  } catch (error) {
    budget.release(roomBytes)
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') return 'too_large'
    return new GatewayError('malformed_request', `the body is not valid ${coding}: ${(error as Error).message}`, {
      retryable: false,
      cause: error,
    })
  }
  // Node stops at the end of the first frame and says nothing of what comes after it.
  if (coding === 'zstd' && inflated.engine.bytesWritten < bytes.length) {
    budget.release(roomBytes)
    return new GatewayError('malformed_request', 'the body is more than one frame of zstd; send it as one', {
      retryable: false,
    })
  }
  return fitted(inflated.buffer, roomBytes, budget)
}

/** What node:zlib gives with `info`. */
interface Inflated {
  readonly buffer: Buffer
  /** `bytesWritten`: how much of the input was read. */
  readonly engine: { readonly bytesWritten: number }
}

/** Keeps no more room than the bytes take; a result that fills less than half of its buffer is copied out. */
function fitted(inflated: Buffer, roomBytes: number, budget: ByteBudget): HeldBytes {
  let bytes = inflated
  if (inflated.length * 2 < inflated.buffer.byteLength) {
    bytes = Buffer.allocUnsafeSlow(inflated.length)
    inflated.copy(bytes)
  }
  const reservedBytes = Math.min(roomBytes, bytes.buffer.byteLength)
  budget.release(roomBytes - reservedBytes)
  return { bytes, reservedBytes, buffer: null }
}
