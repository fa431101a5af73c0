import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { signalOf } from '../../../receivers/file/told-signal.ts'
import { arbitraryLogRecord, arbitraryMetric, arbitrarySpan } from '../../support/otlp-arbitraries.ts'
import { logsRequest, metricsRequest, traceRequest } from '../../support/otlp-builder.ts'
import { encodeRequest, type OtlpJson } from '../../support/otlp-oracle.ts'

describe('telling the signal of a request in protobuf', () => {
  it('knows spans by a time', () => {
    fc.assert(
      fc.property(arbitrarySpan, (span) => {
        expect(signalOf(spans({ ...span, startTimeUnixNano: '1' }))).toBe('traces')
      }),
    )
  })

  it('knows log records by a time', () => {
    fc.assert(
      fc.property(arbitraryLogRecord, (record) => {
        const bytes = logsRequest([{ service: 'a', logs: [{ ...record, observedTimeUnixNano: '1' }] }])
        expect(signalOf(bytes)).toBe('logs')
      }),
    )
  })

  it('knows metrics by name and data', () => {
    const metric = arbitraryMetric
      .map((fields): OtlpJson => fields)
      .filter((fields) =>
        ['gauge', 'sum', 'histogram', 'exponentialHistogram', 'summary'].some((kind) => kind in fields),
      )
    fc.assert(
      fc.property(metric, fc.constantFrom('m', 'go.memory.limits'), (fields, name) => {
        const bytes = metricsRequest([{ service: 'a', metrics: [{ ...fields, name }] }])
        // A name of 16 bytes with a description of 8 looks like the ids of a span: rather undecided than wrong.
        const looksLikeIds = name.length === 16 && Buffer.byteLength((fields.description as string) ?? '') === 8
        expect(signalOf(bytes)).toBe(looksLikeIds ? 'undecided' : 'metrics')
      }),
    )
  })

  it.each<[what: string, bytes: Uint8Array, signal: string]>([
    ['an empty request', new Uint8Array(0), 'undecided'],
    ['a resource without items', traceRequest([{ service: 'a', spans: [] }]), 'undecided'],
    [
      'a span of ids and attributes only',
      spans({ traceId: '01'.repeat(16), spanId: '02'.repeat(8), attributes: [{}] }),
      'undecided',
    ],
    [
      'an undecided item before one that decides',
      Buffer.concat([spans({ name: 'a' }), spans({ endTimeUnixNano: '1' })]),
      'traces',
    ],
    [
      'a log record without times, whose body is where a gauge would be',
      logsRequest([{ service: 'a', logs: [{ body: { stringValue: 'x' } }] }]),
      'undecided',
    ],
    ['bytes that are no request', Buffer.from('hello world'), 'malformed'],
  ])('says of %s: %s', (_what, bytes, signal) => {
    expect(signalOf(bytes)).toBe(signal)
  })
})

function spans(span: OtlpJson): Uint8Array {
  return encodeRequest('traces', { resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] })
}
