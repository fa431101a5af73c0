import { type ZodType, z } from 'zod'
import type { ConfigPath } from './node.ts'

/** The part of JSON Schema that zod writes and this folder reads. */
export interface SchemaView {
  readonly type?: string | readonly string[]
  readonly description?: string
  readonly default?: unknown
  readonly enum?: readonly unknown[]
  readonly properties?: Readonly<Record<string, SchemaView>>
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean | SchemaView
  readonly items?: SchemaView
  readonly anyOf?: readonly SchemaView[]
  readonly oneOf?: readonly SchemaView[]
  readonly allOf?: readonly SchemaView[]
  /** Set by `secretString()`: the value is never printed. */
  readonly secret?: boolean
}

const views = new WeakMap<ZodType, SchemaView>()

/** What a user may write for a schema: its JSON Schema, before defaults and transforms. */
export function inputSchema(schema: ZodType): SchemaView {
  let view = views.get(schema)
  if (view === undefined) {
    view = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as SchemaView
    views.set(schema, view)
  }
  return view
}

/** The schema of the value at a path, or null where the schema says nothing about it. */
export function schemaAt(schema: SchemaView, path: ConfigPath): SchemaView | null {
  const [step, ...rest] = path
  if (step === undefined) return schema
  for (const option of optionsOf(schema)) {
    const below = typeof step === 'number' ? option.items : propertyOf(option, step)
    const found = below === undefined ? null : schemaAt(below, rest)
    if (found !== null) return found
  }
  return null
}

/** The keys that may be written at a path. */
export function knownKeys(schema: SchemaView, path: ConfigPath): string[] {
  const view = schemaAt(schema, path)
  return view === null ? [] : optionsOf(view).flatMap((option) => Object.keys(option.properties ?? {}))
}

/** A schema, or all alternatives of a union. */
export function optionsOf(schema: SchemaView): SchemaView[] {
  const alternatives = schema.anyOf ?? schema.oneOf ?? schema.allOf
  return alternatives === undefined ? [schema] : [schema, ...alternatives.flatMap(optionsOf)]
}

export function propertyOf(schema: SchemaView, key: string): SchemaView | undefined {
  const property = Object.hasOwn(schema.properties ?? {}, key) ? schema.properties?.[key] : undefined
  if (property !== undefined) return property
  return typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined
}
