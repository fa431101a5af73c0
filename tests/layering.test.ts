import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from '@jest/globals'

const ROOT = fileURLToPath(new URL('../', import.meta.url))

/** The pipeline from top to bottom: a file imports from its own folder and those below it. */
const LAYERS = [
  'cli',
  'pipeline',
  'receivers',
  'processors',
  'exporters',
  'extensions',
  'findings',
  'component',
  'otlp',
  'telemetry',
  'proto',
]
/** Folders beside the program, which may import all of it. */
const BESIDE = ['tests', 'bench', 'docs', 'examples']
/** Folders of components: these know nothing of one another. */
const COMPONENTS = ['receivers', 'processors', 'exporters', 'extensions']
/** What several exporters share. */
const SHARED = new Set(['exporters/sending'])
const NOT_OURS = new Set(['node_modules', 'dist', 'data'])

function filesOf(folder: string): string[] {
  return readdirSync(join(ROOT, folder)).flatMap((name) => {
    const path = join(folder, name)
    return statSync(join(ROOT, path)).isDirectory() ? filesOf(path) : [path]
  })
}

function importsOf(file: string): string[] {
  const text = readFileSync(join(ROOT, file), 'utf8')
  return [...text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map((match) =>
    relative(ROOT, join(ROOT, dirname(file), match[1]!)),
  )
}

const componentOf = (path: string) => path.split('/').slice(0, 2).join('/')

describe('the layers', () => {
  it('are all folders of the project', () => {
    const folders = readdirSync(ROOT).filter(
      (name) => !name.startsWith('.') && !NOT_OURS.has(name) && statSync(join(ROOT, name)).isDirectory(),
    )
    expect(folders.filter((name) => ![...LAYERS, ...BESIDE].includes(name))).toEqual([])
  })

  it.each(LAYERS.filter((layer) => readdirSync(ROOT).includes(layer)))('%s imports only downwards', (layer) => {
    const upward = filesOf(layer)
      .filter((file) => file.endsWith('.ts'))
      .flatMap((file) =>
        importsOf(file)
          .filter((target) => {
            const to = target.split('/')[0]!
            if (to === layer) return COMPONENTS.includes(layer) && crosses(file, target)
            return LAYERS.indexOf(to) < LAYERS.indexOf(layer) && target.includes('/')
          })
          .map((target) => `${file} imports ${target}`),
      )
    expect(upward).toEqual([])
  })
})

function crosses(file: string, target: string): boolean {
  return componentOf(file) !== componentOf(target) && !SHARED.has(componentOf(target))
}
