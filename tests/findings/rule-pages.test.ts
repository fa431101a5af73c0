import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { rulePage, rulesIndex } from '../../docs/rule-page.ts'
import { CATALOGUE } from '../../findings/catalogue/catalogue.ts'
import { pageOf } from '../../findings/catalogue/rule.ts'

const ROOT = join(import.meta.dirname, '../..')
const STALE = 'stale: run `npm run docs`'
const read = (path: string) => (existsSync(join(ROOT, path)) ? readFileSync(join(ROOT, path), 'utf8') : 'no such page')

describe('docs/rules/', () => {
  it.each(CATALOGUE.map((rule) => [rule.id, rule] as const))(
    '%s has the page that the catalogue makes',
    (_id, rule) => {
      expect(read(pageOf(rule)) === rulePage(rule) ? 'as generated' : STALE).toBe('as generated')
    },
  )

  it('has an index of all rules, and no page of none', () => {
    expect(read('docs/rules/README.md') === rulesIndex() ? 'as generated' : STALE).toBe('as generated')
    const pages = globSync('docs/rules/*.md', { cwd: ROOT }).map((path) => path.replaceAll('\\', '/'))
    expect(pages.sort()).toEqual([...CATALOGUE.map(pageOf), 'docs/rules/README.md'].sort())
  })

  it('links to files that are there', () => {
    for (const page of [...CATALOGUE.map(pageOf), 'docs/rules/README.md'])
      for (const [, target] of read(page).matchAll(/\]\(([^)#]+)\)/g))
        expect([page, target, existsSync(join(ROOT, 'docs/rules', target!))]).toEqual([page, target, true])
  })
})
