import { z } from 'zod'
import { durationMs, secretString } from '../../component/config-types.ts'

/** A key of the Collector's that asks for something the gateway does not do: refused, with the reason. */
export function unsupported(reason: string) {
  return z
    .never({ error: `not supported: ${reason}` })
    .optional()
    .describe(`Not supported: ${reason}.`)
}

/** A block that may stand there empty (`grpc:`), which means its defaults; absent it is off. */
export function block<T extends z.ZodType>(schema: T) {
  return z.preprocess((value) => (value === null ? {} : value), schema).optional()
}

/** `host:port`, `[v6]:port`, or `:port` for all addresses, port 0 lets the system choose; the path of a unix socket. */
export function endpoint(defaultEndpoint: string) {
  return z
    .string()
    .refine((text) => text.startsWith('/') || parseEndpoint(text) !== null, {
      error: 'not an endpoint; write host:port such as localhost:4317 or 0.0.0.0:4317',
    })
    .default(defaultEndpoint)
}

export interface HostAndPort {
  /** '' is every address of the machine. */
  readonly host: string
  readonly port: number
}

export function parseEndpoint(text: string): HostAndPort | null {
  const match = /^(?:\[([0-9a-fA-F:.%]+)\]|([^:[\]/\s]*)):(\d{1,5})$/.exec(text)
  if (match === null || Number(match[3]) > 65_535) return null
  return { host: match[1] ?? match[2]!, port: Number(match[3]) }
}

export const transport = z
  .enum(['tcp', 'tcp4', 'tcp6', 'unix'])
  .default('tcp')
  .describe(
    'What endpoint is: an address (tcp, or tcp4 and tcp6 for one family only) or, with unix, the path of a socket.',
  )

const tlsVersion = z.enum(['1.2', '1.3'])

export const tls = z
  .strictObject({
    cert_file: z.string().optional().describe("File with the server's certificate chain, PEM."),
    key_file: z.string().optional().describe('File with the private key of the certificate, PEM.'),
    cert_pem: z.string().optional().describe('The certificate chain itself, instead of cert_file.'),
    key_pem: secretString().optional().describe('The private key itself, instead of key_file.'),
    client_ca_file: z
      .string()
      .optional()
      .describe('File with the authorities of client certificates, PEM. With it, only clients that show one get in.'),
    min_version: tlsVersion.default('1.2').describe('Oldest TLS version that is spoken.'),
    max_version: tlsVersion.default('1.3').describe('Newest TLS version that is spoken.'),
    reload_interval: durationMs('0').describe(
      'How often the files are read again, for certificates that are renewed; 0 is never. A file that cannot be read keeps the old certificate.',
    ),
  })
  .refine((config) => (config.cert_file === undefined) !== (config.cert_pem === undefined), {
    error: 'tls needs a certificate; write either cert_file or cert_pem',
  })
  .refine((config) => (config.key_file === undefined) !== (config.key_pem === undefined), {
    error: 'tls needs a private key; write either key_file or key_pem',
  })

export type TlsConfig = z.output<typeof tls>

export const NO_METADATA = z
  .literal(false, { error: 'not supported: request headers are not carried through pipelines; leave it out or false' })
  .default(false)
  .describe('Only false: request headers are not carried through pipelines.')

export const NO_AUTH = 'put an authenticating proxy in front, or use tls with client_ca_file'
