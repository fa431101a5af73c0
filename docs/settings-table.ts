import type { SchemaView } from '../pipeline/config/schema-view.ts'
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
    const items = view.items?.properties ? settingsOf(view.items, `${key}[].`) : []
    return [own, ...settingsOf(view, `${key}.`), ...items]
  })
}

/** The keys that can be set, and below them those that are only there to refuse a key of the Collector's well. */
export function settingsText(schema: SchemaView): string {
  const settings = settingsOf(schema)
  const refused = settings.filter(isRefused)
  const rows = settings
    .filter((setting) => !isRefused(setting))
    .map(({ key, type, default: value, description }) => [
      code(key),
      type,
      value === '' ? '' : code(value),
      description,
    ])
  return [
    rows.length === 0 ? 'There is nothing to set.' : table(['Key', 'Type', 'Default', 'What it is for'], rows),
    ...(refused.length === 0
      ? []
      : [
          'Keys of the Collector that are refused, with what to do instead:',
          refused
            .map(({ key, description }) => `- ${code(key)}: ${description.replace(/^Not supported: /, '')}`)
            .join('\n'),
        ]),
  ].join('\n\n')
}

function isRefused({ description }: Setting): boolean {
  return description.startsWith('Not supported: ')
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
