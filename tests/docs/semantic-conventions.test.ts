import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { ITEM_NAMES } from '../../component/signal.ts'
import { ownMetrics } from '../../docs/generate/own-metrics.ts'
import { LAYERS } from '../support/layers.ts'

const ROOT = join(import.meta.dirname, '../..')
const PAGE = readFileSync(join(ROOT, 'docs/semantic-conventions.md'), 'utf8')
const NAMES_ON_PAGE = new Set(Array.from(PAGE.matchAll(/`((?:blindspot\.|otelcol_)[\w.]+)`/g), ([, name]) => name!))

/** Names in quotes anywhere in the program; comments and messages have none. */
const NAMES_IN_CODE = new Set(
  globSync(`{${LAYERS.join(',')}}/**/*.ts`, { cwd: ROOT }).flatMap((path) =>
    Array.from(
      readFileSync(join(ROOT, path), 'utf8').matchAll(/['`](blindspot\.[a-z_.]*[a-z])['`]/g),
      ([, name]) => name!,
    ),
  ),
)
const OWN = ownMetrics().map(({ name }) => name)

describe('docs/semantic-conventions.md', () => {
  it.each([...NAMES_IN_CODE].sort())('has %s', (name) => {
    expect(NAMES_ON_PAGE).toContain(name)
  })

  it('has the own metrics of the gateway', () => {
    expect(OWN.map(asOnPage).filter((name) => !NAMES_ON_PAGE.has(name))).toEqual([])
  })

  it('has no name that nothing sends', () => {
    const sent = new Set([...NAMES_IN_CODE, ...OWN.map(asOnPage), 'blindspot.value.KEY'])
    const ofValues = /^blindspot\.value\.[a-z0-9_]+$/
    expect([...NAMES_ON_PAGE].filter((name) => !sent.has(name) && !ofValues.test(name))).toEqual([])
  })
})

/** What there is of every signal stands there once. */
function asOnPage(name: string): string {
  const items = Object.values(ITEM_NAMES).find((each) => name.endsWith(`_${each}`))
  return items === undefined ? name : name.replace(new RegExp(`_${items}$`), '_ITEMS')
}
