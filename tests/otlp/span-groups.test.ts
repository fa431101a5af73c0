import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { SpanGroups } from '../../otlp/span-groups.ts'
import { SpanTable } from '../../otlp/span-table.ts'

const groups = new SpanGroups()

/** A table whose resources and scopes have these heads; `hash` says what their hashes are. */
function tableOf(heads: readonly string[], rows: number, hash: (head: string) => number): SpanTable {
  const table = new SpanTable(rows)
  for (let row = 0; row < rows; row++) table.addRow()
  const refs = heads.map((head) => ({ head: Buffer.from(head), headHash: hash(head) }))
  const attributes = new Map()
  table.resources.push(...refs.map((ref, serial) => ({ ...ref, serial, attributes, serviceName: '', instance: '' })))
  table.scopes.push(...refs.map((ref) => ({ ...ref, attributes, name: '', version: '' })))
  return table
}

/** What it holds, as `[resource, scope, rows]`. */
function contents(): [number, number, number[]][] {
  const found: [number, number, number[]][] = []
  for (let r = groups.firstResource; r >= 0; r = groups.nextResource[r]!)
    for (let group = groups.firstGroup[r]!; group >= 0; group = groups.nextGroup[group]!) {
      const rows: number[] = []
      for (let row = groups.firstRow[group]!; row >= 0; row = groups.nextRow[row]!) rows.push(row)
      expect(groups.bytes[group]).toBe(rows.reduce((sum, row) => sum + row, 0))
      found.push([r, groups.scope[group]!, rows])
    }
  return found
}

/** The same by maps. */
function expected(heads: readonly string[], rows: readonly (readonly [number, number])[]) {
  const byResource = new Map<number, Map<number, number[]>>()
  for (const [row, [resource, scope]] of rows.entries()) {
    const scopes = byResource.get(heads.indexOf(heads[resource]!)) ?? new Map<number, number[]>()
    byResource.set(heads.indexOf(heads[resource]!), scopes)
    const first = heads.indexOf(heads[scope]!)
    scopes.set(first, [...(scopes.get(first) ?? []), row])
  }
  return [...byResource].flatMap(([resource, scopes]) => [...scopes].map(([scope, list]) => [resource, scope, list]))
}

describe('rows by resource and scope', () => {
  it.each([
    ['hashes that differ', (head: string) => head.charCodeAt(0) * 0x9e3779b1],
    ['one hash for all', () => 7],
    ['negative hashes', (head: string) => -1 - head.charCodeAt(0)],
  ])('are chained in the order of the first ones, table after table, with %s', (_, hash) => {
    const heads = fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { minLength: 1, maxLength: 12 })
    fc.assert(
      fc.property(heads, fc.array(fc.tuple(fc.nat(), fc.nat()), { maxLength: 300 }), (names, picks) => {
        const rows = picks.map(([r, s]) => [r % names.length, s % names.length] as const)
        groups.begin(tableOf(names, rows.length, hash), rows.length)
        for (const [row, [resource, scope]] of rows.entries()) groups.add(row, resource, scope, row)
        expect(contents()).toEqual(expected(names, rows))
      }),
    )
  })

  it('leaves heads apart when more than 16 others have their hash, and loses none', () => {
    const names = Array.from({ length: 100 }, (_, i) => `head ${i % 50}`)
    groups.begin(
      tableOf(names, 100, () => 7),
      100,
    )
    for (const row of names.keys()) groups.add(row, row, 0, row)
    expect(contents().flatMap(([, , rows]) => rows)).toHaveLength(100)
    expect(groups.groupCount).toBeGreaterThanOrEqual(50)
  })
})
