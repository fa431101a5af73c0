import type { ZodType, z } from 'zod'
import { messageOf } from './issue-message.ts'
import { didYouMean } from './nearest.ts'
import { type ConfigNode, type ConfigPath, keyPosition, nodeAt, type PlainConfig, positionOf, toPlain } from './node.ts'
import type { ConfigProblem } from './problems.ts'
import { inputSchema, knownKeys, optionsOf, type SchemaView, schemaAt } from './schema-view.ts'

export type Checked<C> =
  | { readonly ok: true; readonly config: C }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[] }

/**
 * Checks a part of the configuration against its schema and gives it defaults. `path` leads to it from the top.
 *
 * Two things of the Collector that zod does not know are mended first, where the schema asks for it: a field without a
 * value (`grpc:`) has its defaults, and a string may have been read from `${env:…}` as a number.
 */
export function checkValue<C>(schema: ZodType<C>, node: ConfigNode, path: ConfigPath): Checked<C> {
  let plain = toPlain(node)
  for (;;) {
    const result = schema.safeParse(plain)
    if (result.success) return { ok: true, config: result.data }
    const view = inputSchema(schema)
    const issues = flatten(result.error.issues)
    let mended = false
    for (const issue of issues) {
      const mend = mendOf(issue, node, plain, view)
      if (mend === null) continue
      plain = mend
      mended = true
    }
    if (!mended) return { ok: false, problems: issues.flatMap((issue) => problemsOf(issue, node, plain, path, view)) }
  }
}

type Issue = z.core.$ZodIssue

/** Of a union, the branch that came furthest says best what is wrong. */
function flatten(issues: readonly Issue[], prefix: readonly PropertyKey[] = []): Issue[] {
  return issues.flatMap((issue) => {
    const path = [...prefix, ...issue.path]
    if (issue.code !== 'invalid_union') return [{ ...issue, path }]
    const branches = issue.errors.map((errors) => flatten(errors, path))
    const depth = (branch: Issue[]): number => Math.max(0, ...branch.map((inner) => inner.path.length))
    const best = branches.toSorted((a, b) => depth(b) - depth(a))[0] ?? []
    return depth(best) > path.length || branches.length === 1 ? best : [{ ...issue, path }]
  })
}

/** The value with one thing mended, or null where this issue is the user's to mend. */
function mendOf(issue: Issue, root: ConfigNode, plain: PlainConfig, view: SchemaView): PlainConfig | null {
  if (issue.code !== 'invalid_type' && issue.code !== 'invalid_union' && issue.code !== 'invalid_value') return null
  const path = issue.path as (string | number)[]
  const value = valueAt(plain, path)
  const types = optionsOf(schemaAt(view, path) ?? {}).flatMap((option) => option.type ?? [])
  if (value === null)
    return types.includes('object') || path.length === 0 ? replaced(plain, path, {}) : removed(plain, path)
  const node = nodeAt(root, path)
  const text = node?.kind === 'scalar' ? node.text : undefined
  if (text === undefined || typeof value === 'string' || !types.includes('string')) return null
  return replaced(plain, path, text)
}

function problemsOf(
  issue: Issue,
  root: ConfigNode,
  plain: PlainConfig,
  path: ConfigPath,
  view: SchemaView,
): ConfigProblem[] {
  const inner = issue.path as (string | number)[]
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeys(view, inner)
    return issue.keys.map((key) => ({
      at: keyPosition(root, inner, key),
      path: pathText([...path, ...inner, key]),
      message: `is not known here${didYouMean(key, known) || listOf(known)}`,
    }))
  }
  // What is missing in a part that was not written either is missed where the part above it stands.
  return [
    {
      at: positionOf(root, inner),
      path: pathText([...path, ...inner]),
      message: messageOf(issue, valueAt(plain, inner), [...path, ...inner], inner, view),
    },
  ]
}

function listOf(known: readonly string[]): string {
  return known.length === 0 ? '' : `; known are ${known.slice(0, 12).join(', ')}${known.length > 12 ? ', …' : ''}`
}

export function pathText(path: ConfigPath): string {
  return path.map((step, i) => (typeof step === 'number' ? `[${step}]` : i === 0 ? step : `.${step}`)).join('')
}

function valueAt(plain: PlainConfig, path: ConfigPath): PlainConfig | undefined {
  let value: PlainConfig | undefined = plain
  for (const step of path) {
    if (value === null || typeof value !== 'object') return undefined
    value = (value as Record<string | number, PlainConfig>)[step]
  }
  return value
}

function replaced(plain: PlainConfig, path: ConfigPath, value: PlainConfig): PlainConfig {
  const last = path.at(-1)
  if (last === undefined) return value
  ;(valueAt(plain, path.slice(0, -1)) as Record<string | number, PlainConfig>)[last] = value
  return plain
}

/** A key without a value is as good as absent; in a list it stays, and is the user's to mend. */
function removed(plain: PlainConfig, path: ConfigPath): PlainConfig | null {
  const parent = valueAt(plain, path.slice(0, -1))
  if (parent === null || typeof parent !== 'object' || Array.isArray(parent)) return null
  delete parent[String(path.at(-1))]
  return plain
}
