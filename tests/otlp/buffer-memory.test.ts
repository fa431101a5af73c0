import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { BufferMemory } from '../../otlp/buffer-memory.ts'

const KIB = 1024
const MIB = 1024 * KIB

describe('memory that is used again', () => {
  it.each([
    ['small ones as they are', 511, 511],
    ['of half a KiB', 512, 512],
    ['of 16 KiB', 16 * KIB, 16 * KIB],
    ['the next of four steps to a power of two', 16 * KIB + 1, 20 * KIB],
    ['the last step', 28 * KIB + 1, 32 * KIB],
    ['up to 4 MiB', 4 * MIB - 1, 4 * MIB],
    ['large ones as they are', 4 * MIB + 1, 4 * MIB + 1],
  ])('comes in sizes: %s', (_, bytes, size) => {
    const memory = new BufferMemory(() => 0)
    expect(memory.sizeFor(bytes)).toBe(size)
    expect(memory.take(bytes).byteLength).toBe(size)
  })

  it('comes again when it was given back, to whom that size fits, and to one at a time', () => {
    const bytes = fc.integer({ min: 1, max: 5 * MIB })
    fc.assert(
      fc.property(bytes, bytes, (one, other) => {
        const memory = new BufferMemory(() => 0)
        const first = memory.take(one)
        expect(memory.take(one)).not.toBe(first)
        memory.give(first)
        const isKept = first.byteLength >= 512 && first.byteLength <= 4 * MIB
        const fits = isKept && memory.sizeFor(other) === first.byteLength
        expect(memory.take(other) === first).toBe(fits)
        expect(memory.take(other)).not.toBe(first)
      }),
    )
  })

  it.each([
    ['16 MiB whatever else is said', 3, 16],
    ['as much as is said', 20, 20],
  ])('keeps %s', (_, saidMib, keptMib) => {
    const memory = new BufferMemory(() => saidMib * MIB)
    const given = Array.from({ length: 24 }, () => memory.take(MIB))
    for (const one of given) memory.give(one)
    expect(memory.freeBytes).toBe(keptMib * MIB)
    const again = new Set(given.map(() => memory.take(MIB)))
    expect(given.filter((one) => again.has(one))).toHaveLength(keptMib)
    expect(memory.freeBytes).toBe(0)
  })

  it('lets go of the largest first, when it is given something or has to make something', () => {
    let keptMib = 64
    const memory = new BufferMemory(() => keptMib * MIB)
    const given = [1, 1, 2, 2, 3, 3, 4, 4].map((mib) => memory.take(mib * MIB))
    for (const one of given) memory.give(one)
    expect(memory.freeBytes).toBe(20 * MIB)
    keptMib = 0
    const small = memory.take(16 * KIB)
    expect(memory.freeBytes).toBe(16 * MIB)
    memory.give(small)
    expect(memory.freeBytes).toBe(12 * MIB + 16 * KIB)
  })
})
