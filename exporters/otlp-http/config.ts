import { z } from 'zod'
import { durationMs } from '../../component/config-types.ts'
import { compression, compressionParams } from '../sending/compress.ts'
import { maxRequestBytes, retryOnFailure, sendingQueue, timeout, unsupported } from '../sending/config.ts'
import { headers } from '../sending/headers.ts'
import { tls } from '../sending/tls.ts'

function url(what: string) {
  return z
    .string()
    .refine(isHttpUrl, { error: 'not a URL; write one with its scheme such as https://otlp.example.com:4318' })
    .optional()
    .describe(what)
}

const HTTP_1 = 'Accepted for compatibility and without effect: requests go over HTTP/1.1.'

export const configSchema = z
  .strictObject({
    endpoint: url(
      'Where to send, with scheme; /v1/traces, /v1/metrics, /v1/logs, /v1development/profiles are added to it.',
    ),
    traces_endpoint: url('The whole URL for traces, instead of the one made from endpoint.'),
    metrics_endpoint: url('The whole URL for metrics, instead of the one made from endpoint.'),
    logs_endpoint: url('The whole URL for logs, instead of the one made from endpoint.'),
    profiles_endpoint: url('The whole URL for profiles, instead of the one made from endpoint.'),
    encoding: z
      .enum(['proto', 'json'])
      .default('proto')
      .describe('How requests are written: proto, or json, which costs many times the CPU. Profiles are always proto.'),
    tls,
    compression,
    compression_params: compressionParams,
    headers,
    timeout: timeout('30s'),
    sending_queue: sendingQueue,
    retry_on_failure: retryOnFailure,
    max_request_bytes: maxRequestBytes,
    max_conns_per_host: z
      .int()
      .min(0)
      .default(0)
      .describe('Connections at once, at most; 0 is as many as the queues have consumers.'),
    max_idle_conns_per_host: z.int().min(0).default(100).describe('Idle connections that are kept, at most.'),
    max_idle_conns: z
      .int()
      .min(0)
      .default(100)
      .describe('Accepted for compatibility; max_idle_conns_per_host decides.'),
    idle_conn_timeout: durationMs('90s').describe('How long an idle connection is kept.'),
    disable_keep_alives: z.boolean().default(false).describe('Whether to use a new connection for every request.'),
    read_buffer_size: z.int().min(0).default(0).describe('Accepted for compatibility; Node sizes its buffers itself.'),
    write_buffer_size: z.int().min(0).default(0).describe('Accepted for compatibility; Node sizes its buffers itself.'),
    http2_read_idle_timeout: durationMs('0').describe(HTTP_1),
    http2_ping_timeout: durationMs('0').describe(HTTP_1),
    proxy_url: unsupported('requests go straight to the endpoint; leave it out'),
    auth: unsupported('there are no authenticators; write the authorization into headers'),
    middlewares: unsupported('there are no middlewares; leave it out'),
    cookies: unsupported('no OTLP backend needs cookies; leave it out'),
  })
  .refine((config) => URL_KEYS.some((key) => config[key] !== undefined), {
    error: 'nowhere to send; write endpoint such as http://tempo:4318',
    path: ['endpoint'],
  })

export type OtlpHttpConfig = z.output<typeof configSchema>

const URL_KEYS = ['endpoint', 'traces_endpoint', 'metrics_endpoint', 'logs_endpoint', 'profiles_endpoint'] as const

function isHttpUrl(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)
}
