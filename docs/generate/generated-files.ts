import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { CATALOGUE } from '../../findings/catalogue/catalogue.ts'
import { pageOf } from '../../findings/catalogue/rule.ts'
import { INSTEAD } from '../../pipeline/config/elsewhere.ts'
import { inputSchema } from '../../pipeline/config/schema-view.ts'
import { serviceSchema } from '../../pipeline/config/service-config.ts'
import { FACTORIES } from '../../pipeline/registry.ts'
import { componentPage, componentPagePath, componentsIndex } from './component-page.ts'
import { findingValuesTable } from './finding-values.ts'
import { replacePart, table } from './markdown.ts'
import { ownMetricsTable } from './own-metrics.ts'
import { rulePage, rulesIndex } from './rule-page.ts'
import { settingsText } from './settings-table.ts'

/** Every page that is made from the code, by its path from the root; `npm run docs` writes them, a test compares them. */
export function generatedFiles(): ReadonlyMap<string, string> {
  return new Map([
    ...CATALOGUE.map((rule) => [pageOf(rule), rulePage(rule)] as const),
    ['docs/rules/README.md', rulesIndex()],
    ...FACTORIES.map((factory) => [componentPagePath(factory), componentPage(factory)] as const),
    ['docs/components/README.md', componentsIndex()],
    withParts('README.md', { rules: ruleList() }),
    withParts('docs/configuration.md', { 'service-settings': settingsText(inputSchema(serviceSchema)) }),
    withParts('docs/operations.md', { instead: insteadTable() }),
    withParts('docs/semantic-conventions.md', {
      'finding-values': findingValuesTable(),
      'own-metrics': ownMetricsTable(),
    }),
  ])
}

/** A page that is written by hand but for some parts. */
function withParts(path: string, parts: Readonly<Record<string, string>>): readonly [string, string] {
  const written = readFileSync(join(import.meta.dirname, '../..', path), 'utf8')
  return [path, Object.entries(parts).reduce((text, [name, part]) => replacePart(text, name, part), written)]
}

function ruleList(): string {
  const rows = CATALOGUE.filter((rule) => rule.detected).map(({ id, name, levels, when }) => [
    `[${id}](docs/rules/${id}.md)`,
    `\`${name}\``,
    levels.join(', '),
    when,
  ])
  return table(['Rule', 'Name', 'Level', 'Speaks when'], rows)
}

function insteadTable(): string {
  const rows = Object.entries(INSTEAD).flatMap(([kind, types]) =>
    Object.entries(types).map(([type, advice]) => [kind, `\`${type}\``, advice]),
  )
  return table(['Kind', 'What Blindspot does not have', 'Instead'], rows)
}
