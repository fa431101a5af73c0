import { readFileSync } from 'node:fs'
import { merge, nested } from './merge.ts'
import type { ConfigNode, Position } from './node.ts'
import { parseYaml } from './parse.ts'
import type { ConfigProblem } from './problems.ts'

export interface SourceContext {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly problems: ConfigProblem[]
}

/** Reads every `--config` and `--set` and merges them, later over earlier; null when nothing could be read. */
export function readSources(
  uris: readonly string[],
  sets: readonly string[],
  context: SourceContext,
): ConfigNode | null {
  const nodes = [
    ...uris.map((uri) => readSource(uri, context)),
    ...sets.map((assignment) => readAssignment(assignment, context)),
  ].filter((node) => node !== null)
  return nodes.length === 0 ? null : nodes.reduce(merge)
}

/** A path, or `file:`, `env:` and `yaml:` as the Collector has them. */
function readSource(uri: string, context: SourceContext): ConfigNode | null {
  // One letter before the colon is a drive of Windows.
  const [, scheme = 'file', rest = uri] = /^([a-z][a-z0-9+.-]+):(.*)$/s.exec(uri) ?? []
  switch (scheme) {
    case 'file':
      try {
        return parsed(rest, readFileSync(rest, 'utf8'), context)
      } catch (error) {
        return complain(context, `cannot read the configuration ${rest}: ${(error as Error).message}`)
      }
    case 'env': {
      const text = context.env[rest]
      if (text === undefined) return complain(context, `the environment variable ${rest} of --config=${uri} is not set`)
      return parsed(`env:${rest}`, text, context)
    }
    case 'yaml':
      // The Collector's form for one value, `yaml:processors::batch::timeout: 2s`, nests at each `::`.
      return nestDoubleColons(parsed('yaml:', rest, context))
    default:
      return complain(context, `--config=${scheme}:… is not supported; give a file, or env:NAME or yaml:text`)
  }
}

/** `--set processors.batch.timeout=2s`: dots or `::` lead down, the value is YAML. */
function readAssignment(assignment: string, context: SourceContext): ConfigNode | null {
  const equals = assignment.indexOf('=')
  const key = assignment.slice(0, Math.max(0, equals))
  if (key === '')
    return complain(context, `--set ${assignment}: write --set key=value, such as --set processors.batch.timeout=2s`)
  const source = `--set ${key}`
  const value = parsed(source, assignment.slice(equals + 1), context)
  return value === null ? null : nested(key.split(/::|\./), value, { source, line: 1, column: 1 })
}

function parsed(source: string, text: string, context: SourceContext): ConfigNode | null {
  const result = parseYaml(source, text)
  if (result.ok) return result.node
  context.problems.push(...result.problems)
  return null
}

function nestDoubleColons(node: ConfigNode | null): ConfigNode | null {
  if (node?.kind !== 'map') return node
  return [...node.entries]
    .map(([key, entry]) => nested(key.split('::'), entry.value, entry.keyAt))
    .reduce(merge, { kind: 'map', at: node.at, entries: new Map() } as ConfigNode)
}

function complain(context: SourceContext, message: string): null {
  const at: Position | null = null
  context.problems.push({ at, path: '', message })
  return null
}
