import type { GatewayError } from '../../component/errors.ts'
import { GrpcCode, type WireStatus, wireStatus } from '../../component/status.ts'
import type { Body, HeldBytes } from './body.ts'
import type { Coding } from './decompress.ts'

export type GrpcStatus = Pick<WireStatus, 'grpcCode' | 'message' | 'retryAfterMs'>

export function grpcStatus(grpcCode: GrpcCode, message: string): GrpcStatus {
  return { grpcCode, message, retryAfterMs: null }
}

const PREFIX_BYTES = 5

/**
 * Reads the one message of a unary call out of DATA frames, which cut it anywhere:
 *
 *     byte 0      0 as it is, 1 compressed with `grpc-encoding`
 *     bytes 1-4   length, big endian
 *     bytes 5…    the message
 *
 * https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#requests
 */
export class GrpcMessage {
  readonly #body: Body
  readonly #encoding: Coding
  #prefixBytes = 0
  #compressed = false
  #length = 0

  constructor(body: Body, encoding: Coding) {
    this.#body = body
    this.#encoding = encoding
  }

  /** The compression of the message; known once it is whole. */
  get coding(): Coding {
    return this.#compressed ? this.#encoding : 'identity'
  }

  /** Takes the next piece; an error ends the call. */
  push(chunk: Buffer): GatewayError | GrpcStatus | null {
    let at = 0
    while (this.#prefixBytes < PREFIX_BYTES) {
      if (at === chunk.length) return null
      const byte = chunk[at++]!
      if (this.#prefixBytes++ > 0) this.#length = this.#length * 256 + byte
      else if (byte > 1) return grpcStatus(GrpcCode.internal, `compression flag ${byte} is neither 0 nor 1`)
      else if (byte === 1 && this.#encoding === 'identity')
        return grpcStatus(
          GrpcCode.internal,
          'the message is marked as compressed, but grpc-encoding names no compression',
        )
      else this.#compressed = byte === 1
      if (this.#prefixBytes === PREFIX_BYTES) {
        const error = this.#body.expect(this.#length)
        if (error !== null) return error
      }
    }
    if (this.#body.length + (chunk.length - at) > this.#length)
      return grpcStatus(GrpcCode.unimplemented, 'Export takes one message, and more came after it')
    return this.#body.append(chunk, at, chunk.length)
  }

  /** The message, when the sender has finished; its room in the budget goes with it. */
  finish(): HeldBytes | GrpcStatus {
    if (this.#prefixBytes === 0) return grpcStatus(GrpcCode.unimplemented, 'Export takes one message, and none came')
    if (this.#prefixBytes < PREFIX_BYTES)
      return grpcStatus(GrpcCode.internal, `the stream ended after ${this.#prefixBytes} bytes of the message prefix`)
    if (this.#body.length < this.#length)
      return grpcStatus(
        GrpcCode.internal,
        `the stream ended after ${this.#body.length} of the message's ${this.#length} bytes`,
      )
    return this.#body.take()
  }
}

/** Either kind of error as a status. */
export function toGrpcStatus(error: GatewayError | GrpcStatus): GrpcStatus {
  return 'grpcCode' in error ? error : wireStatus(error)
}
