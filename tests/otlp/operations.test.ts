import { describe, expect, it } from '@jest/globals'
import { Operations, OTHER_OPERATIONS, OTHER_SERVICES } from '../../otlp/operations.ts'
import { Column } from '../../otlp/span-table.ts'
import { tracesBatch } from '../support/scan.ts'

function idsOf(operations: Operations, calls: readonly (readonly [service: string, name: string])[]): number[] {
  const { table } = tracesBatch(calls.map(([service, name]) => ({ service, spans: [{ name }] })))
  const services = operations.servicesOf(table)
  return calls.map((_, row) => operations.of(table, row, services[table.get(row, Column.resource)]!))
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
