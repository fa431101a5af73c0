import { spawnSync } from 'node:child_process'
import { describe, expect, it } from '@jest/globals'
import { rulePage } from '../../docs/generate/rule-page.ts'
import { CATALOGUE } from '../../findings/catalogue/catalogue.ts'
import { UNDETERMINED } from '../../findings/catalogue/rule.ts'
import { describeWithTool } from '../support/tools.ts'

const DETECTED = CATALOGUE.filter((rule) => rule.detected).map((rule) => [rule.id, rule] as const)
const CAUSES = DETECTED.flatMap(([id, { causes }]) => causes.map((cause) => [id, cause.cause, cause] as const))

describe('the page of a rule', () => {
  it.each(DETECTED)('of %s has every section, with something in it', (_id, rule) => {
    const sections = sectionsOf(rulePage(rule))
    expect([...sections.keys()].filter((title) => title !== 'Values')).toEqual([
      'What it means',
      'How it looks',
      'Causes, and how to mend them',
      'What is counted',
      'Thresholds',
      'What it cannot see',
      'An example',
    ])
    expect([...sections].filter(([, text]) => text.length < 40)).toEqual([])
  })

  it.each(DETECTED)('of %s draws what it looks like', (_id, { drawing }) => {
    expect(drawing.trim().split('\n').length).toBeGreaterThanOrEqual(2)
    expect(drawing).toMatch(/[█─╱▶◄]/)
  })

  it.each(DETECTED)('of %s says what it cannot see, and by which numbers it decides', (_id, rule) => {
    expect(rule.blindTo.length).toBeGreaterThan(0)
    expect(rule.thresholds.length + rule.fixed.length).toBeGreaterThan(0)
    for (const { reason } of [...rule.thresholds, ...rule.fixed]) expect(reason).toMatch(/^[A-Z].{10,}\.$/)
  })

  it.each(CAUSES)('of %s says how %s is mended, in code', (_id, name, { means, mend, go, config }) => {
    expect(means).not.toBe('')
    expect(mend).not.toBe('')
    if (name !== UNDETERMINED) expect(go ?? config).toBeDefined()
  })
})

describeWithTool('go', ['version'], 'the Go code on the pages', () => {
  it.each(CAUSES.flatMap(([id, name, { go }]) => (go === undefined ? [] : [[id, name, go] as const])))(
    'of %s for %s is Go',
    (_id, _name, code) => {
      const asDeclarations = syntaxErrors(`package page\n${code}\n`)
      const asStatements = syntaxErrors(`package page\nfunc _() {\n${code}\n}\n`)
      expect(asDeclarations === '' ? '' : asStatements).toBe('')
    },
  )
})

function syntaxErrors(source: string): string {
  return spawnSync('gofmt', ['-e'], { input: source, encoding: 'utf8' }).stderr
}

/** Text by heading of the second level. */
function sectionsOf(page: string): Map<string, string> {
  const parts = page.split(/^## (.+)$/m).slice(1)
  return new Map(Array.from({ length: parts.length / 2 }, (_, i) => [parts[2 * i]!, parts[2 * i + 1]!.trim()]))
}
