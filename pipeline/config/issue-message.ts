import type { z } from 'zod'
import type { ConfigPath, PlainConfig } from './node.ts'
import { optionsOf, type SchemaView, schemaAt } from './schema-view.ts'
import { isSecret, REDACTED, withoutUserInfo } from './secrets.ts'

/** How much of a wrong value a message repeats. */
const MAX_SHOWN = 60

/**
 * `expected a number (got "four"; write a number such as 4)`: what is wrong, what was written, what to write instead.
 * `path` leads from the top of the configuration, `inner` from the part that `view` describes.
 */
export function messageOf(
  issue: z.core.$ZodIssue,
  value: PlainConfig | undefined,
  path: ConfigPath,
  inner: ConfigPath,
  view: SchemaView,
): string {
  const field = schemaAt(view, inner)
  const { what, advice } = describe(issue, field, value)
  const got = value === undefined ? '' : `got ${shown(value, isSecret(path, null) || isSecret(inner, view))}`
  const inside = [got, advice].filter((part) => part !== '').join('; ')
  return inside === '' ? what : `${what} (${inside})`
}

function describe(
  issue: z.core.$ZodIssue,
  field: SchemaView | null,
  value: PlainConfig | undefined,
): { what: string; advice: string } {
  if (issue.message !== '' && !WORDS_OF_ZOD.test(issue.message)) return ownWords(issue.message)
  switch (issue.code) {
    case 'invalid_type':
    case 'invalid_union': {
      const types = optionsOf(field ?? {}).flatMap((option) => option.type ?? [])
      const expected = issue.code === 'invalid_type' ? [issue.expected as string] : [...new Set(types)]
      const named = expected.map((type) => TYPE_NAMES[type] ?? type).join(' or ')
      const what = value === undefined ? `is missing, expected ${named}` : `expected ${named}`
      return { what: named === '' ? 'is not valid here' : what, advice: exampleOf(field, expected[0] ?? '', value) }
    }
    case 'invalid_value':
      return {
        what: 'is not one of the known values',
        advice: `write ${issue.values.filter((value) => value !== '').join(', ')}`,
      }
    case 'too_small':
      return {
        what: `must be ${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}${unitOf(issue.origin)}`,
        advice: '',
      }
    case 'too_big':
      return {
        what: `must be ${issue.inclusive === false ? 'less than' : 'at most'} ${issue.maximum}${unitOf(issue.origin)}`,
        advice: '',
      }
    default:
      return ownWords(issue.message)
  }
}

/** How zod's own messages begin; a schema that has something better to say says it. */
const WORDS_OF_ZOD = /^(Invalid|Too big|Too small|Unrecognized)/

/** Messages of our own schemas: "what is wrong; write what to write". */
function ownWords(message: string): { what: string; advice: string } {
  const [what = '', ...advice] = message.split('; ')
  return { what, advice: advice.join('; ') }
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  number: 'a number',
  int: 'a whole number',
  integer: 'a whole number',
  string: 'text',
  boolean: 'true or false',
  object: 'keys and values',
  record: 'keys and values',
  array: 'a list',
}

function exampleOf(field: SchemaView | null, expected: string, value: PlainConfig | undefined): string {
  const example = optionsOf(field ?? {}).find((option) => option.default !== undefined)?.default
  switch (expected) {
    case 'number':
    case 'int':
    case 'integer':
      return `write a number such as ${typeof example === 'number' ? example : 4}`
    case 'boolean':
      return 'write true or false'
    case 'string':
      if (typeof value === 'number' || typeof value === 'boolean') return `write it in quotes`
      return typeof example === 'string' && example !== '' ? `write text such as ${example}` : ''
    case 'array':
      return 'write a list such as [a, b]'
    case 'object':
    case 'record':
      return 'write "key: value" lines below it'
    default:
      return ''
  }
}

function unitOf(origin: string): string {
  if (origin === 'string') return ' characters long'
  return origin === 'array' || origin === 'set' ? ' entries' : ''
}

function shown(value: PlainConfig, secret: boolean): string {
  if (secret && value !== null) return REDACTED
  if (Array.isArray(value)) return 'a list'
  if (value !== null && typeof value === 'object') return 'keys and values'
  const text = typeof value === 'string' ? JSON.stringify(withoutUserInfo(value)) : String(value)
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text
}
