import { describe, expect, it } from '@jest/globals'
import { componentPage } from '../../docs/generate/component-page.ts'
import { settingsOf } from '../../docs/generate/settings-table.ts'
import { inputSchema } from '../../pipeline/config/schema-view.ts'
import { serviceSchema } from '../../pipeline/config/service-config.ts'
import { FACTORIES } from '../../pipeline/registry.ts'

const COMPONENTS = FACTORIES.map((factory) => [`${factory.kind} ${factory.type}`, factory] as const)
const SCHEMAS = [
  ...COMPONENTS.map(([name, { config }]) => [name, config] as const),
  ['service', serviceSchema] as const,
]
const SETTINGS = SCHEMAS.flatMap(([name, schema]) =>
  settingsOf(inputSchema(schema)).map((setting) => [name, setting.key, setting] as const),
)

describe('the page of the', () => {
  it.each(COMPONENTS)('%s says what it does, what it costs and how it fails, with an example', (_name, factory) => {
    const page = componentPage(factory)
    for (const title of ['What it costs', 'How it fails', 'Settings']) expect(page).toContain(`\n## ${title}\n\n`)
    expect(page).toContain('\n```yaml\n')
  })
})

describe('a setting', () => {
  it.each(SETTINGS)('of %s, %s, says what it is for', (_name, _key, { description, type }) => {
    expect(description).toMatch(/^[a-z0-9].*\.$/i)
    expect(type).not.toBe('')
  })
})
