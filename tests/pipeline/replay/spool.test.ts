import { describe, expect, it } from '@jest/globals'
import { Spool } from '../../../pipeline/replay/spool.ts'

const KIB = 1024

/** Requests of these lengths, each filled with its number, in the order of these keys. */
function ordered(memoryBytes: number, lengths: readonly number[], keys: readonly bigint[]): number[] {
  const spool = new Spool(memoryBytes)
  // Always the same memory, as a recording has it.
  const memory = new Uint8Array(Math.max(...lengths))
  lengths.forEach((length, i) => {
    memory.fill(i)
    spool.order(spool.add({ signal: 'traces', bytes: memory.subarray(0, length) }), keys[i]!)
  })
  const numbers: number[] = []
  for (const { bytes } of spool.inOrder()) {
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
  ])('come whole in the order of their keys, those of one key as they came: %s', (_, memoryBytes) => {
    const lengths = [10, 20 * KIB, 1, 3000 * KIB, 600 * KIB, 600 * KIB, 7]
    expect(ordered(memoryBytes, lengths, [5n, 3n, 5n, 1n, 9n, 2n, 5n])).toEqual([3, 5, 1, 0, 2, 6, 4])
  })

  it('come whole from a file too large to be kept, however far apart they lie', () => {
    const count = 250
    const lengths = Array.from({ length: count }, (_, i) => 40 * KIB + i)
    const keys = lengths.map((_, i) => BigInt((i * 77) % count))
    const expected = [...lengths.keys()].sort((a, b) => Number(keys[a]! - keys[b]!))
    expect(ordered(0, lengths, keys)).toEqual(expected)
  })
})
