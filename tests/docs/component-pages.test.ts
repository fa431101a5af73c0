import { describe, expect, it } from '@jest/globals'
import { parse } from 'yaml'
import type { AnyFactory } from '../../component/component.ts'
import { componentPage } from '../../docs/component-page.ts'
import { settingsOf } from '../../docs/settings-table.ts'
import { SECTIONS } from '../../pipeline/config/check-components.ts'
import { inputSchema } from '../../pipeline/config/schema-view.ts'
import { serviceSchema } from '../../pipeline/config/service-config.ts'
import { FACTORIES } from '../../pipeline/registry.ts'

const COMPONENTS = FACTORIES.map((factory) => [`${factory.kind} ${factory.type}`, factory] as const)
const SETTINGS = [
  ...COMPONENTS.flatMap(([name, { config }]) =>
    settingsOf(inputSchema(config)).map((setting) => [name, setting] as const),
  ),
  ...settingsOf(inputSchema(serviceSchema)).map((setting) => ['service', setting] as const),
].map(([name, setting]) => [name, setting.key, setting] as const)

describe('the page of the', () => {
  it.each(COMPONENTS)('%s says what it does, what it costs and how it fails, with an example', (_name, factory) => {
    const page = componentPage(factory)
    for (const title of ['What it costs', 'How it fails', 'Settings']) expect(page).toContain(`\n## ${title}\n\n`)
    expect(examplesIn(page).length).toBeGreaterThan(0)
  })

  it.each(COMPONENTS)('%s has examples that can be copied', (_name, factory) => {
    const named = examplesIn(componentPage(factory)).flatMap(componentsIn)
    for (const { section, id, body } of named) {
      const found = factoryOf(section, id)
      expect([id, found?.type]).toEqual([id, expect.any(String)])
      const checked = found!.config.safeParse(body ?? {})
      expect([id, checked.error?.issues ?? []]).toEqual([id, []])
    }
  })
})

describe('a setting', () => {
  it.each(SETTINGS)('of %s, %s, says what it is for', (_name, _key, { description, type }) => {
    expect(description).toMatch(/^[a-z0-9].*\.$/i)
    expect(type).not.toBe('')
  })
})

type Example = Readonly<Record<string, unknown>>

function examplesIn(page: string): Example[] {
  return [...page.matchAll(/^```yaml\n(.*?)^```/gms)].map(([, text]) => parse(text!) as Example)
}

/** What an example configures, and what its pipelines name. */
function componentsIn(example: Example): { section: string; id: string; body: unknown }[] {
  const own = Object.entries(example)
    .filter(([section]) => section !== 'service')
    .flatMap(([section, components]) =>
      Object.entries(components as object).map(([id, body]) => ({ section, id, body })),
    )
  const { pipelines } = serviceSchema.parse(example.service ?? {})
  const unknown = Object.values(pipelines).flatMap((pipeline) =>
    Object.entries(pipeline).flatMap(([section, ids]) =>
      ids.filter((id) => !factoryOf(section, id)).map((id) => ({ section, id, body: null })),
    ),
  )
  return [...own, ...unknown]
}

function factoryOf(section: string, id: string): AnyFactory | undefined {
  const type = id.split('/')[0]!
  return FACTORIES.find(
    (factory) => SECTIONS[factory.kind] === section && [factory.type, ...factory.aliases].includes(type),
  )
}
