import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { jsonToProtobuf } from '../../../otlp/json/json-to-protobuf.ts'
import { MalformedJson } from '../../../otlp/json/malformed-json.ts'
import { snakeCase } from '../../../otlp/json/schema.ts'
import { arbitraryRequest } from '../../support/otlp-arbitraries.ts'
import { decodeRequest, type OtlpJson } from '../../support/otlp-oracle.ts'

const SIGNALS = ['traces', 'metrics', 'logs'] as const

describe('OTLP/JSON to protobuf', () => {
  it.each(SIGNALS)('says what protobufjs says of every %s request', (signal) => {
    fc.assert(
      fc.property(arbitraryRequest(signal), (request) => {
        expect(decodeRequest(signal, converted(signal, JSON.stringify(request)))).toEqual(request)
      }),
    )
  })

  it('takes text, its bytes or parsed JSON', () => {
    const request = { resourceSpans: [{ schemaUrl: 'https://ünïcode' }] }
    const bytes = converted('traces', JSON.stringify(request))
    expect(converted('traces', Buffer.from(JSON.stringify(request)))).toEqual(bytes)
    expect(converted('traces', request)).toEqual(bytes)
    expect(decodeRequest('traces', bytes)).toEqual(request)
  })

  it('takes field names in snake_case', () => {
    fc.assert(
      fc.property(arbitraryRequest('metrics'), (request) => {
        const snake = renamed(request, snakeCase)
        expect(decodeRequest('metrics', converted('metrics', JSON.stringify(snake)))).toEqual(request)
      }),
      { numRuns: 30 },
    )
  })

  it.each<[what: string, span: string, expected: OtlpJson]>([
    [
      'a 64-bit number as a string',
      '{"startTimeUnixNano":"1767225600123456789"}',
      { startTimeUnixNano: '1767225600123456789' },
    ],
    [
      'as a number with all its digits',
      '{"startTimeUnixNano":1767225600123456789}',
      { startTimeUnixNano: '1767225600123456789' },
    ],
    ['the largest', '{"startTimeUnixNano":18446744073709551615}', { startTimeUnixNano: '18446744073709551615' }],
    ['a whole number written with an exponent', '{"startTimeUnixNano":"1e3"}', { startTimeUnixNano: '1000' }],
    ['a 32-bit number as a string', '{"flags":"257"}', { flags: 257 }],
    ['an enum as a number', '{"kind":3}', { kind: 3 }],
    ['an enum by its name', '{"kind":"SPAN_KIND_CLIENT"}', { kind: 3 }],
    ['an enum value from the future', '{"kind":99}', { kind: 99 }],
    [
      'ids in capitals',
      '{"traceId":"0123456789ABCDEF0123456789abcdef"}',
      { traceId: '0123456789abcdef0123456789abcdef' },
    ],
    ['an empty id as none', '{"parentSpanId":""}', {}],
    ['null as the default', '{"name":null,"kind":null,"attributes":null,"status":null}', {}],
    [
      'unknown fields as nothing',
      '{"name":"a","future":{"x":[1]},"__proto__":{"kind":1},"toString":"x"}',
      { name: 'a' },
    ],
    ['defaults as absent', '{"name":"","kind":0,"flags":0,"droppedLinksCount":0,"events":[]}', {}],
    ['escapes and lone surrogates', '{"name":"\\u00e9\\ud834\\udd1e\\n\\ud800"}', { name: 'é𝄞\n\ufffd' }],
  ])('reads %s', (_what, span, expected) => {
    const bytes = converted('traces', `{"resourceSpans":[{"scopeSpans":[{"spans":[${span}]}]}]}`)
    expect(decodeRequest('traces', bytes)).toEqual({ resourceSpans: [{ scopeSpans: [{ spans: [expected] }] }] })
  })

  it.each<[value: string, expected: OtlpJson]>([
    ['{"stringValue":""}', { stringValue: '' }],
    ['{"boolValue":false}', { boolValue: false }],
    ['{"intValue":0}', { intValue: '0' }],
    ['{"intValue":"-9223372036854775808"}', { intValue: '-9223372036854775808' }],
    ['{"intValue":-9223372036854775807}', { intValue: '-9223372036854775807' }],
    ['{"intValue":9007199254740993}', { intValue: '9007199254740993' }],
    ['{"doubleValue":"NaN"}', { doubleValue: 'NaN' }],
    ['{"doubleValue":"-Infinity"}', { doubleValue: '-Infinity' }],
    ['{"doubleValue":"1.5"}', { doubleValue: 1.5 }],
    ['{"doubleValue":9007199254740993}', { doubleValue: 9007199254740992 }],
    ['{"bytesValue":"-_8="}', { bytesValue: '+/8=' }],
    ['{"arrayValue":{"values":[{"intValue":1},null,{}]}}', { arrayValue: { values: [{ intValue: '1' }, {}, {}] } }],
    ['{}', {}],
  ])('reads the value %s', (value, expected) => {
    const bytes = converted('logs', `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":${value}}]}]}]}`)
    expect(decodeRequest('logs', bytes)).toEqual({
      resourceLogs: [{ scopeLogs: [{ logRecords: [{ body: expected }] }] }],
    })
  })

  it.each([
    ['{"traceId":"xyz"}', 'traceId: got "xyz"; write an even number of hex digits'],
    ['{"spanId":7}', 'spanId: got 7; write a string of hex digits'],
    ['{"kind":"SERVER"}', 'kind: got "SERVER"; write a number from 0 to 5, such as 1 for SPAN_KIND_INTERNAL'],
    ['{"startTimeUnixNano":"12:30"}', 'startTimeUnixNano: got "12:30"; write a whole number of 64 bits in decimal'],
    [
      '{"startTimeUnixNano":"18446744073709551616"}',
      'startTimeUnixNano: got "18446744073709551616"; write a whole number of 64 bits in decimal',
    ],
    ['{"startTimeUnixNano":-1}', 'startTimeUnixNano: got -1; write a number that is not negative'],
    [
      '{"startTimeUnixNano":1.5}',
      'startTimeUnixNano: got 1.5; write a whole number of 64 bits, best as a string of digits',
    ],
    ['{"flags":4294967296}', 'flags: got 4294967296; write a whole number from 0 to 4294967295'],
    ['{"name":{}}', 'name: got {}; write a string'],
    ['{"attributes":{}}', 'attributes: got {}; write a list'],
    ['{"attributes":[1]}', 'attributes[0]: got 1; write an object with the fields of KeyValue'],
    ['{"attributes":[{},{"value":{"boolValue":1}}]}', 'attributes[1].value.boolValue: got 1; write true or false'],
    [
      '{"attributes":[{"value":{"bytesValue":"*"}}]}',
      'attributes[0].value.bytesValue: got "*"; write a string of base64',
    ],
    [
      '{"attributes":[{"value":{"doubleValue":"1,5"}}]}',
      'attributes[0].value.doubleValue: got "1,5"; write a number, or "NaN", "Infinity" or "-Infinity"',
    ],
    ['{"status":[]}', 'status: got []; write an object with the fields of Status'],
  ])('refuses %s and says where and what to write instead', (span, message) => {
    const outcome = jsonToProtobuf('traces', `{"resourceSpans":[{"scopeSpans":[{"spans":[{},${span}]}]}]}`)
    expect(outcome).toBeInstanceOf(MalformedJson)
    expect((outcome as MalformedJson).message).toBe(`resourceSpans[0].scopeSpans[0].spans[1].${message}`)
  })

  it.each([
    ['', /^not valid JSON: Unexpected end of JSON input$/],
    ['{"resourceSpans":[}', /^not valid JSON: Unexpected token '}'/],
    ['[]', /^got \[\]; write an object with the fields of ExportTraceServiceRequest$/],
    ['null', /^got null; write an object/],
  ])('refuses the text %j', (text, message) => {
    expect((jsonToProtobuf('traces', text) as MalformedJson).message).toMatch(message)
  })

  it('follows nesting to a limit', () => {
    const nested = (levels: number) => {
      const value = `${'{"arrayValue":{"values":['.repeat(levels)}{}${']}}'.repeat(levels)}`
      return jsonToProtobuf('logs', `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":${value}}]}]}]}`)
    }
    expect(nested(45)).toBeInstanceOf(Uint8Array)
    expect((nested(100_000) as MalformedJson).message).toMatch(
      /^resourceLogs\[0\]\.scopeLogs\[0\]\.\S{1,200}: got .*; write at most 100 levels of nesting$/,
    )
  })

  it('has no JSON form of profiles', () => {
    expect((jsonToProtobuf('profiles', '{}') as MalformedJson).message).toMatch(/send them as protobuf/)
  })

  it('survives any JSON', () => {
    const json = fc.letrec((tie) => ({
      tree: fc.oneof(
        { depthSize: 'small' },
        fc.oneof(fc.string(), fc.double(), fc.boolean(), fc.constant(null), fc.integer()),
        fc.array(tie('tree'), { maxLength: 3 }),
        fc.dictionary(
          fc.constantFrom('resourceSpans', 'scopeSpans', 'spans', 'kind', 'value', 'attributes'),
          tie('tree'),
        ),
      ),
    })).tree
    fc.assert(
      fc.property(json, (value) => {
        const outcome = jsonToProtobuf('traces', JSON.stringify(value))
        if (outcome instanceof Uint8Array) decodeRequest('traces', outcome)
        else expect(outcome.message).not.toBe('')
      }),
      { numRuns: 300 },
    )
  })
})

function converted(signal: (typeof SIGNALS)[number], input: string | Uint8Array | object): Uint8Array {
  const outcome = jsonToProtobuf(signal, input)
  if (outcome instanceof MalformedJson) throw new Error(outcome.message)
  return outcome
}

function renamed(value: unknown, rename: (key: string) => string): unknown {
  if (Array.isArray(value)) return value.map((item) => renamed(item, rename))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [rename(key), renamed(item, rename)]))
}
