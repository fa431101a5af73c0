import { describe, expect, it } from '@jest/globals'
import { z } from 'zod'
import { secretString } from '../../../component/config-types.ts'
import { effectiveConfig } from '../../../pipeline/config/effective.ts'
import { configJsonSchema } from '../../../pipeline/config/json-schema.ts'
import { inputSchema } from '../../../pipeline/config/schema-view.ts'
import { redact } from '../../../pipeline/config/secrets.ts'
import { FACTORIES } from '../../../pipeline/registry.ts'
import { configOf } from '../../support/config.ts'

const TEXT = `
receivers: { otlp: { protocols: { grpc: } } }
processors: { batch: }
exporters:
  otlp_grpc: { endpoint: "a:1", headers: { authorization: "Bearer \${env:TOKEN}" }, tls: { insecure: true } }
service: { pipelines: { traces: { receivers: [otlp], processors: [batch], exporters: [otlp_grpc] } } }
`

describe('a configuration as it runs', () => {
  it('has what was written, in the words of the user, and defaults for the rest', () => {
    expect(effectiveConfig(configOf(TEXT, { TOKEN: 'hush' }), 'redacted')).toMatchObject({
      receivers: { otlp: { protocols: { grpc: { max_recv_msg_size_mib: 64 } } } },
      processors: { batch: { send_batch_size: 8192, timeout: '200ms', send_batch_max_size: 0 } },
      exporters: { otlp_grpc: { endpoint: 'a:1', timeout: '5s', headers: { authorization: '[REDACTED]' } } },
      service: { shutdown_timeout: '20s', telemetry: { logs: { level: 'info' } } },
    })
  })

  it('shows secrets only when asked', () => {
    const config = configOf(TEXT, { TOKEN: 'hush' })
    expect(JSON.stringify(effectiveConfig(config, 'redacted'))).not.toContain('hush')
    expect(JSON.stringify(effectiveConfig(config, 'unredacted'))).toContain('Bearer hush')
  })

  it('is a configuration again', () => {
    const shown = JSON.stringify(effectiveConfig(configOf(TEXT, { TOKEN: 'x' }), 'unredacted'))
    expect(effectiveConfig(configOf(shown), 'unredacted')).toEqual(JSON.parse(shown))
  })
})

describe('masking', () => {
  const schema = inputSchema(
    z.strictObject({
      plain: z.string(),
      hidden: secretString(),
      list: z.array(z.strictObject({ hidden: secretString() })),
    }),
  )

  it.each<[string, unknown, unknown]>([
    ['what the schema says', { plain: 'a', hidden: 'b' }, { plain: 'a', hidden: '[REDACTED]' }],
    ['what the schema says in a list', { list: [{ hidden: 'b' }] }, { list: [{ hidden: '[REDACTED]' }] }],
    [
      'names of secrets',
      { api_key: 'a', Password: 1, auth_token: 'c' },
      { api_key: '[REDACTED]', Password: '[REDACTED]', auth_token: '[REDACTED]' },
    ],
    ['what is below such a name', { credentials: { user: 'a' } }, { credentials: { user: '[REDACTED]' } }],
    [
      'headers, not their names',
      { headers: [{ name: 'a', value: 'b' }] },
      { headers: [{ name: 'a', value: '[REDACTED]' }] },
    ],
    ['user and password in a URL', { plain: 'https://u:p@h/x' }, { plain: 'https://[REDACTED]@h/x' }],
    [
      'nothing in the name of a place',
      { token_file: '/run/a', key_file: '/run/b' },
      { token_file: '/run/a', key_file: '/run/b' },
    ],
    [
      'nothing that is not there',
      { password: '', token: null, secret: false },
      { password: '', token: null, secret: false },
    ],
  ])('%s', (_, value, masked) => {
    expect(redact(value as never, schema)).toEqual(masked)
  })
})

describe('the JSON Schema of the configuration', () => {
  const schema = configJsonSchema(FACTORIES) as {
    properties: Record<string, { patternProperties: Record<string, unknown> }>
  }

  it('has a pattern for each component, by all its names', () => {
    const { exporters } = schema.properties
    expect(Object.keys(exporters!.patternProperties)).toContain('^(otlp_grpc|otlp)(/.+)?$')
  })

  it('describes every field that a user may write', () => {
    expect(undescribed(schema)).toEqual([])
  })
})

/** Paths of properties without a description. */
function undescribed(node: unknown, path = ''): string[] {
  if (node === null || typeof node !== 'object') return []
  return Object.entries(node).flatMap(([key, value]) => {
    if (key !== 'properties') return undescribed(value, `${path}/${key}`)
    return Object.entries(value as Record<string, { description?: string }>).flatMap(([name, property]) => [
      ...(property.description === undefined && !isContainer(property) ? [`${path}/${name}`] : []),
      ...undescribed(property, `${path}/${name}`),
    ])
  })
}

function isContainer(property: object): boolean {
  return 'properties' in property || 'patternProperties' in property || 'anyOf' in property
}
