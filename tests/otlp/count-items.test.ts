import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { countItems } from '../../otlp/count-items.ts'
import { Malformed } from '../../otlp/malformed.ts'
import { arbitraryRequest } from '../support/otlp-arbitraries.ts'
import { metricsRequest, traceRequest } from '../support/otlp-builder.ts'
import { countItemsByOracle, encodeRequest } from '../support/otlp-oracle.ts'

const SIGNALS = ['traces', 'metrics', 'logs'] as const

describe('counting the items of a request', () => {
  it.each(SIGNALS)('finds as many as protobufjs in every %s request', (signal) => {
    fc.assert(
      fc.property(arbitraryRequest(signal), (request) => {
        const bytes = encodeRequest(signal, request)
        expect(countItems(signal, bytes)).toBe(countItemsByOracle(signal, bytes))
      }),
    )
  })

  it('counts profiles, which are opaque otherwise', () => {
    const profiles = Buffer.from('1206' + '1201ff' + '1201ff', 'hex')
    const bytes = encodeRequest('profiles', { resourceProfiles: [profiles.toString('base64')], dictionary: 'AAAA' })
    expect(countItems('profiles', bytes)).toBe(2)
  })

  it('steps over unknown fields and groups', () => {
    const request = traceRequest([{ service: 'a', spans: [{}, {}] }])
    const unknown = Buffer.from(
      '9b06' + '0801' + '9b0610019c06' + '9c06' + 'a006ffffffffffffffffff01' + 'ad0600000000',
      'hex',
    )
    expect(countItems('traces', Buffer.concat([unknown, request, unknown]))).toBe(2)
  })

  it('finds none in an empty request', () => {
    for (const signal of [...SIGNALS, 'profiles'] as const) expect(countItems(signal, new Uint8Array(0))).toBe(0)
  })

  it.each([
    ['a length beyond the end', 'traces', '0a05' + '1203', 'ExportTraceServiceRequest', 1],
    [
      'a length beyond the message around it',
      'traces',
      '0a02' + '1203' + '000000',
      'ExportTraceServiceRequest.resource_spans',
      3,
    ],
    [
      'a span that breaks off',
      'traces',
      '0a04' + '1202' + '1207',
      'ExportTraceServiceRequest.resource_spans.scope_spans',
      5,
    ],
    [
      'a data point that breaks off',
      'metrics',
      '0a08' + '1206' + '1204' + '3a02' + '0a09',
      'ExportMetricsServiceRequest.resource_metrics.scope_metrics.metrics.data',
      9,
    ],
    ['a field number 0', 'logs', '0000', 'ExportLogsServiceRequest', 0],
    ['a number without end', 'logs', '10ffffffffffffffffffffff', 'ExportLogsServiceRequest', 1],
  ] as const)('says where %s is', (_what, signal, hex, path, byteOffset) => {
    const outcome = countItems(signal, Buffer.from(hex, 'hex'))
    expect(outcome).toBeInstanceOf(Malformed)
    expect(outcome).toMatchObject({ path, byteOffset })
    expect((outcome as Malformed).message).toContain(`malformed ${path} at byte ${byteOffset}: `)
  })

  it('takes no truncation for a whole request, unless a field ends there', () => {
    const bytes = metricsRequest([
      { service: 'a', metrics: [{ name: 'm', sum: { dataPoints: [{ asInt: '1' }, { asDouble: 2 }] } }] },
    ])
    for (let length = 1; length < bytes.length; length++)
      expect(countItems('metrics', bytes.subarray(0, length))).toBeInstanceOf(Malformed)
  })

  it('survives any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.constantFrom(...SIGNALS), (bytes, signal) => {
        const outcome = countItems(signal, bytes)
        expect(outcome instanceof Malformed ? outcome.byteOffset <= bytes.length : outcome >= 0).toBe(true)
      }),
      { numRuns: 2000 },
    )
  })
})
