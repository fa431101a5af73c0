import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { hexOf, hexOfPacked, packedId } from '../../otlp/hex.ts'

const words = fc.uint32Array({ minLength: 4, maxLength: 4 })

describe('packed ids', () => {
  it('say what hex says', () => {
    fc.assert(
      fc.property(words, (id) => {
        expect(hexOfPacked(packedId(id, 0, 4))).toBe(hexOf(id, 0, 4))
        expect(hexOfPacked(packedId(id, 1, 2))).toBe(hexOf(id, 1, 2))
      }),
    )
  })

  it('stand in the order of hex, and come through a copy for another thread', () => {
    fc.assert(
      fc.property(words, words, (a, b) => {
        expect(packedId(a, 0, 4) < packedId(b, 0, 4)).toBe(hexOf(a, 0, 4) < hexOf(b, 0, 4))
        expect(structuredClone(packedId(a, 0, 4))).toBe(packedId(a, 0, 4))
      }),
    )
  })
})
