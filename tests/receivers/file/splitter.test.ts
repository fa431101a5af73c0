import { zstdCompressSync } from 'node:zlib'
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { MESSAGE_LIMIT_BYTES, MessageSplitter } from '../../../receivers/file/splitter.ts'

const JSON_A = '{"resourceSpans":[]}'
const JSON_B = '{"resourceLogs":[{"schemaUrl":"ü"}]}'
const PROTO = Buffer.from('0a00', 'hex')

describe('cutting a recording into messages', () => {
  it.each<[what: string, content: Buffer, messages: string[], rejected: number]>([
    ['lines', Buffer.from(`${JSON_A}\n${JSON_B}\n`), [JSON_A, JSON_B], 0],
    [
      'lines of Windows, blank ones, a byte order mark',
      Buffer.from(`\ufeff${JSON_A}\r\n\r\n  ${JSON_B} \n`),
      [JSON_A, JSON_B],
      0,
    ],
    ['a last line without line end', Buffer.from(`${JSON_A}\n${JSON_B}`), [JSON_A, JSON_B], 0],
    ['frames of protobuf', Buffer.concat([framed(PROTO), framed(PROTO)]), ['\n\0', '\n\0'], 0],
    ['frames of JSON', Buffer.concat([framed(JSON_A), framed(JSON_B)]), [JSON_A, JSON_B], 0],
    ['frames of zstd', Buffer.concat([framed(zstd(PROTO)), framed(zstd(JSON_B))]), ['\n\0', JSON_B], 0],
    ['an empty frame', Buffer.concat([framed(''), framed(JSON_A)]), [JSON_A], 0],
    ['half a frame', Buffer.concat([framed(JSON_A), framed(JSON_B).subarray(0, 20)]), [JSON_A], 1],
    ['half a length', Buffer.concat([framed(JSON_A), Buffer.alloc(3)]), [JSON_A], 1],
    ['a frame of broken zstd', Buffer.concat([framed(zstd(PROTO).subarray(0, 8)), framed(JSON_A)]), [JSON_A], 1],
    ['nothing', Buffer.alloc(0), [], 0],
  ])('reads %s, however it comes', (_what, content, messages, rejected) => {
    fc.assert(
      fc.property(fc.array(fc.nat(content.length), { maxLength: 5 }), (cuts) => {
        expect(split(content, cuts)).toEqual({ messages, rejected, damage: null })
      }),
    )
  })

  it('tells lengths that cannot be', () => {
    const content = Buffer.concat([framed(PROTO), Buffer.from('08000001', 'hex'), PROTO])
    expect(split(content, [])).toEqual({
      messages: ['\n\0'],
      rejected: 1,
      damage: expect.stringMatching(
        /^neither JSON lines nor messages after their lengths: a length of 134217729 bytes/,
      ),
    })
  })

  it('takes no frame for more than the limit after decompression', () => {
    const bomb = zstdCompressSync(Buffer.alloc(MESSAGE_LIMIT_BYTES + 1))
    expect(split(Buffer.concat([framed(bomb), framed(PROTO)]), [])).toEqual({
      messages: ['\n\0'],
      rejected: 1,
      damage: null,
    })
  })
})

/** Every chunk comes in the memory of the one before. */
function split(content: Buffer, cuts: readonly number[]) {
  const memory = Buffer.alloc(content.length)
  const splitter = new MessageSplitter()
  const messages: string[] = []
  const ends = [...cuts, content.length].sort((a, b) => a - b)
  let start = 0
  for (const end of ends) {
    const chunk = memory.fill(0).subarray(0, content.copy(memory, 0, start, end))
    for (const message of splitter.push(chunk)) messages.push(message.bytes.toString())
    start = end
  }
  for (const message of splitter.end()) messages.push(message.bytes.toString())
  return { messages, rejected: splitter.rejected, damage: splitter.damage }
}

function framed(content: string | Uint8Array): Buffer {
  const bytes = Buffer.from(content as string)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}

function zstd(content: string | Uint8Array): Buffer {
  return zstdCompressSync(Buffer.from(content as string))
}
