import { ENUMS, MESSAGES, type MessageName } from './messages.ts'

/** How a field is written, on either side. `id` is bytes that JSON spells in hex. */
export const FieldType = {
  message: 0,
  string: 1,
  id: 2,
  bytes: 3,
  bool: 4,
  enum: 5,
  int32: 6,
  uint32: 7,
  sint32: 8,
  fixed32: 9,
  int64: 10,
  uint64: 11,
  fixed64: 12,
  sfixed64: 13,
  double: 14,
} as const
export type FieldTypeCode = (typeof FieldType)[keyof typeof FieldType]

/** Wire types of protobuf. */
export const WireType = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const

export interface FieldSchema {
  /** lowerCamelCase, as JSON has it. */
  readonly name: string
  /** The name in UTF-8 as it stands before a value: `"name":`. */
  readonly jsonKey: Uint8Array
  readonly number: number
  readonly type: FieldTypeCode
  /** Of one value. */
  readonly wireType: number
  /** Number and wire type as one varint; of packed fields that of the packed list. */
  readonly tag: number
  readonly repeated: boolean
  readonly packed: boolean
  /** Whether it is written even where it holds its default: `optional` fields and members of a oneof. */
  readonly explicit: boolean
  /** The other members of the oneof that it belongs to. */
  readonly rivals: readonly string[]
  /** Of messages: what it holds. */
  readonly message: MessageSchema | null
  /** Of enums: the names, in the order of their values. */
  readonly enumNames: readonly string[] | null
}

export interface MessageSchema {
  readonly name: MessageName
  /** By lowerCamelCase and by snake_case name. */
  readonly byName: Map<string, FieldSchema>
  /** By number; sparse. */
  readonly byNumber: (FieldSchema | undefined)[]
}

/** Type, `[]` or `?`, number, oneof: the spelling of messages.ts. */
const FIELD = /^(\w+)(\[\]|\?)? (\d+)(?: of (\w+))?$/

const schemas = buildSchemas()

export function messageSchema(name: MessageName): MessageSchema {
  return schemas.get(name)!
}

function buildSchemas(): Map<MessageName, MessageSchema> {
  const names = Object.keys(MESSAGES) as MessageName[]
  const built = new Map(
    names.map((name): [MessageName, MessageSchema] => [name, { name, byName: new Map(), byNumber: [] }]),
  )
  for (const [messageName, schema] of built) {
    const fields: Readonly<Record<string, string>> = MESSAGES[messageName]
    for (const [name, text] of Object.entries(fields)) {
      const field = parseField(name, text, fields, built)
      schema.byName.set(name, field)
      schema.byName.set(snakeCase(name), field)
      schema.byNumber[field.number] = field
    }
  }
  return built
}

function parseField(
  name: string,
  text: string,
  siblings: Readonly<Record<string, string>>,
  schemas: ReadonlyMap<string, MessageSchema>,
): FieldSchema {
  const [, typeName, modifier, number, oneof] = FIELD.exec(text)!
  const message = schemas.get(typeName!) ?? null
  const enumNames = ENUMS[typeName!] ?? null
  const type: FieldTypeCode =
    message !== null
      ? FieldType.message
      : enumNames !== null
        ? FieldType.enum
        : FieldType[typeName as keyof typeof FieldType]
  if (type === undefined) throw new Error(`${name} has the type ${typeName}, which is no message, enum or scalar`)
  const repeated = modifier === '[]'
  const packed = repeated && wireTypeOf(type) !== WireType.bytes
  return {
    name,
    jsonKey: new Uint8Array(Buffer.from(`"${name}":`)),
    number: Number(number),
    type,
    wireType: wireTypeOf(type),
    tag: (Number(number) << 3) | (packed ? WireType.bytes : wireTypeOf(type)),
    repeated,
    packed,
    explicit: modifier === '?' || oneof !== undefined,
    rivals:
      oneof === undefined
        ? []
        : Object.keys(siblings).filter((other) => other !== name && siblings[other]!.endsWith(` of ${oneof}`)),
    message,
    enumNames,
  }
}

export function wireTypeOf(type: FieldTypeCode): number {
  switch (type) {
    case FieldType.message:
    case FieldType.string:
    case FieldType.id:
    case FieldType.bytes:
      return WireType.bytes
    case FieldType.fixed32:
      return WireType.fixed32
    case FieldType.fixed64:
    case FieldType.sfixed64:
    case FieldType.double:
      return WireType.fixed64
    case FieldType.bool:
    case FieldType.enum:
    case FieldType.int32:
    case FieldType.uint32:
    case FieldType.sint32:
    case FieldType.int64:
    case FieldType.uint64:
      return WireType.varint
  }
}

/** `startTimeUnixNano` → `start_time_unix_nano`. */
export function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}
