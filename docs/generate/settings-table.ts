import type { SchemaView } from '../../pipeline/config/schema-view.ts'
import { table } from './markdown.ts'

/** A key of a configuration, as a schema describes it. */
export interface Setting {
  /** From the top of the component: `retry_on_failure.enabled`. */
  readonly key: string
  readonly type: string
  /** As one would write it; empty where there is none, `required` where one has to write it. */
  readonly default: string
  readonly description: string
}

const REQUIRED = 'required'
/** How the schemas begin what they say of such keys. */
const REFUSED = 'Not supported: '
const WITHOUT_EFFECT = /^Accepted (so that configurations of the Collector load|for compatibility)/

/** Every key below a schema, blocks before what is in them, in the order in which the schema has them. */
export function settingsOf(schema: SchemaView, above = ''): Setting[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, view]) => {
    const key = `${above}${name}`
    const isRequired = schema.required?.includes(name) && view.default === undefined
    const own = {
      key,
      type: typeOf(view),
      default: isRequired ? REQUIRED : defaultOf(view),
      description: view.description ?? '',
    }
    const items = view.items ? settingsOf(view.items, `${key}[].`) : []
    const values =
      typeof view.additionalProperties === 'object' ? settingsOf(view.additionalProperties, `${key}.ID.`) : []
    return [own, ...settingsOf(view, `${key}.`), ...items, ...values]
  })
}

/** The keys that can be set, and below them those that are only there for configurations of the Collector. */
export function settingsText(schema: SchemaView): string {
  const settings = settingsOf(schema)
  const refused = settings.filter(({ description }) => description.startsWith(REFUSED))
  const idle = settings.filter(({ description }) => WITHOUT_EFFECT.test(description))
  const rows = settings
    .filter((setting) => !refused.includes(setting) && !idle.includes(setting))
    .map(({ key, type, default: value, description }) => [
      code(key),
      type,
      value === REQUIRED || value === '' ? value : code(value),
      description,
    ])
  return [
    rows.length === 0 ? 'There is nothing to set.' : table(['Key', 'Type', 'Default', 'What it is for'], rows),
    ...(idle.length === 0
      ? []
      : [
          `Accepted so that configurations of the Collector load, and without effect: ${idle.map(({ key }) => code(key)).join(', ')}.`,
        ]),
    ...(refused.length === 0
      ? []
      : [
          'Keys of the Collector that are refused, with the reason and what to do instead:',
          refused.map(({ key, description }) => `- ${code(key)}: ${description.slice(REFUSED.length)}`).join('\n'),
        ]),
  ].join('\n\n')
}

function typeOf(view: SchemaView): string {
  if (view.enum) return view.enum.map((value) => code(value === '' ? '""' : String(value))).join(', ')
  if (isDuration(view)) return 'duration'
  if (view.items) return `list of ${view.items.enum ? typeOf(view.items) : plural(typeOf(view.items))}`
  if (view.anyOf) return [...new Set(view.anyOf.map(typeOf))].join(' or ')
  if (view.properties) return 'block'
  if (view.type === 'object') return 'map'
  return view.secret ? 'secret string' : typeof view.type === 'string' ? view.type : 'any'
}

/** What `durationMs()` in component/config-types.ts makes: text such as 1m30s, or a bare 0. */
function isDuration({ anyOf }: SchemaView): boolean {
  return anyOf?.length === 2 && anyOf[0]!.type === 'string' && 'const' in anyOf[1]!
}

function plural(type: string): string {
  return type === 'any' ? 'anything' : `${type}s`
}

/** A block's own default is that of its keys. */
function defaultOf(view: SchemaView): string {
  const value = view.default
  if (value === undefined || (view.properties !== undefined && isEmpty(value))) return ''
  if (typeof value === 'string') return value === '' ? '""' : value
  return JSON.stringify(value)
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0
}

function code(text: string): string {
  return `\`${text}\``
}
