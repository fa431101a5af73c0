import { describe, expect, it } from '@jest/globals'
import { hasOtEntry } from '../../otlp/trace-state.ts'
import { tracesBatch } from '../support/scan.ts'

describe('hasOtEntry', () => {
  it.each([
    ['ot=th:c', true],
    ['ot=th:0;rv:9b8233f7e3a151', true],
    ['vendor=1,ot=th:c', true],
    ['vendor=1, \tot=th:c', true],
    ['', false],
    [undefined, false],
    ['vendor=ot=1', false],
    ['not=1', false],
    ['robot=1,dot=2', false],
    ['ot', false],
    ['vendor=1,', false],
  ])('%s: %s', (traceState, expected) => {
    const { table } = tracesBatch([
      { service: 'a', spans: [{ parentId: 2, ...(traceState !== undefined && { traceState }) }] },
    ])
    expect(hasOtEntry(table, 0)).toBe(expected)
    expect(hasOtEntry(table, 0, true)).toBe(expected)
  })
})
