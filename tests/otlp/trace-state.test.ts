import { describe, expect, it } from '@jest/globals'
import { jsonToProtobuf } from '../../otlp/json/json-to-protobuf.ts'
import { hasOtEntry } from '../../otlp/trace-state.ts'
import { scan, tracesBatch } from '../support/scan.ts'

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
  })

  it.each([
    [
      'behind the parent, as the JSON of the SDK for JavaScript has it',
      ['traceId', 'spanId', 'parentSpanId', 'traceState', 'name'],
    ],
    ['at the end', ['traceId', 'spanId', 'parentSpanId', 'name', 'kind', 'traceState']],
    ['at the end of a root', ['traceId', 'spanId', 'name', 'traceState']],
    ['before all others', ['traceState', 'name', 'traceId', 'spanId']],
  ])('finds it %s', (_, keys) => {
    const fields = {
      traceId: '1'.repeat(32),
      spanId: '2'.repeat(16),
      parentSpanId: '3'.repeat(16),
      name: 'GET',
      kind: 3,
    }
    const all: Record<string, unknown> = { ...fields, traceState: 'ot=th:c' }
    const span = Object.fromEntries(keys.map((key) => [key, all[key]]))
    const bytes = jsonToProtobuf('traces', { resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] })
    expect(hasOtEntry(scan(bytes as Uint8Array), 0)).toBe(true)
  })
})
