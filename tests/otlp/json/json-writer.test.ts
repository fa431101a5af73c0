import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { JsonWriter } from '../../../otlp/json/json-writer.ts'

function written(write: (writer: JsonWriter) => void): string {
  const writer = new JsonWriter(0)
  write(writer)
  return writer.finish().toString('utf8')
}

const word = fc.oneof(fc.nat(0xffff_ffff), fc.constantFrom(0, 1, 999_999_999, 1_000_000_000, 0x7fff_ffff, 0xffff_ffff))

describe('JsonWriter', () => {
  it('writes 64-bit numbers as BigInt does, signed and unsigned', () => {
    fc.assert(
      fc.property(word, word, (high, low) => {
        const value = (BigInt(high) << 32n) | BigInt(low)
        expect(written((writer) => writer.unsigned64(high, low))).toBe(`"${value}"`)
        expect(written((writer) => writer.signed64(high, low))).toBe(`"${BigInt.asIntN(64, value)}"`)
      }),
      { numRuns: 2000 },
    )
  })

  it('writes any string as JSON.stringify does', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const bytes = Buffer.from(text, 'utf8')
        expect(JSON.parse(written((writer) => writer.string(bytes, 0, bytes.length)))).toBe(bytes.toString('utf8'))
      }),
      { numRuns: 1000 },
    )
  })

  it('writes ids and bytes in any length', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        const buffer = Buffer.from(bytes)
        expect(written((writer) => writer.hex(bytes, 0, bytes.length))).toBe(`"${buffer.toString('hex')}"`)
        expect(written((writer) => writer.base64(bytes, 0, bytes.length))).toBe(`"${buffer.toString('base64')}"`)
      }),
    )
  })
})
