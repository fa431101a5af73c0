import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CATALOGUE } from '../findings/catalogue/catalogue.ts'
import { pageOf } from '../findings/catalogue/rule.ts'
import { rulePage, rulesIndex } from './rule-page.ts'

// Writes docs/rules/; a test fails while a page says something else than the catalogue.
const ROOT = join(import.meta.dirname, '..')
for (const rule of CATALOGUE) writeFileSync(join(ROOT, pageOf(rule)), rulePage(rule))
writeFileSync(join(ROOT, 'docs/rules/README.md'), rulesIndex())
