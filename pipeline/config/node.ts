/** Where a piece of configuration was written; line and column count from 1. */
export interface Position {
  /** As the user named it: `pipeline.yaml`, `--set`, `env:CONFIG`. */
  readonly source: string
  readonly line: number
  readonly column: number
}

export interface ScalarNode {
  readonly kind: 'scalar'
  readonly at: Position
  readonly value: string | number | boolean | null | bigint
  /** What `${…}` stood for, letter by letter: a field that wants a string takes this and not the typed value. */
  readonly text?: string
}

export interface ListNode {
  readonly kind: 'list'
  readonly at: Position
  readonly items: readonly ConfigNode[]
}

export interface MapNode {
  readonly kind: 'map'
  readonly at: Position
  readonly entries: ReadonlyMap<string, MapEntry>
}

export interface MapEntry {
  readonly keyAt: Position
  readonly value: ConfigNode
}

/** Configuration with its positions, kept through expansion and merging so that every complaint can point. */
export type ConfigNode = ScalarNode | ListNode | MapNode

/** Steps from a node to one below it: keys and list indices, as zod names them. */
export type ConfigPath = readonly (string | number)[]

export type PlainConfig = string | number | boolean | null | bigint | PlainConfig[] | { [key: string]: PlainConfig }

/** The bare values, in objects that the caller may change. */
export function toPlain(node: ConfigNode): PlainConfig {
  switch (node.kind) {
    case 'scalar':
      return node.value
    case 'list':
      return node.items.map(toPlain)
    case 'map':
      // Without a prototype, so that a key called `__proto__` is a key like any other.
      return Object.assign(
        Object.create(null),
        Object.fromEntries([...node.entries].map(([key, entry]) => [key, toPlain(entry.value)])),
      )
  }
}

export function childOf(node: ConfigNode, step: string | number): ConfigNode | null {
  if (node.kind === 'map') return node.entries.get(String(step))?.value ?? null
  if (node.kind === 'list') return node.items[Number(step)] ?? null
  return null
}

export function nodeAt(root: ConfigNode, path: ConfigPath): ConfigNode | null {
  let node: ConfigNode | null = root
  for (const step of path) {
    if (node === null) return null
    node = childOf(node, step)
  }
  return node
}

/** The place to point at for a path: its value, or the nearest thing above it that was written. */
export function positionOf(root: ConfigNode, path: ConfigPath): Position {
  let at = root.at
  let node: ConfigNode | null = root
  for (const step of path) {
    const entry: MapEntry | undefined = node.kind === 'map' ? node.entries.get(String(step)) : undefined
    node = childOf(node, step)
    if (node === null) return at
    // A map that was written as a block starts at its first key; its own key says more.
    at = node.kind === 'scalar' ? node.at : (entry?.keyAt ?? node.at)
  }
  return at
}

/** Where the key itself was written, for what is wrong with a key and not with its value. */
export function keyPosition(root: ConfigNode, path: ConfigPath, key: string): Position {
  const parent = nodeAt(root, path)
  const entry = parent?.kind === 'map' ? parent.entries.get(key) : undefined
  return entry?.keyAt ?? positionOf(root, path)
}
