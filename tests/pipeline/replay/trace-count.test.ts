import { describe, expect, it } from '@jest/globals'
import { Column, SpanTable } from '../../../otlp/span-table.ts'
import { TraceCount } from '../../../pipeline/replay/trace-count.ts'

describe('counting traces', () => {
  it('counts each once, however its spans come', () => {
    const count = new TraceCount()
    count.add(spansOf([1, 1, 2, 1, 3]))
    count.add(spansOf([3, 2, 4]))
    expect(count.count).toBe(4)
  })

  it('is exact up to its limit', () => {
    const count = new TraceCount(10_000)
    for (let i = 0; i < 10_000; i += 100) count.add(spansOf(range(i, i + 100)))
    for (let i = 0; i < 10_000; i += 100) count.add(spansOf(range(i, i + 100)))
    expect(count.count).toBe(10_000)
  })

  it('is close beyond it', () => {
    const count = new TraceCount(10_000)
    for (let i = 0; i < 300_000; i += 1000) count.add(spansOf(range(i, i + 1000)))
    expect(Math.abs(count.count - 300_000)).toBeLessThan(300_000 * 0.03)
  })

  it('tells ids apart that differ in any word', () => {
    const table = new SpanTable()
    for (const column of [0, 1, 2, 3]) table.set(table.addRow(), Column.traceId + column, 1)
    const count = new TraceCount()
    count.add(table)
    expect(count.count).toBe(4)
  })
})

function spansOf(traces: readonly number[]): SpanTable {
  const table = new SpanTable()
  for (const trace of traces) table.set(table.addRow(), Column.traceId + 3, trace)
  return table
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i + 1)
}
