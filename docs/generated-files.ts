import { CATALOGUE } from '../findings/catalogue/catalogue.ts'
import { pageOf } from '../findings/catalogue/rule.ts'
import { FACTORIES } from '../pipeline/registry.ts'
import { componentPage, componentPagePath, componentsIndex } from './component-page.ts'
import { rulePage, rulesIndex } from './rule-page.ts'

/** Every page that is made from the code, by its path from the root; `npm run docs` writes them, a test compares them. */
export function generatedFiles(): ReadonlyMap<string, string> {
  return new Map([
    ...CATALOGUE.map((rule) => [pageOf(rule), rulePage(rule)] as const),
    ['docs/rules/README.md', rulesIndex()],
    ...FACTORIES.map((factory) => [componentPagePath(factory), componentPage(factory)] as const),
    ['docs/components/README.md', componentsIndex()],
  ])
}
