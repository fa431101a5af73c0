import type { GatewayConfig } from './gateway-config.ts'
import { nodeAt, type PlainConfig, toPlain } from './node.ts'
import { inputSchema, optionsOf, propertyOf, type SchemaView } from './schema-view.ts'
import { redact } from './secrets.ts'
import { serviceSchema } from './service-config.ts'

const SECTIONS = ['receivers', 'processors', 'exporters', 'extensions'] as const

/** The configuration as it runs, in the words of the user: everything written, with defaults for what was not. */
export function effectiveConfig(config: GatewayConfig, mode: 'redacted' | 'unredacted'): Record<string, PlainConfig> {
  const show = (value: PlainConfig, schema: SchemaView): PlainConfig => {
    const complete = withDefaults(value, schema)
    return mode === 'redacted' ? redact(complete, schema) : complete
  }
  const shown: Record<string, PlainConfig> = {}
  for (const section of SECTIONS) {
    if (config[section].size === 0) continue
    const components: Record<string, PlainConfig> = {}
    const written = nodeAt(config.written, [section])
    if (written?.kind !== 'map') continue
    for (const [key, entry] of written.entries) {
      const configured = config[section].get(key.trim())
      if (configured === undefined) continue
      components[configured.id] = show(toPlain(entry.value), inputSchema(configured.factory.config))
    }
    shown[section] = components
  }
  const service = nodeAt(config.written, ['service'])
  shown.service = show(service === null ? {} : toPlain(service), inputSchema(serviceSchema))
  return shown
}

/** Fills in what the schema says of keys that are not there. Unions keep what was written. */
function withDefaults(value: PlainConfig, schema: SchemaView): PlainConfig {
  const options = optionsOf(schema)
  if (value === null && options.some((option) => option.type === 'object')) return withDefaults({}, schema)
  if (Array.isArray(value)) {
    const items = options.find((option) => option.items !== undefined)?.items
    return items === undefined ? value : value.map((item) => withDefaults(item, items))
  }
  if (value === null || typeof value !== 'object') return value
  const complete: Record<string, PlainConfig> = {}
  const object = options.find((option) => option.properties !== undefined) ?? {}
  for (const [key, property] of Object.entries(object.properties ?? {})) {
    if (key in value || property.default === undefined) continue
    complete[key] = withDefaults(structuredClone(property.default) as PlainConfig, property)
  }
  for (const [key, item] of Object.entries(value)) {
    const property = propertyOf(object, key)
    complete[key] = property === undefined ? item : withDefaults(item, property)
  }
  return complete
}
