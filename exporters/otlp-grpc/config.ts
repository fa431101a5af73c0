import { z } from 'zod'
import { durationMs } from '../../component/config-types.ts'
import { compression, compressionParams } from '../sending/compress.ts'
import { block, maxRequestBytes, retryOnFailure, sendingQueue, timeout, unsupported } from '../sending/config.ts'
import { headers } from '../sending/headers.ts'
import { tls } from '../sending/tls.ts'
import { parseGrpcEndpoint } from './endpoint.ts'

export const configSchema = z.strictObject({
  endpoint: z
    .string()
    .refine((text) => parseGrpcEndpoint(text) !== null, {
      error: 'not an endpoint; write host:port such as tempo:4317 or https://otlp.example.com:443',
    })
    .describe(
      'Where to send: host:port, or with a scheme: http:// is plain text and https:// is TLS, whatever tls.insecure says.',
    ),
  tls,
  compression,
  compression_params: compressionParams,
  headers,
  timeout: timeout('5s'),
  sending_queue: sendingQueue,
  retry_on_failure: retryOnFailure,
  max_request_bytes: maxRequestBytes,
  keepalive: block(
    z.strictObject({
      time: durationMs('10s').describe('A ping is sent after so long without news from the destination; 0 is never.'),
      timeout: durationMs('10s').describe('A connection whose ping is not answered within this is given up.'),
      permit_without_stream: z
        .boolean()
        .default(false)
        .describe('Whether to ping also while no request is on its way. Many destinations object to that.'),
    }),
  ).describe('How a dead connection is noticed.'),
  wait_for_ready: z
    .boolean()
    .default(false)
    .describe('Whether a request waits (up to timeout) for a connection that fails, or fails with it and is retried.'),
  balancer_name: z
    .enum(['round_robin', 'pick_first'])
    .default('round_robin')
    .describe('round_robin spreads requests over all addresses that the name in endpoint has; pick_first takes one.'),
  authority: z.string().default('').describe('The :authority of requests; by default the host and port of endpoint.'),
  user_agent: z.string().default('').describe('The user-agent of requests; by default blindspot.'),
  read_buffer_size: z.int().min(0).default(0).describe('Accepted for compatibility; Node sizes its buffers itself.'),
  write_buffer_size: z
    .int()
    .min(0)
    .default(512 * 1024)
    .describe('Accepted for compatibility; Node sizes its buffers itself.'),
  auth: unsupported('there are no authenticators; write the authorization into headers'),
  middlewares: unsupported('there are no middlewares; leave it out'),
})

export type OtlpGrpcConfig = z.output<typeof configSchema>
