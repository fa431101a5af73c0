import { hashBytes } from '../hash.ts'

interface Entry {
  readonly name: string
  readonly bytes: Uint8Array
}

/** The metric names that someone wants to read; made once, then asked by bytes. */
export class MetricNames {
  readonly #byHash = new Map<number, Entry[]>()

  constructor(names: Iterable<string>) {
    for (const name of new Set(names)) {
      const bytes = Buffer.from(name, 'utf8')
      const hash = hashBytes(bytes, 0, bytes.length)
      const entries = this.#byHash.get(hash)
      if (entries === undefined) this.#byHash.set(hash, [{ name, bytes }])
      else entries.push({ name, bytes })
    }
  }

  /** The name that these bytes spell, if it is one of ours. */
  find(bytes: Uint8Array, start: number, end: number): string | null {
    const entries = this.#byHash.get(hashBytes(bytes, start, end))
    if (entries === undefined) return null
    for (const entry of entries) if (spells(bytes, start, end, entry.bytes)) return entry.name
    return null
  }
}

function spells(bytes: Uint8Array, start: number, end: number, name: Uint8Array): boolean {
  if (end - start !== name.length) return false
  for (let i = 0; i < name.length; i++) if (bytes[start + i] !== name[i]) return false
  return true
}
