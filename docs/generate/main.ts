import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { reportJsonSchema } from '../../findings/report/report-schema.ts'
import { generatedFiles } from './generated-files.ts'
import { replayPicture } from './picture.ts'

// `npm run docs`: writes every page that is made from the code, the picture in the README, and the schema of the report
// (biome formats that one). Tests fail while one says something else.
const ROOT = join(import.meta.dirname, '../..')
for (const [path, text] of generatedFiles()) writeFileSync(join(ROOT, path), text)
writeFileSync(join(ROOT, 'docs/report.schema.json'), `${JSON.stringify(reportJsonSchema(), null, 2)}\n`)
writeFileSync(join(ROOT, 'docs/images/replay.svg'), await replayPicture())
