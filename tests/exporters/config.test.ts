import { describe, expect, it } from '@jest/globals'
import { z } from 'zod'
import { factory as debug } from '../../exporters/debug/debug.ts'
import { factory as file } from '../../exporters/file/file.ts'
import { factory as nop } from '../../exporters/nop/nop.ts'
import { parseGrpcEndpoint } from '../../exporters/otlp-grpc/endpoint.ts'
import { factory as otlpGrpc } from '../../exporters/otlp-grpc/otlp-grpc.ts'
import { factory as otlpHttp } from '../../exporters/otlp-http/otlp-http.ts'

const FACTORIES = { otlp_grpc: otlpGrpc, otlp_http: otlpHttp, file, debug, nop }

const MINIMAL = {
  otlp_grpc: { endpoint: 'tempo:4317' },
  otlp_http: { endpoint: 'http://tempo:4318' },
  file: { path: 'data/out.json' },
  debug: {},
  nop: {},
}

const TYPES = Object.keys(FACTORIES) as (keyof typeof FACTORIES)[]

describe('the configuration of exporters', () => {
  it.each(TYPES)('%s: every field has a description, and the JSON Schema can be made', (type) => {
    const schema = z.toJSONSchema(FACTORIES[type].config, { io: 'input', unrepresentable: 'any' }) as Node
    const bare = fieldsOf(schema, type).filter(([, field]) => !field.description)
    expect(bare.map(([path]) => path)).toEqual([])
  })

  it.each(TYPES)('%s: what is needed is little, and unknown keys are refused', (type) => {
    expect(FACTORIES[type].config.safeParse(MINIMAL[type]).success).toBe(true)
    expect(FACTORIES[type].config.safeParse({ ...MINIMAL[type], no_such_key: 1 }).success).toBe(false)
  })

  it('has the defaults of the Collector', () => {
    expect(otlpGrpc.config.parse(MINIMAL.otlp_grpc)).toMatchObject({
      compression: 'gzip',
      timeout: 5000,
      tls: { insecure: false, insecure_skip_verify: false, min_version: '1.2' },
      balancer_name: 'round_robin',
      keepalive: { time: 10_000, timeout: 10_000, permit_without_stream: false },
      sending_queue: {
        enabled: true,
        num_consumers: 10,
        queue_size: 1000,
        sizer: 'requests',
        block_on_overflow: false,
        wait_for_result: false,
      },
      retry_on_failure: {
        enabled: true,
        initial_interval: 5000,
        max_interval: 30_000,
        multiplier: 1.5,
        randomization_factor: 0.5,
        max_elapsed_time: 300_000,
      },
    })
    expect(otlpHttp.config.parse(MINIMAL.otlp_http)).toMatchObject({
      compression: 'gzip',
      timeout: 30_000,
      encoding: 'proto',
    })
    expect(file.config.parse({ path: 'a', rotation: null })).toMatchObject({
      format: 'json',
      rotation: { max_megabytes: 100, max_days: 0, max_backups: 100, localtime: false },
    })
  })

  it('takes the older names of the exporters', () => {
    expect([otlpGrpc.aliases, otlpHttp.aliases]).toEqual([['otlp'], ['otlphttp']])
  })

  it.each([
    ['otlp_grpc', { endpoint: 'tempo' }, 'endpoint', /host:port/],
    ['otlp_grpc', { sending_queue: { storage: 'file_storage' } }, 'sending_queue.storage', /not supported.*memory/],
    ['otlp_grpc', { sending_queue: { batch: {} } }, 'sending_queue.batch', /not supported.*batch processor/],
    ['otlp_grpc', { tls: { cert_file: 'a.pem' } }, 'tls', /belong together/],
    ['otlp_grpc', { tls: { min_version: '1.3', max_version: '1.2' } }, 'tls.min_version', /newer than max_version/],
    ['otlp_grpc', { retry_on_failure: { max_interval: '1s' } }, 'retry_on_failure.max_interval', /shorter than/],
    ['otlp_grpc', { retry_on_failure: { initial_interval: '5x' } }, 'retry_on_failure.initial_interval', /not a dur/],
    ['otlp_grpc', { compression: 'snappy' }, 'compression', /gzip/],
    ['otlp_grpc', { headers: { 'grpc-timeout': '1S' } }, 'headers.grpc-timeout', /header/],
    ['otlp_grpc', { headers: { authorization: 'line\nbreak' } }, 'headers.authorization', /cannot carry/],
    ['otlp_http', { endpoint: 'tempo:4318' }, 'endpoint', /with its scheme/],
    ['otlp_http', { endpoint: undefined }, 'endpoint', /nowhere to send/],
    ['otlp_http', { proxy_url: 'http://proxy:3128' }, 'proxy_url', /not supported/],
    ['file', { group_by: {} }, 'group_by', /not supported/],
  ] as const)('%s %j is refused at %s', (type, config, path, message) => {
    const { error } = FACTORIES[type].config.safeParse({ ...MINIMAL[type], ...config })
    expect(error?.issues.map((issue) => [issue.path.join('.'), issue.message])).toEqual([
      [path, expect.stringMatching(message)],
    ])
  })

  it.each([
    ['tempo:4317', { host: 'tempo', port: 4317, secure: null }],
    ['http://tempo:4317', { host: 'tempo', port: 4317, secure: false }],
    ['https://tempo.example.com:443/', { host: 'tempo.example.com', port: 443, secure: true }],
    ['dns:///tempo:4317', { host: 'tempo', port: 4317, secure: null }],
    ['[::1]:4317', { host: '::1', port: 4317, secure: null }],
    ['tempo', null],
    ['tempo:0', null],
    ['tempo:65536', null],
    ['http://tempo:4317/v1/traces', null],
    ['user@tempo:4317', null],
  ])('reads the gRPC endpoint %s', (text, endpoint) => expect(parseGrpcEndpoint(text)).toEqual(endpoint))
})

interface Node {
  readonly description?: string
  readonly properties?: Readonly<Record<string, Node>>
}

function fieldsOf(node: Node, path: string): [string, Node][] {
  return Object.entries(node.properties ?? {}).flatMap(([key, field]) => [
    [`${path}.${key}`, field] as [string, Node],
    ...fieldsOf(field, `${path}.${key}`),
  ])
}
