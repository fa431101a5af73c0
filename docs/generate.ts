import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { generatedFiles } from './generated-files.ts'

// Writes every page that is made from the code; a test fails while one says something else.
for (const [path, text] of generatedFiles()) writeFileSync(join(import.meta.dirname, '..', path), text)
