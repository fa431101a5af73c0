import { type AnyFactory, COMPONENT_KINDS } from '../../component/component.ts'
import { SECTIONS } from './check-components.ts'
import { inputSchema, type SchemaView } from './schema-view.ts'
import { serviceSchema } from './service-config.ts'

/** The whole configuration as JSON Schema, for editors that complete and check while one types. */
export function configJsonSchema(factories: readonly AnyFactory[]): Record<string, unknown> {
  const sections = COMPONENT_KINDS.map((kind) => {
    const own = factories.filter((factory) => factory.kind === kind)
    const patterns = own.map((factory) => [patternOf(factory), componentSchema(factory)])
    return [
      SECTIONS[kind],
      {
        type: ['object', 'null'],
        description: `The ${kind}s by id: type, or type/name.`,
        patternProperties: Object.fromEntries(patterns),
        additionalProperties: false,
      },
    ]
  })
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Blindspot configuration',
    type: 'object',
    properties: { ...Object.fromEntries(sections), service: part(inputSchema(serviceSchema)) },
    required: ['receivers', 'exporters', 'service'],
    additionalProperties: false,
  }
}

function patternOf(factory: AnyFactory): string {
  return `^(${[factory.type, ...factory.aliases].join('|')})(/.+)?$`
}

/** A component without a body has its defaults. */
function componentSchema(factory: AnyFactory): Record<string, unknown> {
  return { description: factory.description, anyOf: [part(inputSchema(factory.config)), { type: 'null' }] }
}

/** A schema inside another names no dialect of its own. */
function part(schema: SchemaView): Record<string, unknown> {
  const { $schema: _, ...rest } = schema as Record<string, unknown>
  return rest
}
