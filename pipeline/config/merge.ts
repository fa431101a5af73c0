import type { ConfigNode, ConfigPath, MapEntry, MapNode, Position } from './node.ts'

/**
 * The Collector's rule for several configurations: the later one wins, maps merge deeply, lists are replaced. A later
 * `processors:` without a value is null and wipes the earlier map; `processors: {}` merges nothing into it.
 */
export function merge(earlier: ConfigNode, later: ConfigNode): ConfigNode {
  if (earlier.kind !== 'map' || later.kind !== 'map') return later
  const entries = new Map(earlier.entries)
  for (const [key, entry] of later.entries) {
    const before = entries.get(key)
    entries.set(key, before === undefined ? entry : { keyAt: entry.keyAt, value: merge(before.value, entry.value) })
  }
  return { kind: 'map', at: earlier.at, entries }
}

/** A map that holds nothing but `value` at the end of `path`, to be merged over a configuration. */
export function nested(path: ConfigPath, value: ConfigNode, at: Position): ConfigNode {
  return path.reduceRight<ConfigNode>((node, step) => mapOf(String(step), { keyAt: at, value: node }, at), value)
}

function mapOf(key: string, entry: MapEntry, at: Position): MapNode {
  return { kind: 'map', at, entries: new Map([[key, entry]]) }
}
