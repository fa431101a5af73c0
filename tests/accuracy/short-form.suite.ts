import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from '@jest/globals'
import { shareOf } from './figures.ts'
import { runShortForm } from './short-form.ts'
import type { ClassFigures, Measure } from './tally.ts'

const PAGE = fileURLToPath(new URL('../../docs/accuracy.md', import.meta.url))
/** How far a figure may fall below the published one. */
const ALLOWED = 0.01
const MEASURES: readonly Measure[] = ['recall', 'precision', 'cause']

/** The table of the page: figures by class, in the order of MEASURES; NaN where there was nothing to count. */
function publishedFigures(): (readonly [string, readonly number[]])[] {
  if (!existsSync(PAGE)) return []
  const text = readFileSync(PAGE, 'utf8')
  const part = text.slice(text.indexOf('## The short form'), text.indexOf('## What is broken'))
  const rows = part.split('\n').filter((line) => line.startsWith('| '))
  return rows.slice(2).map((line) => {
    const [name, ...cells] = line.slice(2, -2).split(' | ')
    return [name!, cells.map((cell) => Number.parseFloat(cell))] as const
  })
}

const published = publishedFigures()

describe('accuracy, the short form', () => {
  let now: ReadonlyMap<string, ClassFigures>

  beforeAll(async () => {
    const figures = await runShortForm()
    now = new Map(figures.map((one) => [one.recipe.name, one]))
  })

  it('is published for all classes', () => {
    expect(published.length).toBeGreaterThan(15)
  })

  it.each(published)('%s is not below what docs/accuracy.md says', (name, figures) => {
    const fallen = MEASURES.map((measure, i) => ({ measure, was: figures[i]!, is: shareOf(now.get(name)![measure]) }))
      // Where nothing was found there is no precision any more; the recall tells.
      .filter(({ was, is }) => is < was - ALLOWED)
    expect(fallen).toEqual([])
  })
})
