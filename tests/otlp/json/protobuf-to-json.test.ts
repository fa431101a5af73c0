import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { jsonToProtobuf } from '../../../otlp/json/json-to-protobuf.ts'
import { messageToJson, protobufToJson } from '../../../otlp/json/protobuf-to-json.ts'
import { Malformed } from '../../../otlp/malformed.ts'
import { arbitraryRequest } from '../../support/otlp-arbitraries.ts'
import { traceRequest } from '../../support/otlp-builder.ts'
import { decodeRequest, encodeMessage, encodeRequest } from '../../support/otlp-oracle.ts'
import { noisy, Random } from '../../support/wire-noise.ts'

const SIGNALS = ['traces', 'metrics', 'logs'] as const
const REQUESTS = {
  traces: 'opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest',
  metrics: 'opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceRequest',
  logs: 'opentelemetry.proto.collector.logs.v1.ExportLogsServiceRequest',
} as const

describe('protobuf to OTLP/JSON', () => {
  it.each(SIGNALS)(
    'says what protobufjs says of every %s request, in unusual orders too, and can be read back',
    (signal) => {
      fc.assert(
        fc.property(arbitraryRequest(signal), fc.nat(), (request, seed) => {
          const bytes = encodeRequest(signal, request)
          const json = protobufToJson(signal, bytes)
          expect(parsed(json)).toEqual(request)
          const again = jsonToProtobuf(signal, json as Buffer) as Uint8Array
          expect(parsed(protobufToJson(signal, again))).toEqual(request)
          const unusual = noisy(REQUESTS[signal], bytes, new Random(seed))
          expect(parsed(protobufToJson(signal, unusual))).toEqual(decodeRequest(signal, unusual))
        }),
      )
    },
  )

  it('takes fields that come in pieces: messages merge, lists go on, of others the last counts', () => {
    const span = (json: object) => Buffer.from(encodeMessage('opentelemetry.proto.trace.v1.Span', { ...json }))
    const bytes = Buffer.concat([
      span({ name: 'a', status: { message: 'm' }, events: [{ name: 'e' }] }),
      span({ name: 'b', status: { code: 2 }, events: [{ name: 'f' }] }),
    ])
    expect(parsed(messageToJson('Span', bytes))).toEqual({
      name: 'b',
      status: { message: 'm', code: 2 },
      events: [{ name: 'e' }, { name: 'f' }],
    })
  })

  it('keeps the last member of a oneof only', () => {
    const value = (json: object) => Buffer.from(encodeMessage('opentelemetry.proto.common.v1.AnyValue', { ...json }))
    const bytes = Buffer.concat([value({ stringValue: 'a' }), value({ intValue: '1' })])
    expect(parsed(messageToJson('AnyValue', bytes))).toEqual({ intValue: '1' })
    const thrice = Buffer.concat([value({ arrayValue: { values: [{ boolValue: true }] } }), bytes])
    const list = Buffer.concat([thrice, value({ arrayValue: { values: [{ boolValue: false }] } })])
    expect(parsed(messageToJson('AnyValue', list))).toEqual({ arrayValue: { values: [{ boolValue: false }] } })
  })

  it('reads a member of a oneof that another follows, to see whether it is whole', () => {
    // kvlist_value with a KeyValue that is longer than it, then string_value.
    const bytes = Buffer.from('32020a05' + '0a0161', 'hex')
    expect((messageToJson('AnyValue', bytes) as Malformed).message).toMatch(/kvlistValue at byte 3: a length of 5/)
  })

  it.each([
    ['plain', 'GET /api'],
    ['quotes and backslashes', 'a "b" \\c\\'],
    ['control characters', '\u0000\n\t\u001f\u007f'],
    ['other scripts', 'Grüße 東京 🚀'],
  ])('writes strings with %s', (_, name) => {
    const bytes = encodeMessage('opentelemetry.proto.trace.v1.Span', { name })
    expect(parsed(messageToJson('Span', bytes))).toEqual({ name })
  })

  it('writes U+FFFD for what is no UTF-8', () => {
    expect(parsed(messageToJson('Span', Buffer.from('2a03' + '61ff62', 'hex')))).toEqual({ name: 'a\ufffdb' })
  })

  it.each([0, -0, 1, -1, 0.1, 1e21, -1e-7, Number.MAX_VALUE, Number.NaN, Number.POSITIVE_INFINITY])(
    'writes the double %d',
    (doubleValue) => {
      const bytes = encodeMessage('opentelemetry.proto.common.v1.AnyValue', { doubleValue })
      const isNumber = Number.isFinite(doubleValue)
      expect(parsed(messageToJson('AnyValue', bytes))).toEqual({
        doubleValue: isNumber ? doubleValue : `${doubleValue}`,
      })
    },
  )

  it('leaves out what has no name', () => {
    const unknown = Buffer.from('9b06' + '0801' + '9c06' + 'a20602ffff', 'hex')
    expect(parsed(messageToJson('Span', Buffer.concat([unknown, Buffer.from('2a0161', 'hex'), unknown])))).toEqual({
      name: 'a',
    })
  })

  it('says where the bytes are broken', () => {
    const bytes = traceRequest([{ service: 'a', spans: [{ attributes: { key: 'value' } }] }])
    const cut = bytes.slice()
    cut[bytes.length - 6] = 0x7f
    expect((protobufToJson('traces', cut) as Malformed).message).toMatch(
      /^malformed ExportTraceServiceRequest\.resourceSpans\.scopeSpans\.spans\.attributes\.value at byte \d+: a length of 127 runs past/,
    )
  })

  it('follows nesting to a limit', () => {
    const nested = (levels: number) => {
      let value: Uint8Array = new Uint8Array(0)
      // AnyValue.array_value (5) → ArrayValue.values (1)
      for (let i = 0; i < levels; i++) value = lengthDelimited(0x2a, lengthDelimited(0x0a, value))
      return messageToJson('AnyValue', value)
    }
    expect(nested(49)).not.toBeInstanceOf(Malformed)
    expect((nested(500) as Malformed).problem).toBe('messages nest deeper than 100')
  })

  it('has no JSON form of profiles', () => {
    expect((protobufToJson('profiles', new Uint8Array(0)) as Malformed).problem).toMatch(/no JSON form/)
  })

  it('survives any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.constantFrom(...SIGNALS), (bytes, signal) => {
        const outcome = protobufToJson(signal, bytes)
        if (outcome instanceof Buffer) JSON.parse(outcome.toString())
        else expect(outcome).toBeInstanceOf(Malformed)
      }),
      { numRuns: 2000 },
    )
  })

  it('survives any mutation of a request', () => {
    const bytes = traceRequest([{ service: 'a', spans: [{ attributes: { list: ['a', 1n, { k: true }] } }] }])
    const mutation = fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 })
    fc.assert(
      fc.property(mutation, (changes) => {
        const mutated = bytes.slice()
        for (const [at, value] of changes) mutated[at] = value
        const json = protobufToJson('traces', mutated)
        if (json instanceof Buffer) expect(jsonToProtobuf('traces', json)).toBeInstanceOf(Uint8Array)
      }),
      { numRuns: 3000 },
    )
  })
})

function parsed(json: Buffer | Malformed): unknown {
  if (json instanceof Malformed) throw new Error(json.message)
  return JSON.parse(json.toString('utf8'))
}

function lengthDelimited(tag: number, content: Uint8Array): Uint8Array {
  const length: number[] = []
  let rest = content.length
  for (; rest > 0x7f; rest >>>= 7) length.push((rest & 0x7f) | 0x80)
  return Buffer.concat([Buffer.from([tag, ...length, rest]), content])
}
