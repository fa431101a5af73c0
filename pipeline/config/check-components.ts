import type { AnyFactory, ComponentKind } from '../../component/component.ts'
import { checkValue } from './check-value.ts'
import { parseComponentId } from './component-id.ts'
import { instead } from './elsewhere.ts'
import type { Configured } from './gateway-config.ts'
import { nearest } from './nearest.ts'
import { type ConfigNode, keyPosition, type MapNode, nodeAt } from './node.ts'
import type { ConfigProblem } from './problems.ts'

/** The section of the configuration for each kind of component. */
export const SECTIONS = {
  receiver: 'receivers',
  processor: 'processors',
  exporter: 'exporters',
  connector: 'connectors',
  extension: 'extensions',
} as const satisfies Record<ComponentKind, string>

/** Ids that were written, also those that could not be configured: a reference to them is no second mistake. */
export interface Section<F> {
  readonly configured: ReadonlyMap<string, Configured<F>>
  readonly written: ReadonlySet<string>
}

/** Checks every component of one section, used or not, each against the schema of its factory. */
export function checkComponents<F extends AnyFactory>(
  kind: ComponentKind,
  factories: readonly F[],
  root: MapNode,
  problems: ConfigProblem[],
): Section<F> {
  const section = SECTIONS[kind]
  const configured = new Map<string, Configured<F>>()
  const written = new Set<string>()
  const node = nodeAt(root, [section])
  if (node === null || (node.kind === 'scalar' && node.value === null)) return { configured, written }
  if (node.kind !== 'map') {
    problems.push({
      at: node.at,
      path: section,
      message: `expected ${section} by id, such as "${section}: { ${factories[0]?.type ?? 'id'}: }"`,
    })
    return { configured, written }
  }
  for (const [key, entry] of node.entries) {
    const complain = (message: string) => problems.push({ at: entry.keyAt, path: `${section}.${key}`, message })
    const parsed = parseComponentId(key)
    if (!parsed.ok) {
      complain(parsed.message)
      continue
    }
    const { id, type } = parsed.value
    if (written.has(id)) complain(`"${id}" is configured twice`)
    written.add(id)
    const factory = factories.find((known) => known.type === type || known.aliases.includes(type))
    if (factory === undefined) {
      complain(unknownType(kind, type, factories))
      continue
    }
    const checked = checkValue<unknown>(factory.config, orEmpty(entry.value), [section, key])
    if (checked.ok) configured.set(id, { id, factory, config: checked.config as never })
    else problems.push(...checked.problems.map((problem) => pointAtKey(problem, root, section, key)))
  }
  return { configured, written }
}

/** A body without a value means defaults. */
function orEmpty(node: ConfigNode): ConfigNode {
  return node.kind === 'scalar' && node.value === null ? { kind: 'map', at: node.at, entries: new Map() } : node
}

/** What is wrong with a component as a whole is shown at its id. */
function pointAtKey(problem: ConfigProblem, root: MapNode, section: string, key: string): ConfigProblem {
  return problem.path === `${section}.${key}` ? { ...problem, at: keyPosition(root, [section], key) } : problem
}

function unknownType(kind: ComponentKind, type: string, factories: readonly AnyFactory[]): string {
  const what = `unknown ${kind} "${type}"`
  const advice = instead(kind, type)
  if (advice !== null) return `${what}: ${advice}`
  const known = factories.flatMap((factory) => [factory.type, ...factory.aliases])
  const near = nearest(type, known)
  if (near !== null) return `${what}; did you mean "${near}"?`
  return known.length === 0 ? `${what}: Blindspot has no ${kind}s` : `${what}; there are ${known.sort().join(', ')}`
}
