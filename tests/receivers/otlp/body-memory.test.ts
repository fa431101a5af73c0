import { describe, expect, it } from '@jest/globals'
import { ByteBudget } from '../../../component/budget.ts'
import { Body } from '../../../receivers/otlp/body.ts'
import { BodyMemory } from '../../../receivers/otlp/body-memory.ts'

const KIB = 1024

describe('memory for bodies', () => {
  it.each([
    ['small ones as they are', 1000, 1000],
    ['of 16 KiB', 16 * KIB, 16 * KIB],
    ['the next power of two', 16 * KIB + 1, 32 * KIB],
    ['up to 1 MiB', 1000 * KIB, 1024 * KIB],
    ['large ones as they are', 1024 * KIB + 1, 1024 * KIB + 1],
  ])('comes in sizes: %s', (_, bytes, size) => {
    expect(new BodyMemory().sizeFor(bytes)).toBe(size)
  })

  it('is used again when it is given back, and not before', () => {
    const memory = new BodyMemory()
    const first = memory.take(32 * KIB)
    expect(memory.take(32 * KIB)).not.toBe(first)
    memory.give(first)
    expect(memory.take(64 * KIB)).not.toBe(first)
    expect(memory.take(32 * KIB)).toBe(first)
    expect(memory.take(32 * KIB)).not.toBe(first)
  })

  it('keeps 8 MiB at most', () => {
    const memory = new BodyMemory()
    const buffers = Array.from({ length: 9 }, () => memory.take(1024 * KIB))
    for (const buffer of buffers) memory.give(buffer)
    const again = new Set(buffers.map(() => memory.take(1024 * KIB)))
    expect(buffers.filter((buffer) => again.has(buffer))).toHaveLength(8)
  })

  it('comes back from a body that is discarded or has outgrown it, and is charged as it is', () => {
    const memory = new BodyMemory()
    const budget = new ByteBudget(1024 * KIB)
    const body = new Body(budget, memory, 1024 * KIB, 'the limit')
    body.append(Buffer.alloc(60 * KIB), 0, 60 * KIB)
    expect(budget.usedBytes).toBe(64 * KIB)
    body.append(Buffer.alloc(60 * KIB), 0, 60 * KIB)
    expect(budget.usedBytes).toBe(128 * KIB)
    const outgrown = memory.take(64 * KIB)
    body.discard()
    expect(budget.usedBytes).toBe(0)
    expect([outgrown.length, memory.take(128 * KIB).length]).toEqual([64 * KIB, 128 * KIB])
  })
})
