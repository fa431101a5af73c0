import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, it } from '@jest/globals'

export interface Certificate {
  readonly certFile: string
  readonly keyFile: string
  readonly cert: Buffer
  readonly key: Buffer
}

/** Node cannot make X.509 certificates itself; openssl can. */
export const HAS_OPENSSL = runs('openssl', ['version'])

/** `it` for tests that need a certificate: without openssl it skips and says so in the name. */
export const itWithOpenssl: typeof it | typeof it.skip = HAS_OPENSSL ? it : it.skip
if (!HAS_OPENSSL) process.stderr.write('skipping tests of TLS: openssl is not installed\n')

/** They stay until all tests of the file are through: some read their certificates again. */
const folders: string[] = []
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true })
})

/** A self-signed certificate for `name` and 127.0.0.1, new and good for a day. */
export function selfSigned(name: string): Certificate {
  const folder = mkdtempSync(join(tmpdir(), 'blindspot-cert-'))
  folders.push(folder)
  const certFile = join(folder, 'cert.pem')
  const keyFile = join(folder, 'key.pem')
  const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name},IP:127.0.0.1`]
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', keyFile]
  execFileSync('openssl', ['req', '-x509', '-days', '1', ...key, '-out', certFile, ...subject], { stdio: 'pipe' })
  return { certFile, keyFile, cert: readFileSync(certFile), key: readFileSync(keyFile) }
}

function runs(command: string, args: readonly string[]): boolean {
  try {
    execFileSync(command, args, { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
