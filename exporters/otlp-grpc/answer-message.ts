import { gunzipSync, inflateSync, zstdDecompressSync } from 'node:zlib'
import { failure, Status } from './grpc-status.ts'
import type { GrpcResult } from './unary-client.ts'

/** OTLP 1.11: a client should not read answers beyond this, on the wire or decompressed. */
export const ANSWER_LIMIT_BYTES = 4 * 1024 * 1024

/** Compressed flag (1 byte) and length of the message (4 bytes, big-endian). */
export const PREFIX_BYTES = 5

const EMPTY = new Uint8Array(0)

const DECOMPRESS = { gzip: gunzipSync, zstd: zstdDecompressSync, deflate: inflateSync } as const

/**
 * The message in the body of an answer whose status is OK. A server may compress it the way the request was compressed,
 * without being asked: grpc-go does, as soon as there is a byte of it. It is a few bytes long, so it is read at once.
 */
export function readAnswer(body: Buffer, encoding: string): GrpcResult {
  if (body.length < PREFIX_BYTES) return failure(Status.INTERNAL, 'the answer is OK but has no message')
  if (body.length !== PREFIX_BYTES + body.readUInt32BE(1)) return failure(Status.INTERNAL, 'the answer is cut off')
  const message = body.length === PREFIX_BYTES ? EMPTY : body.subarray(PREFIX_BYTES)
  return body[0] === 0 ? ok(message) : decompressed(message, encoding)
}

function decompressed(message: Uint8Array, encoding: string): GrpcResult {
  if (!Object.hasOwn(DECOMPRESS, encoding))
    return failure(Status.INTERNAL, `the answer is compressed with ${encoding}, which was not asked for`)
  try {
    return ok(DECOMPRESS[encoding as keyof typeof DECOMPRESS](message, { maxOutputLength: ANSWER_LIMIT_BYTES }))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') return answerTooLarge()
    return failure(Status.INTERNAL, `the answer is no valid ${encoding}: ${(error as Error).message}`)
  }
}

export function answerTooLarge(): GrpcResult {
  return failure(Status.RESOURCE_EXHAUSTED, `the answer is larger than ${ANSWER_LIMIT_BYTES} bytes`)
}

function ok(response: Uint8Array): GrpcResult {
  return { code: Status.OK, message: '', retryAfterMs: null, response }
}
