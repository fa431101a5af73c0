import { describe, expect, it } from '@jest/globals'
import { configSchema } from '../../../receivers/otlp/config.ts'
import { parseEndpoint } from '../../../receivers/otlp/config-parts.ts'

const MIB = 1024 * 1024

/** `path: message` for each error, or none. */
function errors(protocols: unknown): string[] {
  const result = configSchema.safeParse({ protocols })
  return result.success ? [] : result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`)
}

describe('a protocol', () => {
  it.each([null, {}])('that says %j has the defaults of the Collector and the limits of OTLP 1.11', (empty) => {
    const { grpc, http } = configSchema.parse({ protocols: { grpc: empty, http: empty } }).protocols
    expect(grpc).toMatchObject({ endpoint: 'localhost:4317', transport: 'tcp', max_recv_msg_size_mib: 64 })
    expect(http).toMatchObject({
      endpoint: 'localhost:4318',
      max_request_body_size: 64 * MIB,
      traces_url_path: '/v1/traces',
      profiles_url_path: '/v1development/profiles',
    })
  })

  it('that is left out is off', () => {
    expect(configSchema.parse({ protocols: { http: null } }).protocols.grpc).toBeUndefined()
  })

  it('must be there', () => {
    expect(errors({})).toEqual([
      expect.stringMatching(/must specify at least one protocol when using the OTLP receiver/),
    ])
  })
})

it('accepts what ordinary configurations of the Collector carry', () => {
  expect(
    errors({
      grpc: {
        endpoint: '0.0.0.0:4317',
        transport: 'tcp',
        max_recv_msg_size_mib: 16,
        max_concurrent_streams: 128,
        read_buffer_size: 524288,
        write_buffer_size: 524288,
        include_metadata: false,
        tls: {
          cert_file: '/certs/tls.crt',
          key_file: '/certs/tls.key',
          client_ca_file: '/certs/ca.crt',
          min_version: '1.3',
        },
        keepalive: {
          server_parameters: {
            max_connection_idle: '11s',
            max_connection_age: '12s',
            max_connection_age_grace: '13s',
            time: '30s',
            timeout: '5s',
          },
          enforcement_policy: { min_time: '10s', permit_without_stream: true },
        },
      },
      http: {
        endpoint: '[::]:4318',
        cors: { allowed_origins: ['https://*.example.com'], allowed_headers: ['*'], max_age: 7200 },
        max_request_body_size: 20 * MIB,
        compression_algorithms: ['', 'gzip'],
        response_headers: { 'x-a': 'b' },
        read_timeout: '30s',
        idle_timeout: '1m',
        keep_alives_enabled: true,
        logs_url_path: '/logs',
      },
    }),
  ).toEqual([])
})

describe('a value that cannot be honoured is refused with the reason', () => {
  it.each([
    [{ grpc: { endpoint: 'nowhere' } }, /^protocols\.grpc\.endpoint: not an endpoint; write host:port/],
    [{ grpc: { endpoint: 'a:70000' } }, /^protocols\.grpc\.endpoint: not an endpoint/],
    [{ grpc: { max_recv_msg_size_mib: 'four' } }, /^protocols\.grpc\.max_recv_msg_size_mib: /],
    [
      { grpc: { auth: { authenticator: 'oidc' } } },
      /^protocols\.grpc\.auth: not supported: put an authenticating proxy/,
    ],
    [{ http: { include_metadata: true } }, /^protocols\.http\.include_metadata: not supported: request headers/],
    [{ http: { middlewares: [] } }, /^protocols\.http\.middlewares: not supported/],
    [{ http: { compression_algorithms: ['snappy'] } }, /compression_algorithms\.0: not spoken here; write some of/],
    [{ http: { traces_url_path: 'v1' } }, /^protocols\.http\.traces_url_path: not a path; begin with \//],
    [{ grpc: { tls: { key_file: 'k' } } }, /^protocols\.grpc\.tls: tls needs a certificate; write either cert_file or/],
    [{ grpc: { tls: { cert_file: 'c' } } }, /^protocols\.grpc\.tls: tls needs a private key/],
    [{ grpc: { keepalive: { server_parameters: { time: '10' } } } }, /server_parameters\.time: not a duration/],
    [{ grpc: { max_rcv_msg_size_mib: 4 } }, /^protocols\.grpc: Unrecognized key: "max_rcv_msg_size_mib"/],
  ])('%j', (protocols, message) => expect(errors(protocols)).toEqual([expect.stringMatching(message)]))
})

describe('an endpoint', () => {
  it.each([
    ['localhost:4317', { host: 'localhost', port: 4317 }],
    ['0.0.0.0:0', { host: '0.0.0.0', port: 0 }],
    [':4317', { host: '', port: 4317 }],
    ['[::1]:4317', { host: '::1', port: 4317 }],
    ['localhost', null],
    ['http://localhost:4317', null],
    ['::1:4317', null],
    ['localhost:99999', null],
  ])('%s', (text, expected) => expect(parseEndpoint(text)).toEqual(expected))
})
