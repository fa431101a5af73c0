import { readFile } from 'node:fs/promises'
import type { SecureContextOptions, TlsOptions } from 'node:tls'
import type { TlsConfig } from './config-parts.ts'

/** Certificates and keys as node takes them; rejects where a file cannot be read. */
export async function readTls(config: TlsConfig): Promise<TlsOptions & SecureContextOptions> {
  const [cert, key, ca] = await Promise.all([
    config.cert_file === undefined ? config.cert_pem : readFile(config.cert_file),
    config.key_file === undefined ? config.key_pem : readFile(config.key_file),
    config.client_ca_file === undefined ? undefined : readFile(config.client_ca_file),
  ])
  return {
    minVersion: `TLSv${config.min_version}`,
    maxVersion: `TLSv${config.max_version}`,
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(ca !== undefined && { ca, requestCert: true, rejectUnauthorized: true }),
  }
}
