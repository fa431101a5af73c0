import { describe, expect, it } from '@jest/globals'
import { BufferMemory } from '../../otlp/buffer-memory.ts'
import { Source } from '../../otlp/source.ts'
import { Column, ROW_WORDS, SpanTable, TableFull } from '../../otlp/span-table.ts'

const KIB = 1024
const ROW_BYTES = ROW_WORDS * 4

function released(...sources: Source[]): boolean[] {
  return sources.map(({ references }) => references === 0)
}

describe('a table', () => {
  it('holds its sources until its last reference is released', () => {
    const table = new SpanTable()
    const sources = [new Source(new Uint8Array(1)), new Source(new Uint8Array(1))]
    table.sources.push(...sources)
    table.retain()
    table.release()
    expect(released(...sources)).toEqual([false, false])
    table.release()
    expect(released(...sources)).toEqual([true, true])
    expect(() => table.release()).toThrow('released twice')
    expect(() => table.retain()).toThrow('after its release')
  })

  it('leaves its memory to the next one, which finds zeroes there, and shows nothing of it any more', () => {
    const memory = new BufferMemory(() => 0)
    const first = new SpanTable(1000, memory)
    first.words.fill(7)
    const { buffer } = first.words
    first.addRow()
    expect(first.get(0, Column.flags)).toBe(7)
    first.release()
    expect(first.get(0, Column.flags)).toBeUndefined()
    const second = new SpanTable(1000, memory)
    expect(second.words.buffer).toBe(buffer)
    expect(second.words.every((word) => word === 0)).toBe(true)
  })

  it('gives memory back that it has outgrown', () => {
    const memory = new BufferMemory(() => 0)
    const table = new SpanTable(200, memory)
    const rows = table.words.length / ROW_WORDS
    for (let i = 0; i <= rows; i++) table.set(table.addRow(), Column.flags, i)
    expect(table.get(rows - 1, Column.flags)).toBe(rows - 1)
    expect([table.get(rows, Column.flags), table.get(rows, Column.meta)]).toEqual([rows, 0])
    expect(memory.freeBytes).toBe(20 * KIB)
    const freeBytes = memory.freeBytes + table.byteLength
    table.release()
    expect(memory.freeBytes).toBe(freeBytes)
  })

  it.each([
    ['with memory of its own', undefined],
    ['with memory that is used again', new BufferMemory(() => 0)],
  ])('never takes more than its limit for rows that it was not asked for, %s', (_, memory) => {
    const table = new SpanTable(1000, memory, 300 * ROW_BYTES)
    expect(table.byteLength).toBeLessThan(1.25 * 300 * ROW_BYTES)
    expect(() => {
      for (let i = 0; i < 1000; i++) table.addRow()
    }).toThrow(TableFull)
  })
})
