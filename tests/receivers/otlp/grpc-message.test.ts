import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { ByteBudget } from '../../../component/budget.ts'
import type { GatewayError } from '../../../component/errors.ts'
import { Body } from '../../../receivers/otlp/body.ts'
import type { Coding } from '../../../receivers/otlp/decompress.ts'
import { GrpcMessage, type GrpcStatus } from '../../../receivers/otlp/grpc-message.ts'

const LIMIT = 10_000

interface Read {
  readonly error: GatewayError | GrpcStatus | null
  readonly bytes: Buffer | null
  readonly coding: Coding
}

/** Reads the pieces as DATA frames of one stream, and gives back what memory it took. */
function read(pieces: readonly Uint8Array[], encoding: Coding = 'identity'): Read {
  const budget = new ByteBudget(1_000_000)
  const body = new Body(budget, LIMIT, 'the limit')
  const message = new GrpcMessage(body, encoding)
  let error: Read['error'] = null
  let bytes: Buffer | null = null
  for (const piece of pieces) {
    error = message.push(Buffer.from(piece))
    if (error !== null) break
  }
  if (error === null) {
    const held = message.finish()
    if ('grpcCode' in held) error = held
    else {
      bytes = Buffer.from(held.bytes)
      budget.release(held.reservedBytes)
    }
  }
  body.discard()
  expect(budget.usedBytes).toBe(0)
  return { error, bytes, coding: message.coding }
}

function framed(message: Uint8Array, flag = 0, length = message.length): Buffer {
  const prefix = Buffer.from([flag, 0, 0, 0, 0])
  prefix.writeUInt32BE(length, 1)
  return Buffer.concat([prefix, message])
}

function cut(bytes: Buffer, at: readonly number[]): Buffer[] {
  const ends = [...new Set([...at.map((point) => point % (bytes.length + 1)), bytes.length])].sort((a, b) => a - b)
  return ends.map((end, i) => bytes.subarray(i === 0 ? 0 : ends[i - 1], end))
}

describe('the one message of a call', () => {
  it('is the same however the frames cut it', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 3000 }), fc.array(fc.nat(), { maxLength: 20 }), (message, cuts) => {
        const { error, bytes } = read(cut(framed(message), cuts))
        expect(error).toBeNull()
        expect(bytes!.equals(message)).toBe(true)
      }),
    )
  })

  it('is compressed only where its flag says so', () => {
    expect(read([framed(Buffer.from('x'), 1)], 'gzip').coding).toBe('gzip')
    expect(read([framed(Buffer.from('x'), 0)], 'gzip').coding).toBe('identity')
  })

  const message = Buffer.from('hello')
  it.each([
    ['none at all', [], 12, /none came/],
    ['an unfinished prefix', [framed(message).subarray(0, 3)], 13, /ended after 3 bytes of the message prefix/],
    ['an unfinished message', [framed(message).subarray(0, 8)], 13, /ended after 3 of the message's 5 bytes/],
    ['two messages', [framed(message), framed(message)], 12, /one message, and more came/],
    [
      'two messages in one frame',
      [Buffer.concat([framed(message), framed(message)])],
      12,
      /one message, and more came/,
    ],
    ['a flag that is none', [framed(message, 2)], 13, /compression flag 2/],
    ['compression that no header names', [framed(message, 1)], 13, /grpc-encoding names no compression/],
  ])('%s: is refused', (_name, pieces, code, text) => {
    expect(read(pieces).error).toMatchObject({ grpcCode: code, message: expect.stringMatching(text) })
  })

  it('is refused by its announced length alone, before it comes', () => {
    for (const length of [LIMIT + 1, 0xffff_ffff])
      expect(read([framed(Buffer.alloc(0), 0, length)]).error).toMatchObject({ code: 'message_too_large' })
  })

  it('never crashes, and gives all memory back, whatever comes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 8 }), (pieces) => {
        const { error, bytes } = read(pieces, 'gzip')
        expect(error === null).toBe(bytes !== null)
      }),
      { numRuns: 2000 },
    )
  })

  it('never crashes on a message with a few wrong bytes', () => {
    const wrong = fc.tuple(fc.nat(30), fc.integer({ min: 0, max: 255 }))
    fc.assert(
      fc.property(fc.array(wrong, { maxLength: 4 }), fc.array(fc.nat(), { maxLength: 5 }), (changes, cuts) => {
        const bytes = framed(Buffer.alloc(26, 7))
        for (const [at, byte] of changes) bytes[at] = byte
        const { error, bytes: got } = read(cut(bytes, cuts))
        expect(error === null).toBe(got?.length === 26)
      }),
      { numRuns: 2000 },
    )
  })
})
