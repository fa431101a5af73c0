import { globSync, readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { dirname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from '@jest/globals'
import { BESIDE, importsOf, importTrouble, isKnownFolder } from './support/layers.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const NOT_OURS = ['node_modules', 'dist', 'data', 'bench/peer/build']

const files = globSync('**/*.ts', { cwd: ROOT, exclude: (path) => NOT_OURS.includes(path) })
  .map((path) => path.replaceAll('\\', '/'))
  .sort()

describe('the program', () => {
  it('has source files', () => {
    expect(files.length).toBeGreaterThan(100)
  })

  it('lies in the folders of the architecture', () => {
    expect(files.filter((file) => !isKnownFolder(file.split('/')[0]!))).toEqual([])
  })

  it('imports only downwards, and no component imports another', () => {
    const troubles = files.flatMap((file) =>
      relativeImports(file).flatMap((imported) => {
        const trouble = importTrouble(file, imported)
        return trouble === null ? [] : [`${file} imports ${imported}: ${trouble}`]
      }),
    )
    expect(troubles).toEqual([])
  })

  it('uses no package but those that are installed with it', () => {
    const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
    const undeclared = files
      .filter((file) => !BESIDE.some((folder) => file.startsWith(`${folder}/`)))
      .flatMap((file) => packageImports(file).map((name) => ({ file, name })))
      .filter(({ name }) => !(name in dependencies))
    expect(undeclared).toEqual([])
  })
})

describe('importTrouble', () => {
  it.each([
    ['cli/run.ts', 'pipeline/service.ts'],
    ['pipeline/registry.ts', 'exporters/debug/debug.ts'],
    ['exporters/debug/debug.ts', 'exporters/debug/config.ts'],
    ['exporters/otlp-http/otlp-http.ts', 'exporters/sending/backoff.ts'],
    ['processors/batch/batch.ts', 'component/batch.ts'],
    ['component/batch.ts', 'otlp/splice.ts'],
    ['tests/layering.test.ts', 'cli/run.ts'],
  ])('lets %s import %s', (file, imported) => {
    expect(importTrouble(file, imported)).toBeNull()
  })

  it.each([
    ['otlp/splice.ts', 'component/batch.ts', 'component lies above otlp'],
    ['component/batch.ts', 'findings/catalogue.ts', 'findings lies above component'],
    ['pipeline/service.ts', 'cli/run.ts', 'cli lies above pipeline'],
    [
      'exporters/debug/debug.ts',
      'exporters/file/file.ts',
      'exporters/debug and exporters/file are components of their own',
    ],
    [
      'exporters/sending/queue.ts',
      'exporters/file/file.ts',
      'exporters/sending/queue.ts and exporters/file are components',
    ],
    [
      'receivers/otlp/intake.ts',
      'processors/batch/batch.ts',
      'receivers/otlp and processors/batch are components of their own',
    ],
    ['cli/run.ts', 'tests/support/otlp-sink.ts', 'tests stands beside the program'],
    ['cli/run.ts', 'utils/strings.ts', 'utils is no folder of the program'],
  ])('forbids that %s imports %s', (file, imported, trouble) => {
    expect(importTrouble(file, imported)).toContain(trouble)
  })
})

describe('importsOf', () => {
  it('sees every form of import and nothing else', () => {
    const source = [
      "import './side-effect.ts'",
      "import type { A } from './type.ts'",
      'import {',
      '  B,',
      "} from './lines.ts'",
      "export { C } from './again.ts'",
      "export * from './all.ts'",
      "const d = await import('./later.ts')",
      "// import { E } from './comment.ts'",
      'const text = "taken from \'nowhere\'"',
    ].join('\n')
    expect(importsOf(source)).toEqual([
      './side-effect.ts',
      './type.ts',
      './lines.ts',
      './again.ts',
      './all.ts',
      './later.ts',
    ])
  })
})

function imports(file: string): string[] {
  return importsOf(readFileSync(join(ROOT, file), 'utf8'))
}

/** As paths from the root. */
function relativeImports(file: string): string[] {
  return imports(file)
    .filter((name) => name.startsWith('.'))
    .map((name) => normalize(join(dirname(file), name)).replaceAll('\\', '/'))
}

/** As names of packages. */
function packageImports(file: string): string[] {
  return imports(file)
    .filter((name) => !name.startsWith('.') && !isBuiltin(name))
    .map((name) =>
      name
        .split('/')
        .slice(0, name.startsWith('@') ? 2 : 1)
        .join('/'),
    )
}
