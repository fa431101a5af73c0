import { describe, expect, it } from '@jest/globals'
import type protobuf from 'protobufjs'
import { ENUMS, MESSAGES, type MessageName } from '../../../otlp/json/messages.ts'
import { FieldType, messageSchema, snakeCase } from '../../../otlp/json/schema.ts'
import { enumsOfProto, messagesOfProto } from '../../support/otlp-oracle.ts'

const SIGNALS = /\.(common|resource|trace|metrics|logs)\./
const NOT_IN_REQUESTS = /Response$|PartialSuccess$/

describe('the message table of the JSON codec', () => {
  const ofProto = messagesOfProto().filter(
    ({ fullName, name }) => SIGNALS.test(fullName) && !NOT_IN_REQUESTS.test(name),
  )

  it('has every message of proto/ that a request can hold, and no other', () => {
    expect(ofProto.map((type) => type.name).sort()).toEqual(Object.keys(MESSAGES).sort())
  })

  it.each(ofProto.map((type) => [type.name, type] as const))('%s has the fields of proto/', (name, type) => {
    const ours = Object.values(messageSchema(name as MessageName).byNumber)
      .filter((field) => field !== undefined)
      .map((field) => ({
        name: field.name,
        number: field.number,
        type: field.message?.name ?? (field.enumNames === null ? scalarName(field.type) : 'enum'),
        repeated: field.repeated,
        explicit: field.explicit,
        rivals: [...field.rivals].sort(),
      }))
    expect(ours).toEqual(type.fieldsArray.sort((a, b) => a.id - b.id).map(asInProto))
  })

  it.each(Object.entries(ENUMS))('%s has the values of proto/', (name, values) => {
    const proto = enumsOfProto().find((candidate) => candidate.name === name)
    expect(Object.fromEntries(values.map((value, number) => [value, number]))).toEqual(proto?.values)
  })

  it('knows fields by both spellings', () => {
    expect(snakeCase('startTimeUnixNano')).toBe('start_time_unix_nano')
    const { byName } = messageSchema('Span')
    expect(byName.get('start_time_unix_nano')).toBe(byName.get('startTimeUnixNano'))
  })
})

function asInProto(field: protobuf.Field) {
  field.resolve()
  const resolved = field.resolvedType
  const isMessage = resolved !== null && 'fieldsArray' in resolved
  const isId = /^(trace|span|parentSpan)Id$/.test(field.name)
  return {
    name: field.name,
    number: field.id,
    type: isMessage ? resolved.name : resolved !== null ? 'enum' : isId ? 'id' : field.type,
    repeated: field.repeated,
    explicit: field.partOf !== null,
    rivals: (field.partOf?.fieldsArray ?? [])
      .map((member) => member.name)
      .filter((member) => member !== field.name)
      .sort(),
  }
}

function scalarName(code: number): string {
  return Object.entries(FieldType).find(([, value]) => value === code)![0]
}
