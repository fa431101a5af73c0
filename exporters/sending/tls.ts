import { readFile } from 'node:fs/promises'
import type { ConnectionOptions } from 'node:tls'
import { z } from 'zod'
import { secretString } from '../../component/config-types.ts'
import { GatewayError } from '../../component/errors.ts'
import { block } from './config.ts'

const tlsVersion = z.enum(['1.2', '1.3'])

export const tls = block(
  z
    .strictObject({
      insecure: z.boolean().default(false).describe('Whether to talk in plain text, without TLS.'),
      insecure_skip_verify: z
        .boolean()
        .default(false)
        .describe('Whether to accept any certificate of the destination. Only for tests.'),
      server_name_override: z
        .string()
        .default('')
        .describe('Name that the certificate of the destination must be made out to; by default the one in endpoint.'),
      ca_file: z
        .string()
        .optional()
        .describe('File with the authorities that are trusted, PEM; by default those of the system.'),
      ca_pem: z.string().optional().describe('The authorities themselves, instead of ca_file.'),
      cert_file: z.string().optional().describe('File with the certificate that the exporter shows, PEM (mutual TLS).'),
      cert_pem: z.string().optional().describe('The certificate itself, instead of cert_file.'),
      key_file: z.string().optional().describe('File with the private key of that certificate, PEM.'),
      key_pem: secretString().optional().describe('The private key itself, instead of key_file.'),
      min_version: tlsVersion.default('1.2').describe('Oldest TLS version that is spoken.'),
      max_version: tlsVersion.default('1.3').describe('Newest TLS version that is spoken.'),
    })
    .refine((config) => hasOne(config.cert_file, config.cert_pem) === hasOne(config.key_file, config.key_pem), {
      error: 'a certificate and its private key belong together; write both cert_file and key_file, or neither',
    })
    .refine((config) => config.min_version <= config.max_version, {
      error: 'newer than max_version; write an older one',
      path: ['min_version'],
    }),
).describe('How the connection is secured.')

export type TlsConfig = z.output<typeof tls>

/** Reads the files; rejects with `start_failed` that names the key and the file. */
export async function loadTls(config: TlsConfig): Promise<ConnectionOptions> {
  const [ca, cert, key] = await Promise.all([
    read('ca_file', config.ca_file, config.ca_pem),
    read('cert_file', config.cert_file, config.cert_pem),
    read('key_file', config.key_file, config.key_pem),
  ])
  return {
    ...(ca !== null && { ca }),
    ...(cert !== null && { cert }),
    ...(key !== null && { key }),
    ...(config.server_name_override !== '' && { servername: config.server_name_override }),
    rejectUnauthorized: !config.insecure_skip_verify,
    minVersion: `TLSv${config.min_version}`,
    maxVersion: `TLSv${config.max_version}`,
  }
}

function hasOne(file: string | undefined, pem: string | undefined): boolean {
  return file !== undefined || pem !== undefined
}

async function read(key: string, path: string | undefined, pem: string | undefined): Promise<Buffer | string | null> {
  if (path === undefined) return pem ?? null
  try {
    return await readFile(path)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new GatewayError('start_failed', `tls.${key} cannot be read: ${reason}`, { retryable: false, cause })
  }
}
