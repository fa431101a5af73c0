import { describe, expect, it } from '@jest/globals'
import {
  isGrpcContentType,
  parseGrpcTimeoutMs,
  percentEncode,
  statusTrailers,
} from '../../../receivers/otlp/grpc-headers.ts'
import { decodeMessage } from '../../support/otlp-oracle.ts'

describe('grpc-timeout', () => {
  it.each([
    [undefined, null],
    ['1H', 3_600_000],
    ['2M', 120_000],
    ['10S', 10_000],
    ['250m', 250],
    ['99999999u', 99_999.999],
    ['5000000n', 5],
    ['0S', 0],
    ['', Number.NaN],
    ['S', Number.NaN],
    ['10', Number.NaN],
    ['10s', Number.NaN],
    ['-1S', Number.NaN],
    ['1.5S', Number.NaN],
    ['123456789S', Number.NaN],
  ])('%s is %d ms', (header, expected) => {
    const ms = parseGrpcTimeoutMs(header)
    if (expected === null || Number.isNaN(expected)) expect(ms).toBe(expected)
    else expect(ms).toBeCloseTo(expected, 6)
  })
})

describe('the content type of gRPC', () => {
  it.each(['application/grpc', 'application/grpc+proto', 'Application/GRPC; charset=utf-8'])('is %s', (type) =>
    expect(isGrpcContentType(type)).toBe(true),
  )
  it.each([undefined, '', 'application/grpc+json', 'application/grpc-web', 'application/json'])('is not %s', (type) =>
    expect(isGrpcContentType(type)).toBe(false),
  )
})

describe('trailers of a failed call', () => {
  it('keep any text printable, and give it back', () => {
    const text = 'größer als 5 %\n\u{1F980}~'
    expect(percentEncode(text)).toMatch(/^[\x20-\x7e]+$/)
    expect(decodeURIComponent(percentEncode(text))).toBe(text)
  })

  it('carry RetryInfo where the sender is to wait', () => {
    const trailers = statusTrailers({ grpcCode: 8, message: 'full', retryAfterMs: 1500 })
    const details = Buffer.from(String(trailers['grpc-status-details-bin']), 'base64')
    expect(decodeMessage('google.rpc.Status', details)).toEqual({
      code: 8,
      message: 'full',
      details: [
        { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: { seconds: '1', nanos: 500_000_000 } },
      ],
    })
  })

  it('stay short, whatever the message', () => {
    const trailers = statusTrailers({ grpcCode: 3, message: 'é'.repeat(100_000), retryAfterMs: 1 })
    const size = Object.entries(trailers).reduce((sum, [name, value]) => sum + name.length + String(value).length, 0)
    expect(size).toBeLessThan(12_000)
  })
})
