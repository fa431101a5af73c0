import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { loadConfig } from '../../../pipeline/config/load.ts'
import { toPlain } from '../../../pipeline/config/node.ts'
import { FACTORIES } from '../../../pipeline/registry.ts'
import { configOf, problemsOf } from '../../support/config.ts'

const MINIMAL = `
receivers: { otlp: { protocols: { grpc: } } }
exporters: { debug: }
service: { pipelines: { traces: { receivers: [otlp], exporters: [debug] } } }
`

/** A configuration of the Collector as its documentation and users write them. */
const COLLECTOR = `
receivers:
  otlp:
    protocols:
      grpc:
        endpoint: 0.0.0.0:4317
        max_recv_msg_size_mib: 16
      http:
        endpoint: 0.0.0.0:4318
        max_request_body_size: 20971520
processors:
  memory_limiter:
    check_interval: 1s
    limit_percentage: 75
    spike_limit_percentage: 15
  batch:
    send_batch_size: 1024
    timeout: 1s
exporters:
  debug:
    verbosity: basic
  otlp/backend:
    endpoint: tempo:4317
    compression: gzip
    headers: { x-scope-orgid: "12" }
    timeout: 10s
    tls: { insecure: true }
    retry_on_failure: { enabled: true, initial_interval: 1s, max_interval: 10s, max_elapsed_time: 120s }
    sending_queue: { enabled: true, num_consumers: 4, queue_size: 500 }
service:
  telemetry:
    logs: { level: WARN, encoding: json, sampling: { enabled: false } }
    metrics:
      level: detailed
      readers:
        - pull: { exporter: { prometheus: { host: 0.0.0.0, port: 8888 } } }
    resource: { deployment.environment.name: test }
  pipelines:
    traces: { receivers: [otlp], processors: [memory_limiter, batch], exporters: [otlp/backend, debug] }
    metrics/all: { receivers: [otlp], exporters: [ otlp/backend ] }
`

describe('loading a configuration', () => {
  it('takes one that a Collector runs', () => {
    const config = configOf(COLLECTOR)
    expect(config.pipelines).toEqual([
      {
        id: 'traces',
        signal: 'traces',
        receivers: ['otlp'],
        processors: ['memory_limiter', 'batch'],
        exporters: ['otlp/backend', 'debug'],
      },
      { id: 'metrics/all', signal: 'metrics', receivers: ['otlp'], processors: [], exporters: ['otlp/backend'] },
    ])
    expect(config.exporters.get('otlp/backend')?.factory.type).toBe('otlp_grpc')
    expect(config.processors.get('batch')?.config).toMatchObject({ send_batch_size: 1024, timeout: 1000 })
    expect(config.service.telemetry.logs).toMatchObject({ level: 'warn', encoding: 'json' })
  })

  it('gives defaults to whatever has no value', () => {
    const config = configOf(MINIMAL)
    expect(config.receivers.get('otlp')?.config).toMatchObject({ protocols: { grpc: { max_recv_msg_size_mib: 64 } } })
    expect(config.service).toMatchObject({ shutdown_timeout: 20_000, telemetry: { metrics: { level: 'normal' } } })
  })

  it('leaves components alone that no pipeline names, but checks them', () => {
    const extra = (body: string) => MINIMAL.replace('debug: }', `debug: , otlp_grpc/spare: ${body} }`)
    expect(configOf(extra('{ endpoint: "a:1" }')).exporters.has('otlp_grpc/spare')).toBe(true)
    expect(problemsOf(extra('{ endpoint: 7 }'))).toEqual([
      '3:52 exporters.otlp_grpc/spare.endpoint: expected text (got 7; write it in quotes)',
    ])
  })

  it('reads files, and paths that a file: URI names', () => {
    const folder = mkdtempSync(join(tmpdir(), 'blindspot-config-'))
    const file = join(folder, 'pipeline.yaml')
    writeFileSync(file, MINIMAL)
    for (const uri of [file, `file:${file}`])
      expect(loadConfig({ uris: [uri], factories: FACTORIES }).pipelines).toHaveLength(1)
    rmSync(folder, { recursive: true })
    expect(() => loadConfig({ uris: [file], factories: FACTORIES })).toThrow(
      `cannot read the configuration ${file}: ENOENT`,
    )
  })

  it.each<[string, readonly string[], string]>([
    ['nothing given', [], 'at least one config flag must be provided, such as --config pipeline.yaml'],
    ['an empty file', ['yaml:'], 'yaml::1:1 empty configuration file'],
    [
      'a scheme that is not there',
      ['https://example.com/a'],
      '--config=https:… is not supported; give a file, or env:NAME or yaml:text',
    ],
    ['a variable that is not set', ['env:NONE'], 'the environment variable NONE of --config=env:NONE is not set'],
    [
      'no YAML',
      ['yaml:a: [b'],
      'yaml::1:6 not valid YAML: Flow sequence in block collection must be sufficiently indented and end with a ]',
    ],
  ])('says what is wrong with %s', (_, uris, message) => {
    expect(() => loadConfig({ uris, factories: FACTORIES, env: {} })).toThrow(message)
  })

  it.each([
    ['{ a: "b" c, d: e }\nf: g\nh: [i]', /^yaml::1:10 not valid YAML: Unexpected scalar at node end$/],
    [`{ headers: { a: $\{env:A} } }\nf: g`, /^yaml::1:18 not valid YAML: within { } or \[ \] write \$\{…\} in quotes$/],
  ])('says of %j once where it breaks, and nothing of what comes after', (text, message) => {
    expect(() => loadConfig({ uris: [`yaml:${text}`], factories: FACTORIES })).toThrow(message)
  })
})

