import { describe, expect, it } from '@jest/globals'
import { Spool } from '../../../pipeline/replay/spool.ts'

const KIB = 1024

/** Requests of these lengths, each filled with its number, in this order. */
function ordered(memoryBytes: number, lengths: readonly number[], order: readonly number[]): number[] {
  const spool = new Spool(memoryBytes)
  // Always the same memory, as a recording has it.
  const memory = new Uint8Array(Math.max(...lengths))
  lengths.forEach((length, i) => {
    memory.fill(i)
    expect(spool.add({ signal: 'traces', bytes: memory.subarray(0, length) })).toBe(i)
  })
  const numbers: number[] = []
  for (const { bytes } of spool.inOrder(order)) {
    const number = bytes[0]!
    expect(bytes).toHaveLength(lengths[number]!)
    expect(bytes.every((byte) => byte === number)).toBe(true)
    numbers.push(number)
  }
  spool.close()
  return numbers
}

describe('requests that are put aside', () => {
  it.each([
    ['in memory', 8192 * KIB],
    ['a page in memory, the rest in a file', 128 * KIB],
    ['with less memory than a page', 0],
  ])('come whole in the order that is asked for: %s', (_, memoryBytes) => {
    const lengths = [10, 20 * KIB, 1, 3000 * KIB, 600 * KIB, 600 * KIB, 7]
    const order = [3, 5, 1, 0, 2, 6, 4]
    expect(ordered(memoryBytes, lengths, order)).toEqual(order)
  })

  it('come whole from a file too large to be kept, however far apart they lie', () => {
    const count = 250
    const lengths = Array.from({ length: count }, (_, i) => 40 * KIB + i)
    const order = lengths.map((_, i) => (i * 77) % count)
    expect(ordered(0, lengths, order)).toEqual(order)
  })
})
