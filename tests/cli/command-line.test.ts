import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { parse } from 'yaml'
import { runCommandLine } from '../../cli/command-line.ts'

const CONFIG = `receivers: { otlp: { protocols: { grpc: { endpoint: "127.0.0.1:0" } } } }
exporters: { otlp_grpc: { endpoint: "backend:4317", headers: { authorization: "\${env:TOKEN}" } }, debug: }
service: { pipelines: { traces: { receivers: [otlp], exporters: [otlp_grpc, debug] } } }
`

let folder: string
let file: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'blindspot-cli-'))
  file = join(folder, 'pipeline.yaml')
  writeFileSync(file, CONFIG)
})
afterAll(() => rmSync(folder, { recursive: true }))

/** Runs `blindspot ARGS` in this process. */
async function blindspot(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  let out = ''
  let err = ''
  const code = await runCommandLine(args, {
    stdout: { write: (text: string) => (out += text) },
    stderr: { write: (text: string) => (err += text) },
    env: { TOKEN: 'hush' },
  })
  return { code, out, err }
}

describe('blindspot', () => {
  it.each([[['--help']], [['-h']], [['help']], [[]]])('explains itself with examples: %j', async (args) => {
    const { code, out, err } = await blindspot(...args)
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toContain('Usage: blindspot COMMAND [OPTIONS]')
    expect(out).toContain('Examples')
  })

  it.each(['run', 'replay', 'validate', 'print-config', 'components', 'schema'])(
    '%s explains itself with an example',
    async (command) => {
      for (const args of [
        [command, '--help'],
        ['help', command],
      ]) {
        const { code, out } = await blindspot(...args)
        expect(code).toBe(0)
        expect(out).toMatch(new RegExp(`^Usage: blindspot ${command}`))
        expect(out).toMatch(/\nExamples?\n {2}blindspot /)
      }
    },
  )

  it('says its version', async () => {
    expect(await blindspot('--version')).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^blindspot \d+\.\d+\.\d+\n$/),
    })
  })

  it.each<[string[], string]>([
    [['runn'], 'blindspot: there is no command "runn"; did you mean "run"?\n'],
    [
      ['zzzzzzz'],
      'blindspot: there is no command "zzzzzzz"; there are run, replay, validate, components, print-config, schema\n',
    ],
  ])('does not know %j', async (args, err) => {
    expect(await blindspot(...args)).toEqual({ code: 1, out: '', err })
  })

  it.each<[string[], RegExp]>([
    [['validate', '--confg', 'a'], /^blindspot validate: Unknown option '--confg'.*\n\nUsage: blindspot validate/s],
    [['validate', 'a.yaml'], /^blindspot validate: Unexpected argument 'a.yaml'/],
    [['components', 'a'], /^blindspot components: unexpected "a"/],
    [['print-config', '--config', 'x', '--format', 'xml'], /^blindspot print-config: --format must be yaml or json/],
  ])('says how %j is written', async (args, err) => {
    expect(await blindspot(...args)).toMatchObject({ code: 1, err: expect.stringMatching(err) })
  })
})

describe('blindspot validate', () => {
  it('is silent on errors where there are none, and ends with 0', async () => {
    expect(await blindspot('validate', '--config', file)).toEqual({
      code: 0,
      out: 'the configuration is valid; pipelines: traces\n',
      err: '',
    })
  })

  it('says everything that is wrong, where, and ends with 1', async () => {
    const { code, err } = await blindspot(
      'validate',
      '--config',
      file,
      '--set',
      'exporters.otlp_grpc.timeout=soon',
      '--set',
      'exportrs=1',
    )
    expect(code).toBe(1)
    expect(err.split('\n')).toEqual([
      '--set exportrs:1:1 exportrs: is not known here; did you mean "exporters"?',
      '--set exporters.otlp_grpc.timeout:1:1 exporters.otlp_grpc.timeout: not a duration (got "soon"; write a number with a unit such as 500ms, 1s or 1m30s)',
      'blindspot: 2 problems in the configuration; nothing was started',
      '',
    ])
  })

  it('wants a configuration', async () => {
    expect(await blindspot('validate')).toMatchObject({
      code: 1,
      err: expect.stringContaining('at least one config flag must be provided'),
    })
  })
})

describe('blindspot print-config', () => {
  it('shows what would run, with defaults, without secrets', async () => {
    const { code, out } = await blindspot('print-config', '--config', file, '--set', 'service.limit_mib=64')
    expect(code).toBe(0)
    expect(parse(out)).toMatchObject({
      exporters: { otlp_grpc: { endpoint: 'backend:4317', timeout: '5s', headers: { authorization: '[REDACTED]' } } },
      service: { limit_mib: 64, pipelines: { traces: { receivers: ['otlp'] } } },
    })
    expect(out).not.toContain('hush')
  })

  it('shows secrets and JSON when asked', async () => {
    const { out } = await blindspot('print-config', '--config', file, '--mode', 'unredacted', '--format=json')
    expect(JSON.parse(out)).toMatchObject({ exporters: { otlp_grpc: { headers: { authorization: 'hush' } } } })
  })
})

describe('blindspot components and schema', () => {
  it('lists what there is, as YAML', async () => {
    const { out } = await blindspot('components')
    const listed = parse(out) as Record<string, { name: string; aliases?: string[]; description: string }[]>
    expect(listed.exporters).toContainEqual(expect.objectContaining({ name: 'otlp_grpc', aliases: ['otlp'] }))
    for (const list of [listed.receivers, listed.processors, listed.exporters])
      for (const { description } of list!) expect(description).toMatch(/^[A-Z].*\.$/)
  })

  it('prints a JSON Schema that knows every component', async () => {
    const { out } = await blindspot('schema')
    const schema = JSON.parse(out) as { properties: Record<string, { patternProperties: object }> }
    expect(Object.keys(schema.properties)).toEqual([
      'receivers',
      'processors',
      'exporters',
      'connectors',
      'extensions',
      'service',
    ])
    expect(Object.keys(schema.properties.processors!.patternProperties)).toContain('^(trace_window)(/.+)?$')
  })
})
