import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { reportJsonSchema } from '../findings/report/report-schema.ts'

// Writes docs/report.schema.json (format it with biome); a test fails while it says something else than report-schema.ts.
writeFileSync(join(import.meta.dirname, 'report.schema.json'), `${JSON.stringify(reportJsonSchema(), null, 2)}\n`)