describe('merging configurations', () => {
  const merged = (...texts: string[]) => toPlain(configOf([MINIMAL, ...texts]).written)

  it('lets the later one win, merges maps and replaces lists', () => {
    const later = `
exporters: { nop: }
service: { limit_mib: 64, pipelines: { traces: { exporters: [nop] } } }
`
    expect(merged(later, 'service: { limit_mib: 32 }')).toEqual({
      receivers: { otlp: { protocols: { grpc: null } } },
      exporters: { debug: null, nop: null },
      service: { limit_mib: 32, pipelines: { traces: { receivers: ['otlp'], exporters: ['nop'] } } },
    })
  })

  it('wipes a map with a null, and not with an empty map', () => {
    const withBatch = 'processors: { batch: }'
    expect(merged(withBatch, 'processors:')).toMatchObject({ processors: null })
    expect(merged(withBatch, 'processors: {}')).toMatchObject({ processors: { batch: null } })
  })

  it('puts --set over everything, by dots or double colons, typed as YAML', () => {
    const sets = [
      'processors.batch.timeout=2s',
      'processors::batch::send_batch_size=10',
      'service.pipelines.traces.processors=[batch]',
    ]
    const config = configOf(MINIMAL, {}, sets)
    expect(config.processors.get('batch')?.config).toMatchObject({ timeout: 2000, send_batch_size: 10 })
    expect(config.pipelines[0]?.processors).toEqual(['batch'])
  })

  it('points at the --set that is wrong', () => {
    expect(problemsOf(MINIMAL, {}, ['processors.batch.timeout=soon'])).toEqual([
      '--set processors.batch.timeout:1:1 processors.batch.timeout: not a duration (got "soon"; write a number with a unit such as 500ms, 1s or 1m30s)',
    ])
    expect(problemsOf(MINIMAL, {}, ['batch'])).toEqual([
      '--set batch: write --set key=value, such as --set processors.batch.timeout=2s',
    ])
  })

  it('follows anchors and merge keys', () => {
    const anchored = `
receivers: { otlp: { protocols: { grpc: } } }
exporters:
  otlp_grpc/a: &backend { endpoint: "a:4317", timeout: 9s }
  otlp_grpc/b: { <<: *backend, endpoint: "b:4317" }
service: { pipelines: { traces: { receivers: [otlp], exporters: [otlp_grpc/a, otlp_grpc/b] } } }
`
    expect(configOf(anchored).exporters.get('otlp_grpc/b')?.config).toMatchObject({ endpoint: 'b:4317', timeout: 9000 })
  })
})
