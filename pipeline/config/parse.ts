import {
  type Alias,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  type YAMLParseError,
} from 'yaml'
import type { ConfigNode, MapEntry, Position, ScalarNode } from './node.ts'
import type { ConfigProblem } from './problems.ts'

/** Aliases that one document may resolve: a guard against documents that double at every line. */
const MAX_ALIASES = 1000

export type ParseResult =
  | { readonly ok: true; readonly node: ConfigNode }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[] }

/** Reads YAML 1.2 (with `<<` merge keys, as the Collector's parser has them) into nodes that know where they stand. */
export function parseYaml(source: string, text: string): ParseResult {
  const lines = new LineCounter()
  // prettyErrors would print lines of the file into the message, and a line may hold a password.
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, merge: true, intAsBigInt: false })
  const at = (offset: number): Position => {
    const { line, col } = lines.linePos(offset)
    return { source, line: Math.max(1, line), column: Math.max(1, col) }
  }
  if (document.errors.length > 0) {
    return {
      ok: false,
      problems: withoutEcho(document.errors).map((error) => ({
        at: at(error.pos[0]),
        path: '',
        message: `not valid YAML: ${isUnquoted(error, text) ? UNQUOTED : error.message}`,
      })),
    }
  }

  const problems: ConfigProblem[] = []
  let aliases = 0

  function convert(node: Node | null, fallback: Position): ConfigNode {
    const position = node?.range ? at(node.range[0]) : fallback
    if (isAlias(node)) return convertAlias(node, position)
    if (isSeq(node)) {
      const items = node.items.map((item) => convert(item as Node | null, position))
      return { kind: 'list', at: position, items }
    }
    if (isMap(node)) {
      const entries = new Map<string, MapEntry>()
      for (const pair of node.items) addPair(entries, pair.key as Node | null, pair.value as Node | null, position)
      return { kind: 'map', at: position, entries }
    }
    const value = isScalar(node) ? (node.value as ScalarNode['value']) : null
    return { kind: 'scalar', at: position, value: value ?? null }
  }

  function addPair(
    entries: Map<string, MapEntry>,
    keyNode: Node | null,
    valueNode: Node | null,
    parentAt: Position,
  ): void {
    const keyAt = keyNode?.range ? at(keyNode.range[0]) : parentAt
    const value = convert(valueNode, keyAt)
    const key = isScalar(keyNode) ? keyNode.value : undefined
    if (typeof key === 'symbol' || key === '<<') {
      for (const merged of value.kind === 'list' ? value.items : [value]) {
        if (merged.kind !== 'map') continue
        for (const [name, entry] of merged.entries) if (!entries.has(name)) entries.set(name, entry)
      }
      return
    }
    if (key === undefined) problems.push({ at: keyAt, path: '', message: 'a key must be a plain word' })
    else entries.set(String(key), { keyAt, value })
  }

  function convertAlias(alias: Alias, position: Position): ConfigNode {
    const target = alias.resolve(document)
    aliases++
    if (target !== undefined && aliases <= MAX_ALIASES) return convert(target, position)
    if (aliases === MAX_ALIASES + 1 || target === undefined) {
      problems.push({ at: position, path: '', message: `too many aliases, or *${alias.source} without its anchor` })
    }
    return { kind: 'scalar', at: position, value: null }
  }

  const node = convert(document.contents as Node | null, { source, line: 1, column: 1 })
  return problems.length > 0 ? { ok: false, problems } : { ok: true, node }
}

/** Behind a token that has no place the reader has lost its way: what it says of the rest of the file is no help. */
function withoutEcho(errors: readonly YAMLParseError[]): readonly YAMLParseError[] {
  const lost = errors.findIndex(({ code }) => code === 'UNEXPECTED_TOKEN')
  return lost === -1 ? errors : errors.slice(0, lost + 1)
}

const UNQUOTED = `within { } or [ ] write $\{…} in quotes`

/** `{ key: ${env:KEY} }`: the brace ends what was read as a plain word. */
function isUnquoted({ code, pos }: YAMLParseError, text: string): boolean {
  return code === 'UNEXPECTED_TOKEN' && text.startsWith('${', pos[0] - 1)
}
