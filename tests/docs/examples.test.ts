import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { parse } from 'yaml'
import type { AnyFactory } from '../../component/component.ts'
import { SECTIONS } from '../../pipeline/config/check-components.ts'
import { serviceSchema } from '../../pipeline/config/service-config.ts'
import { FACTORIES } from '../../pipeline/registry.ts'
import { problemsOf } from '../support/config.ts'

const ROOT = join(import.meta.dirname, '../..')
/** The YAML on these pages is for other programs. */
const FOR_OTHERS = ['docs/operations.md', 'docs/replay.md']
const PAGES = ['README.md', ...globSync('docs/{,components/}*.md', { cwd: ROOT })]
  .filter((path) => !FOR_OTHERS.includes(path))
  .sort()

type Example = Readonly<Record<string, unknown>>
const EXAMPLES = PAGES.flatMap((path) =>
  [...readFileSync(join(ROOT, path), 'utf8').matchAll(/^```yaml\n(.*?)^```/gms)].map(
    ([, text], i) => [`${path} ${i + 1}`, text!] as const,
  ),
)

describe('an example that can be copied', () => {
  it.each(EXAMPLES.filter(([, text]) => isWhole(parse(text))))('from %s is a configuration', (_name, text) => {
    expect(problemsOf(text)).toEqual([])
  })

  it.each(EXAMPLES.filter(([, text]) => !isWhole(parse(text))))('from %s fits into a configuration', (_name, text) => {
    const example: Example = parse(text)
    expect(Object.keys(example).filter((key) => !SECTION_NAMES.includes(key))).toEqual([])
    const troubles = Object.values(SECTIONS).flatMap((section) =>
      Object.entries((example[section] ?? {}) as object).flatMap(([id, body]): unknown[] => {
        const factory = factoryOf(section, id)
        return factory ? (factory.config.safeParse(body ?? {}).error?.issues ?? []) : [`no ${section} ${id}`]
      }),
    )
    expect(troubles).toEqual([])
    expect(unknownInPipelines(example)).toEqual([])
  })
})

const SECTION_NAMES: readonly string[] = [...Object.values(SECTIONS), 'service']

function isWhole(example: Example): boolean {
  return 'receivers' in example && 'exporters' in example && 'service' in example
}

function unknownInPipelines(example: Example): string[] {
  const { pipelines } = serviceSchema.parse(example.service ?? {})
  return Object.values(pipelines).flatMap((pipeline) =>
    Object.entries(pipeline).flatMap(([section, ids]) => ids.filter((id) => !factoryOf(section, id))),
  )
}

function factoryOf(section: string, id: string): AnyFactory | undefined {
  const type = id.split('/')[0]!
  return FACTORIES.find(
    (factory) => SECTIONS[factory.kind] === section && [factory.type, ...factory.aliases].includes(type),
  )
}
