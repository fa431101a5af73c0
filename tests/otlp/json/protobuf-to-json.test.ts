import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { jsonToProtobuf } from '../../../otlp/json/json-to-protobuf.ts'
import { messageToJson, protobufToJson, protobufToJsonText } from '../../../otlp/json/protobuf-to-json.ts'
import { Malformed } from '../../../otlp/malformed.ts'
import { arbitraryRequest } from '../../support/otlp-arbitraries.ts'
import { traceRequest } from '../../support/otlp-builder.ts'
import { encodeMessage, encodeRequest } from '../../support/otlp-oracle.ts'

const SIGNALS = ['traces', 'metrics', 'logs'] as const

describe('protobuf to OTLP/JSON', () => {
  it.each(SIGNALS)('says what protobufjs says of every %s request', (signal) => {
    fc.assert(
      fc.property(arbitraryRequest(signal), (request) => {
        expect(protobufToJson(signal, encodeRequest(signal, request))).toEqual(request)
      }),
    )
  })

  it.each(SIGNALS)('gives text of which a %s request can be made again', (signal) => {
    fc.assert(
      fc.property(arbitraryRequest(signal), (request) => {
        const bytes = encodeRequest(signal, request)
        const again = jsonToProtobuf(signal, protobufToJsonText(signal, bytes) as string)
        expect(protobufToJson(signal, again as Uint8Array)).toEqual(request)
      }),
      { numRuns: 50 },
    )
  })

  it('takes fields that come in pieces: messages merge, lists go on, of others the last counts', () => {
    const span = (json: object) => Buffer.from(encodeMessage('opentelemetry.proto.trace.v1.Span', { ...json }))
    const bytes = Buffer.concat([
      span({ name: 'a', status: { message: 'm' }, events: [{ name: 'e' }] }),
      span({ name: 'b', status: { code: 2 }, events: [{ name: 'f' }] }),
    ])
    expect(messageToJson('Span', bytes)).toEqual({
      name: 'b',
      status: { message: 'm', code: 2 },
      events: [{ name: 'e' }, { name: 'f' }],
    })
  })

  it('keeps the last member of a oneof only', () => {
    const value = (json: object) => Buffer.from(encodeMessage('opentelemetry.proto.common.v1.AnyValue', { ...json }))
    const bytes = Buffer.concat([value({ stringValue: 'a' }), value({ intValue: '1' })])
    expect(messageToJson('AnyValue', bytes)).toEqual({ intValue: '1' })
  })

  it('leaves out what has no name', () => {
    const unknown = Buffer.from('9b06' + '0801' + '9c06' + 'a20602ffff', 'hex')
    expect(messageToJson('Span', Buffer.concat([unknown, Buffer.from('2a0161', 'hex'), unknown]))).toEqual({
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
    expect((nested(5000) as Malformed).problem).toBe('messages nest deeper than 100')
  })

  it('has no JSON form of profiles', () => {
    expect((protobufToJson('profiles', new Uint8Array(0)) as Malformed).problem).toMatch(/no JSON form/)
  })

  it('survives any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.constantFrom(...SIGNALS), (bytes, signal) => {
        const outcome = protobufToJsonText(signal, bytes)
        if (typeof outcome === 'string') JSON.parse(outcome)
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
        const json = protobufToJsonText('traces', mutated)
        if (typeof json === 'string') expect(jsonToProtobuf('traces', json)).toBeInstanceOf(Uint8Array)
      }),
      { numRuns: 3000 },
    )
  })
})

function lengthDelimited(tag: number, content: Uint8Array): Uint8Array {
  const length: number[] = []
  let rest = content.length
  for (; rest > 0x7f; rest >>>= 7) length.push((rest & 0x7f) | 0x80)
  return Buffer.concat([Buffer.from([tag, ...length, rest]), content])
}
