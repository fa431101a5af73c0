import { describe, expect, it } from '@jest/globals'
import { Operations, OTHER_OPERATIONS, OTHER_SERVICES } from '../../otlp/operations.ts'
import { tracesBatch } from '../support/scan.ts'

function idsOf(operations: Operations, calls: readonly (readonly [service: string, name: string])[]): number[] {
  const { table } = tracesBatch(calls.map(([service, name]) => ({ service, spans: [{ name }] })))
  const ids = new Int32Array(calls.length)
  operations.ofRows(table, operations.servicesOf(table), ids)
  return [...ids]
}

describe('Operations', () => {
  it('gives each service, name and kind a number of its own, the same each time', () => {
    const operations = new Operations()
    const calls = [
      ['cart', 'GET'],
      ['cart', 'PUT'],
      ['price', 'GET'],
      ['cart', 'GET'],
    ] as const
    expect(idsOf(operations, calls)).toEqual([0, 1, 2, 0])
    expect(operations.all.map(({ service, name }) => `${service} ${name}`)).toEqual([
      'cart GET',
      'cart PUT',
      'price GET',
    ])
  })

  it('tells operations apart however many come at once', () => {
    const operations = new Operations()
    const calls = Array.from({ length: 3000 }, (_, i) => [`service ${i % 700}`, `operation ${i}`] as const)
    const ids = idsOf(operations, calls)
    expect(ids).toEqual(calls.map((_, i) => i))
    expect(idsOf(operations, calls)).toEqual(ids)
  })

  it('counts the names of a service beyond the limit as one', () => {
    const operations = new Operations(2)
    const ids = idsOf(operations, [
      ['cart', 'a'],
      ['cart', 'b'],
      ['cart', 'c'],
      ['cart', 'd'],
      ['cart', 'a'],
    ])
    expect(ids).toEqual([0, 1, 2, 2, 0])
    expect(operations.all[2]).toMatchObject({ service: 'cart', name: OTHER_OPERATIONS })
    expect(operations.overflowed).toBe(2)
  })

  it('counts services beyond the limit as one', () => {
    const operations = new Operations(2)
    const ids = idsOf(operations, [
      ['a', 'x'],
      ['b', 'x'],
      ['c', 'x'],
      ['d', 'x'],
      ['b', 'x'],
    ])
    expect(ids[4]).toBe(ids[1])
    expect(ids[2]).toBe(ids[3])
    expect(operations.all[ids[2]!]!.service).toBe(OTHER_SERVICES)
    expect(operations.serviceNames).toEqual(['a', 'b', OTHER_SERVICES])
    expect(operations.overflowedServices).toBe(2)
  })
})
