import type { ConfigPath, PlainConfig } from './node.ts'
import { type SchemaView, schemaAt } from './schema-view.ts'

export const REDACTED = '[REDACTED]'

const SECRET_KEY = /password|passwd|passphrase|secret|token|authorization|api[-_]?key|credential|cookie|_pem$/i
/** `token_file` says where a secret is, not what it is. */
const PLACE_KEY = /_(file|path|url|endpoint|dir)$/i

/**
 * Whether the value at a path must not be printed: its schema says so, or it is a header, or its key or one above it has
 * the name of a secret, whatever the schema says.
 */
export function isSecret(path: ConfigPath, schema: SchemaView | null): boolean {
  for (const [i, step] of path.entries()) {
    if (typeof step === 'number') continue
    if (/headers(_list)?$/i.test(step) && i < path.length - 1 && path.at(-1) !== 'name') return true
    if (SECRET_KEY.test(step) && !PLACE_KEY.test(step)) return true
  }
  return schema !== null && schemaAt(schema, path)?.secret === true
}

/** A copy with every secret masked, user and password in URLs included. */
export function redact(value: PlainConfig, schema: SchemaView | null, path: ConfigPath = []): PlainConfig {
  if (Array.isArray(value)) return value.map((item, i) => redact(item, schema, [...path, i]))
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, redact(item, schema, [...path, key])]))
  }
  if (value === null || value === '' || typeof value === 'boolean') return value
  if (isSecret(path, schema)) return REDACTED
  return typeof value === 'string' ? withoutUserInfo(value) : value
}

/** `https://user:password@host` without the first two. */
export function withoutUserInfo(text: string): string {
  return text.replace(/(\b[a-z][a-z0-9+.-]*:\/\/)[^/@\s]+@/gi, `$1${REDACTED}@`)
}
