// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references in configurations look like templates of JavaScript
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { type ExpandContext, expand } from '../../../pipeline/config/expand.ts'
import { toPlain } from '../../../pipeline/config/node.ts'
import { parseYaml } from '../../../pipeline/config/parse.ts'
import { formatProblem } from '../../../pipeline/config/problems.ts'
import { configOf, problemsOf } from '../../support/config.ts'

const ENV = {
  HOST: 'collector',
  PORT: '4317',
  ON: 'true',
  LIST: '[a, b]',
  MAP: '{ k: 1 }',
  ZERO: '007',
  PASSWORD: '[x',
  EMPTY: '',
  NESTED: '${env:HOST}',
  LOOP: '${env:LOOP}',
  NAME: 'HOST',
  ...Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`D${i}`, `${'${env:D'}${i + 1}}`.repeat(2)])),
}

function expanded(text: string): { value: unknown; problems: string[]; warnings: string[] } {
  const parsed = parseYaml('f', `v: ${text}`)
  if (!parsed.ok) throw new Error(parsed.problems.map(formatProblem).join('\n'))
  const context: ExpandContext = { env: ENV, problems: [], warnings: [], followed: 0 }
  const { v: value } = toPlain(expand(parsed.node, context)) as { v: unknown }
  return { value, problems: context.problems.map(formatProblem), warnings: context.warnings.map(formatProblem) }
}

describe('references in values', () => {
  it.each<[string, string, unknown]>([
    ['the environment', '${env:HOST}', 'collector'],
    ['the environment by default', '${HOST}', 'collector'],
    ['within a string', '"${HOST}:${PORT}"', 'collector:4317'],
    ['a list within a string', '"x${env:LIST}"', 'x[a, b]'],
    ['a number', '${env:PORT}', 4317],
    ['a truth value', '${env:ON}', true],
    ['a list', '${env:LIST}', ['a', 'b']],
    ['a map', '${env:MAP}', { k: 1 }],
    ['what is no YAML', '${env:PASSWORD}', '[x'],
    ['a default that is not needed', '${env:HOST:-other}', 'collector'],
    ['a default', '${env:NONE:-other}', 'other'],
    ['a default of a type', '${env:NONE:-12}', 12],
    ['a default with a colon', '${env:NONE:-a:1}', 'a:1'],
    ['a default where the variable is empty', '${env:EMPTY:-x}', 'x'],
    ['an empty default', '${env:NONE:-}', null],
    ['a reference within a reference', '${env:${NAME}}', 'collector'],
    ['a reference as default', '${env:NONE:-${HOST}}', 'collector'],
    ['a reference in what it stands for', '${env:NESTED}', 'collector'],
    ['YAML', '"${yaml:[1, 2]}"', [1, 2]],
    ['an escaped dollar', '$${env:HOST}', '${env:HOST}'],
    ['a dollar before a reference', '"$$${HOST}"', '$collector'],
    ['a dollar alone', 'a$b$', 'a$b$'],
  ])('expands %s', (_, text, value) => {
    expect(expanded(text)).toEqual({ value, problems: [], warnings: [] })
  })

  it('warns of a variable that is not set and reads it as empty', () => {
    expect(expanded('"a${env:NONE}b"')).toEqual({
      value: 'ab',
      problems: [],
      warnings: ['f:1:4 v: the environment variable NONE is not set and reads as empty'],
    })
  })

  it('reads files', () => {
    const folder = mkdtempSync(join(tmpdir(), 'blindspot-expand-'))
    writeFileSync(join(folder, 'token'), 'abc\n')
    expect(expanded(`\${file:${join(folder, 'token')}}`).value).toBe('abc')
    rmSync(folder, { recursive: true })
    expect(expanded(`\${file:${join(folder, 'token')}}`).problems[0]).toMatch(
      /^f:1:4 v: cannot read the file .*token: ENOENT/,
    )
  })

  it.each<[string, string, string]>([
    [
      'a reference that is not closed',
      '"a${HOST"',
      'a reference has no closing brace; write $$ for a dollar sign that means itself',
    ],
    [
      'a scheme that is not there',
      '${http://x}',
      '${http:…} is not supported; use ${env:NAME}, ${file:path} or ${yaml:text}',
    ],
    ['a name that is none', '${env:a-b}', '"a-b" is no name of an environment variable'],
    ['a value that leads to itself', '${env:LOOP}', 'its references lead to one another without end'],
    ['a value that doubles forty times', '${env:D0}', 'more than 10000 references'],
  ])('refuses %s', (_, text, message) => {
    expect(expanded(text).problems).toEqual([`f:1:4 v: ${message}`])
  })
})

describe('types of what was expanded', () => {
  const config = (body: string) => `
receivers: { otlp: { protocols: { grpc: } } }
exporters: { otlp_grpc: ${body} }
service: { pipelines: { traces: { receivers: [otlp], exporters: [otlp_grpc] } } }
`

  it('gives a field that wants a string the letters, and not the number they make', () => {
    const loaded = configOf(config('{ endpoint: "a:1", headers: { tenant: "${env:ZERO}", on: "${env:ON}" } }'), ENV)
    expect(loaded.exporters.get('otlp_grpc')?.config).toMatchObject({ headers: { tenant: '007', on: 'true' } })
  })

  it('takes a variable that is not set for a field without a value', () => {
    expect(problemsOf(config('{ endpoint: "a:1", timeout: "${env:NONE}" }'))).toEqual([])
    expect(problemsOf(config('{ endpoint: "${env:NONE}" }'))).toEqual([
      '3:37 exporters.otlp_grpc.endpoint: is missing, expected text',
    ])
  })

  it('points at the reference where what it stands for is wrong', () => {
    expect(problemsOf(config('{ endpoint: "a:1", timeout: "${env:HOST}" }'), ENV)).toEqual([
      '3:53 exporters.otlp_grpc.timeout: not a duration (got "collector"; write a number with a unit such as 500ms, 1s or 1m30s)',
    ])
  })
})
