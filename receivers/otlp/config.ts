import { z } from 'zod'
import { durationMs } from '../../component/config-types.ts'
import { block, endpoint, NO_AUTH, NO_METADATA, tls, transport, unsupported } from './config-parts.ts'

/** OTLP 1.11 recommends this for both protocols: https://opentelemetry.io/docs/specs/otlp/ */
const LIMIT_MIB = 64

/** Durations of gRPC's keepalive where 0 is never: grpc-go's "infinity". */
const serverParameters = z.strictObject({
  max_connection_idle: durationMs('0').describe('A connection without a call for this long is closed; 0 is never.'),
  max_connection_age: durationMs('0').describe(
    'A connection is asked to come again after this long, give or take a tenth, so that load spreads over new gateways; 0 is never.',
  ),
  max_connection_age_grace: durationMs('0').describe(
    'How long calls may still run on a connection that has reached its age; 0 is as long as they need.',
  ),
  time: durationMs('2h').describe('A connection that was silent for this long is pinged.'),
  timeout: durationMs('20s').describe('A connection that does not answer the ping for this long is closed.'),
})

const enforcementPolicy = z.strictObject({
  min_time: durationMs('5m').describe('A client that pings more often than this is sent away (too_many_pings).'),
  permit_without_stream: z.boolean().default(false).describe('Whether clients may ping while no call is open.'),
})

const grpc = z.strictObject({
  endpoint: endpoint('localhost:4317').describe('Where to listen; 0.0.0.0:4317 takes data from other machines.'),
  transport,
  tls: block(tls).describe('TLS for this port; absent it speaks plain HTTP/2.'),
  max_recv_msg_size_mib: z
    .int()
    .min(1)
    .max(1024)
    .default(LIMIT_MIB)
    .describe('Largest request in MiB, after decompression; a larger one is refused for good (RESOURCE_EXHAUSTED).'),
  max_concurrent_streams: z
    .int()
    .min(0)
    .max(4_294_967_295)
    .default(1000)
    .describe('Most calls at once on one connection; further ones wait in the client. 0 sets no limit.'),
  read_buffer_size: z
    .int()
    .min(0)
    .optional()
    .describe('Accepted for compatibility and without effect: sockets are read in pieces of 64 KiB.'),
  write_buffer_size: z
    .int()
    .min(0)
    .optional()
    .describe('Accepted for compatibility and without effect: answers are a few bytes long.'),
  keepalive: z
    .strictObject({
      server_parameters: serverParameters.prefault({}).describe('How this end keeps connections.'),
      enforcement_policy: enforcementPolicy.prefault({}).describe('How often clients may ping.'),
    })
    .prefault({})
    .describe('Life of connections, as in gRPC.'),
  include_metadata: NO_METADATA,
  auth: unsupported(NO_AUTH),
  middlewares: unsupported('there are no middleware extensions'),
})

const urlPath = (path: string, what: string) =>
  z
    .string()
    .regex(/^\/[^\s?#]*$/, { error: 'not a path; begin with / such as /v1/traces' })
    .default(path)
    .describe(`Path of ${what}.`)

const cors = z.strictObject({
  allowed_origins: z
    .array(z.string())
    .default([])
    .describe(
      'Origins of pages that may send, such as https://*.example.com; * in it stands for anything. Empty: none.',
    ),
  allowed_headers: z
    .array(z.string())
    .default([])
    .describe(
      'Further request headers that pages may send, beside Accept, Content-Type and X-Requested-With; * is any.',
    ),
  exposed_headers: z.array(z.string()).default([]).describe('Response headers that pages may read.'),
  max_age: z.int().min(0).default(0).describe('Seconds for which a browser may remember the answer; 0: its default.'),
})

/** What the Collector lists as compression_algorithms; '' is a body without compression. */
const algorithm = z.enum(['', 'gzip', 'zstd', 'zlib', 'deflate'], {
  error: 'not spoken here; write some of "", gzip, zstd, zlib, deflate',
})

const http = z.strictObject({
  endpoint: endpoint('localhost:4318').describe('Where to listen; 0.0.0.0:4318 takes data from other machines.'),
  transport,
  tls: block(tls).describe('TLS for this port, with HTTP/1.1 and HTTP/2; absent it speaks plain HTTP.'),
  cors: block(cors).describe('Lets pages of other origins send from a browser; absent they cannot.'),
  max_request_body_size: z
    .int()
    .min(0)
    .default(LIMIT_MIB * 1024 * 1024)
    .describe(
      'Largest request body in bytes, after decompression; a larger one is refused with 413. 0 is the default.',
    ),
  compression_algorithms: z
    .array(algorithm)
    .default(['', 'gzip', 'zstd', 'zlib', 'deflate'])
    .describe('Compressions of request bodies that are accepted; any other is refused with 415.'),
  response_headers: z
    .record(z.string(), z.string())
    .default({})
    .describe('Headers that every answer carries, such as Strict-Transport-Security.'),
  read_timeout: durationMs('0').describe('How long a request may take to arrive whole; 0 is as long as it needs.'),
  read_header_timeout: durationMs('1m').describe('How long the headers of a request may take to arrive; 0 is forever.'),
  write_timeout: durationMs('0').describe('Only 0 has effect: an answer is sent in one piece and waits for nobody.'),
  idle_timeout: durationMs('0').describe('How long a connection may rest between two requests; 0 is forever.'),
  keep_alives_enabled: z.boolean().default(true).describe('Whether a connection may carry more than one request.'),
  traces_url_path: urlPath('/v1/traces', 'traces'),
  metrics_url_path: urlPath('/v1/metrics', 'metrics'),
  logs_url_path: urlPath('/v1/logs', 'logs'),
  profiles_url_path: urlPath('/v1development/profiles', 'profiles'),
  include_metadata: NO_METADATA,
  auth: unsupported(NO_AUTH),
  middlewares: unsupported('there are no middleware extensions'),
})

export const configSchema = z.strictObject({
  protocols: z
    .strictObject({
      grpc: block(grpc).describe('OTLP over gRPC; write `grpc:` for its defaults, leave it out for no gRPC port.'),
      http: block(http).describe('OTLP over HTTP, protobuf and JSON; write `http:` for its defaults.'),
    })
    .refine((protocols) => protocols.grpc !== undefined || protocols.http !== undefined, {
      error: 'must specify at least one protocol when using the OTLP receiver; write grpc: or http: or both',
    })
    .describe('The protocols that are spoken; at least one.'),
})

export type OtlpReceiverConfig = z.output<typeof configSchema>
export type GrpcConfig = z.output<typeof grpc>
export type HttpConfig = z.output<typeof http>
