import { readFileSync } from 'node:fs'
import type { ConfigNode, MapEntry, ScalarNode } from './node.ts'
import { parseYaml } from './parse.ts'
import type { ConfigProblem } from './problems.ts'

/** How deep values may name further values. */
const MAX_DEPTH = 100
/** References followed in one configuration: what names itself twice would double at each level. */
const MAX_REFERENCES = 10_000
const ENDLESS = 'its references lead to one another without end'
const ENV_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/

export interface ExpandContext {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly problems: ConfigProblem[]
  /** For what does not stop the gateway: a variable that is not set. */
  readonly warnings: ConfigProblem[]
  /** References followed so far; begins at 0. */
  followed: number
}

/**
 * Replaces `${env:NAME}`, `${NAME}`, `${env:NAME:-default}`, `${file:path}` and `${yaml:text}` in all values, as the
 * Collector does. A value that is nothing but one reference takes the type of what it stands for; inside a longer string
 * it is text. `$$` is a dollar sign; a `$` before anything else stays as it is.
 */
export function expand(node: ConfigNode, context: ExpandContext, path = '', depth = 0): ConfigNode {
  switch (node.kind) {
    case 'list':
      return { ...node, items: node.items.map((item, i) => expand(item, context, `${path}[${i}]`, depth)) }
    case 'map': {
      const entries = new Map<string, MapEntry>()
      for (const [key, entry] of node.entries) {
        const value = expand(entry.value, context, path === '' ? key : `${path}.${key}`, depth)
        entries.set(key, { keyAt: entry.keyAt, value })
      }
      return { ...node, entries }
    }
    case 'scalar':
      return typeof node.value === 'string' && node.value.includes('$')
        ? expandScalar(node, context, path, depth)
        : node
  }
}

function expandScalar(node: ScalarNode, context: ExpandContext, path: string, depth: number): ConfigNode {
  const complain = (message: string): ScalarNode => {
    context.problems.push({ at: node.at, path, message })
    return { ...node, value: null }
  }
  if (depth > MAX_DEPTH) return complain(ENDLESS)

  const parts = split(node.value as string)
  if (parts === null) return complain('a reference has no closing brace; write $$ for a dollar sign that means itself')

  if (parts.length === 1 && typeof parts[0] !== 'string') {
    const text = resolve(parts[0]!, node, context, path, depth)
    if (text === null) return { ...node, value: null }
    return typed(text, node, context, path, depth)
  }
  return { ...node, value: joined(parts, node, context, path, depth) }
}

/** Parts put together as text: within a string a number, a list or a map is nothing but its letters. */
function joined(parts: readonly Part[], node: ScalarNode, context: ExpandContext, path: string, depth: number): string {
  if (depth > MAX_DEPTH) {
    context.problems.push({ at: node.at, path, message: ENDLESS })
    return ''
  }
  return parts
    .map((part) => {
      if (typeof part === 'string') return part
      const text = resolve(part, node, context, path, depth)
      if (text === null) return ''
      const inner = split(text)
      return inner === null ? text : joined(inner, node, context, path, depth + 1)
    })
    .join('')
}

/** What a value that is one reference becomes: YAML, with the letters kept for fields that want a string. */
function typed(text: string, node: ScalarNode, context: ExpandContext, path: string, depth: number): ConfigNode {
  const parsed = parseYaml(node.at.source, text)
  // A password such as `[x` is no YAML, and is meant as it is.
  if (!parsed.ok) return { ...node, value: text, text }
  const inner = expand(moved(parsed.node, node), context, path, depth + 1)
  if (inner.kind !== 'scalar' || inner.text !== undefined) return inner
  return { ...inner, text: typeof inner.value === 'string' ? inner.value : text }
}

/** Points everything at the reference: that is what the reader can find in the file. */
function moved(node: ConfigNode, reference: ScalarNode): ConfigNode {
  const at = reference.at
  switch (node.kind) {
    case 'scalar':
      return { ...node, at }
    case 'list':
      return { kind: 'list', at, items: node.items.map((item) => moved(item, reference)) }
    case 'map':
      return {
        kind: 'map',
        at,
        entries: new Map(
          [...node.entries].map(([key, entry]) => [key, { keyAt: at, value: moved(entry.value, reference) }]),
        ),
      }
  }
}

/** What stands between `${` and `}`; references within it are parts of their own. */
interface Reference {
  readonly parts: readonly Part[]
}
type Part = string | Reference

function resolve(
  reference: Reference,
  node: ScalarNode,
  context: ExpandContext,
  path: string,
  depth: number,
): string | null {
  const body = joined(reference.parts, node, context, path, depth)
  const complain = (message: string): null => {
    context.problems.push({ at: node.at, path, message })
    return null
  }
  context.followed++
  if (context.followed > MAX_REFERENCES) {
    return context.followed === MAX_REFERENCES + 1 ? complain(`more than ${MAX_REFERENCES} references`) : null
  }
  const [, scheme = 'env', rest = ''] = /^(?:([a-z][a-z0-9+.-]*):(?!-))?(.*)$/s.exec(body) ?? []
  switch (scheme) {
    case 'env': {
      const [name = '', ...fallback] = rest.split(':-')
      if (!ENV_NAME.test(name)) return complain(`"${name}" is no name of an environment variable`)
      const value = context.env[name]
      if (value !== undefined && value !== '') return value
      if (fallback.length > 0) return fallback.join(':-')
      if (value === undefined) {
        context.warnings.push({
          at: node.at,
          path,
          message: `the environment variable ${name} is not set and reads as empty`,
        })
      }
      return null
    }
    case 'yaml':
      return rest
    case 'file':
      try {
        return readFileSync(rest, 'utf8')
      } catch (error) {
        return complain(`cannot read the file ${rest}: ${(error as Error).message}`)
      }
    default:
      return complain(`\${${scheme}:…} is not supported; use \${env:NAME}, \${file:path} or \${yaml:text}`)
  }
}

/** Cuts a string into text and references; null where a reference is not closed. */
function split(text: string): Part[] | null {
  let at = 0
  function parts(inside: boolean): Part[] | null {
    const found: Part[] = []
    let literal = ''
    while (at < text.length) {
      if (inside && text[at] === '}') break
      if (text.startsWith('$$', at)) {
        literal += '$'
        at += 2
      } else if (text.startsWith('${', at)) {
        at += 2
        const inner = parts(true)
        if (inner === null || text[at] !== '}') return null
        at++
        if (literal !== '') found.push(literal)
        literal = ''
        found.push({ parts: inner })
      } else {
        literal += text[at++]
      }
    }
    if (literal !== '' || found.length === 0) found.push(literal)
    return found
  }
  return parts(false)
}
