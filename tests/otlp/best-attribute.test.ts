import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { internAttribute } from '../../otlp/attributes.ts'
import { attributeChoice, BestAttribute } from '../../otlp/best-attribute.ts'
import { ByteInterner } from '../../otlp/byte-interner.ts'
import { tracesBatch } from '../support/scan.ts'

const choice = attributeChoice('messaging.destination', 'peer.service', 'server.address', 'http.host')
const names = [...choice.keys.map(({ name }) => name), 'rpc.method', 'service.peer', 'a'.repeat(200)]
const value = fc.oneof(fc.string(), fc.constantFrom('cart', 'mail', 'long '.repeat(60)), fc.integer())
const attributes = fc.dictionary(fc.constantFrom(...names), value)

describe('BestAttribute', () => {
  it('gives what looking up one key after the other gives, whatever spans of the operation came before', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(attributes, fc.string(), fc.nat(600))), (spans) => {
        const { table } = tracesBatch([
          { service: 'a', spans: spans.map(([attributes, name]) => ({ attributes, name })) },
        ])
        const interner = new ByteInterner()
        const best = new BestAttribute(choice, interner)
        spans.forEach(([, , operation], row) => {
          // Half of the spans are of one operation.
          const id = best.idOf(table, row, operation % 2 === 0 ? 0 : operation)
          const ids = choice.keys.map((key) => internAttribute(table, row, key, interner))
          expect(id).toBe(ids.find((one) => one !== -1) ?? -1)
        })
      }),
    )
  })

  it.each<[string, Record<string, string | number>]>([
    ['the same again', { 'rpc.method': 'Get', 'server.address': 'cart' }],
    ['another text of the same length', { 'rpc.method': 'Get', 'server.address': 'mail' }],
    ['a longer text', { 'rpc.method': 'Get', 'server.address': 'checkout' }],
    ['another place', { 'rpc.method': 'Reserve', 'server.address': 'cart' }],
    ['a better key', { 'rpc.method': 'Get', 'server.address': 'cart', 'peer.service': 'mail' }],
    ['a number', { 'rpc.method': 'Get', 'server.address': 5 }],
    ['nothing', { 'rpc.method': 'Get' }],
  ])('reads %s after a span of the same operation', (_, attributes) => {
    const before = { 'rpc.method': 'Get', 'server.address': 'cart' }
    const { table } = tracesBatch([{ service: 'a', spans: [before, attributes].map((all) => ({ attributes: all })) }])
    const interner = new ByteInterner()
    const best = new BestAttribute(choice, interner)
    best.idOf(table, 0, 7)
    const id = best.idOf(table, 1, 7)
    const text = attributes['peer.service'] ?? attributes['server.address']
    expect(id === -1 ? undefined : interner.text(id)).toBe(typeof text === 'string' ? text : undefined)
  })
})
