import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from '@jest/globals'
import { CATALOGUE } from '../../findings/catalogue/catalogue.ts'
import { describeFleet } from './describe-fleet.ts'

const FLEET = join(import.meta.dirname, '../../examples/fleet')

const CONTRIB = 'go.opentelemetry.io/contrib/instrumentation'
/** What the names before the dot stand for on the pages. */
const PACKAGES: Readonly<Record<string, string>> = {
  attribute: 'go.opentelemetry.io/otel/attribute',
  b3: 'go.opentelemetry.io/contrib/propagators/b3',
  context: 'context',
  debug: 'runtime/debug',
  grpc: 'google.golang.org/grpc',
  http: 'net/http',
  httputil: 'net/http/httputil',
  io: 'io',
  metadata: 'google.golang.org/grpc/metadata',
  otel: 'go.opentelemetry.io/otel',
  otelgrpc: `${CONTRIB}/google.golang.org/grpc/otelgrpc`,
  otelhttp: `${CONTRIB}/net/http/otelhttp`,
  propagation: 'go.opentelemetry.io/otel/propagation',
  sdktrace: 'go.opentelemetry.io/otel/sdk/trace',
  time: 'time',
  trace: 'go.opentelemetry.io/otel/trace',
}

/** What a reader fills in: their own names, and the rest of their function. */
const LEFT_TO_THE_READER = [
  /undefined: [a-z]\w*$/,
  /declared and not used: /,
  /no new variables on left side of :=$/,
  /missing return$/,
]

describeFleet('the Go code on the pages of the rules', () => {
  it('uses what the libraries of the fleet have', () => {
    const folder = mkdtempSync(join(tmpdir(), 'blindspot-pages-'))
    try {
      for (const file of ['go.mod', 'go.sum']) copyFileSync(join(FLEET, file), join(folder, file))
      for (const { id, causes } of CATALOGUE)
        for (const { cause, go } of causes)
          if (go !== undefined) writeFileSync(join(folder, `${id}_${cause}.go`.toLowerCase()), program(go))
      const { stderr } = spawnSync('go', ['build', '-mod=mod', '-gcflags=-e', '.'], { cwd: folder, encoding: 'utf8' })
      const troubles = stderr.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
      expect(troubles.filter((line) => !LEFT_TO_THE_READER.some((pattern) => pattern.test(line)))).toEqual([])
      // It has been looked at: what is left to the reader is undefined.
      expect(troubles.length).toBeGreaterThan(20)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

/** Declarations as they are, statements in a function. */
function program(code: string): string {
  const spoken = code.replaceAll(/\/\/.*$/gm, '')
  const used = Object.keys(PACKAGES).filter((name) => new RegExp(`(?<![\\w.])${name}\\.[A-Z]`).test(spoken))
  const head = `package pages\n\nimport (\n${used.map((name) => `\t${name} "${PACKAGES[name]}"`).join('\n')}\n)\n\n`
  return /^(func|type) /m.test(code) ? `${head}${code}\n` : `${head}func _() {\n${code}\n}\n`
}
