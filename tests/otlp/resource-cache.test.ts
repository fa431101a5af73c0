import { describe, expect, it } from '@jest/globals'
import { RefCache } from '../../otlp/resource-cache.ts'
import { traceRequest } from '../support/otlp-builder.ts'
import { scan } from '../support/scan.ts'

describe('resources and scopes that are cached', () => {
  it.each([
    ['a Buffer', (bytes: Uint8Array) => Buffer.from(bytes)],
    ['a Uint8Array', (bytes: Uint8Array) => Uint8Array.from(bytes)],
  ])('hold nothing of a request that came as %s, whose memory others get', (_, received) => {
    const refs = new RefCache()
    const bytes = received(traceRequest([{ service: 'cart', scope: { name: 'otelgrpc' }, spans: [{}] }]))
    const { resources, scopes } = scan(bytes, refs)
    const heads = [...resources, ...scopes].map(({ head }) => Buffer.from(head))
    bytes.fill(0xff)
    expect([...resources, ...scopes].map(({ head }) => Buffer.from(head))).toEqual(heads)
    expect([...resources, ...scopes].every(({ head }) => head.buffer !== bytes.buffer)).toBe(true)
  })
})
