import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { generatedFiles } from '../../docs/generate/generated-files.ts'

const ROOT = join(import.meta.dirname, '../..')
const files = generatedFiles()

describe('pages that are made from the code', () => {
  it.each([...files])('%s is up to date; if not, run `npm run docs`', (path, text) => {
    const written = existsSync(join(ROOT, path)) ? readFileSync(join(ROOT, path), 'utf8') : 'no such page'
    expect(written === text ? 'up to date' : 'stale').toBe('up to date')
  })

  it.each(['docs/rules', 'docs/components'])('fill %s, where no other page is', (folder) => {
    const pages = globSync(`${folder}/*.md`, { cwd: ROOT }).map((path) => path.replaceAll('\\', '/'))
    expect(pages.sort()).toEqual([...files.keys()].filter((path) => path.startsWith(`${folder}/`)).sort())
  })
})
