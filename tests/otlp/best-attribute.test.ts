import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { internAttribute } from '../../otlp/attributes.ts'
import { attributeChoice, internBestAttribute } from '../../otlp/best-attribute.ts'
import { ByteInterner } from '../../otlp/byte-interner.ts'
import { tracesBatch } from '../support/scan.ts'

const choice = attributeChoice('messaging.destination', 'peer.service', 'server.address', 'http.host')
const names = [...choice.keys.map(({ name }) => name), 'rpc.method', 'service.peer', 'a'.repeat(200)]
const value = fc.oneof(fc.string(), fc.constant('long '.repeat(60)), fc.integer())

describe('internBestAttribute', () => {
  it('gives what looking up one key after the other gives', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...names), value), (attributes) => {
        const { table } = tracesBatch([{ service: 'a', spans: [{ attributes }] }])
        const interner = new ByteInterner()
        const id = internBestAttribute(table, 0, choice, interner)
        const ids = choice.keys.map((key) => internAttribute(table, 0, key, interner))
        expect(id).toBe(ids.find((one) => one !== -1) ?? -1)
      }),
    )
  })
})
