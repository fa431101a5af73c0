import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { answersTo, type KnownEntry, type KnownExit } from '../../../processors/context-propagation/callee-match.ts'
import { ExitIndex } from '../../../processors/context-propagation/context-lost/exit-index.ts'

const service = fc.constantFrom('cart', 'cart-service', 'Cart', 'shop', 'orders')
const boundary = fc.constantFrom('http' as const, 'grpc' as const, 'messaging' as const, 'other' as const)
const name = fc.constantFrom('GET', '/shop.Cart/Get', 'Recv.shop.Cart.Get', 'shop.Cart/Get', 'orders send')

const anyExit = fc.record({
  service,
  name,
  boundary,
  peer: fc.constantFrom('', 'cart', 'cart.shop.svc.cluster.local', 'cartservice', '10.0.0.1', 'orders', 'cafe'),
  answeredBy: fc.uniqueArray(service, { maxLength: 2 }),
})
const anyEntry = fc.record({ service, name, boundary, destination: fc.constantFrom('', 'orders', 'cart') })

describe('the index of exits', () => {
  it('gives for every entry the exits that answersTo gives, each once', () => {
    fc.assert(
      fc.property(fc.array(anyExit, { maxLength: 30 }), anyEntry, (written, entrySpec) => {
        const index = new ExitIndex()
        const exits = written.map(({ answeredBy, ...rest }, i): KnownExit => {
          const exit = { ...rest, key: String(i), scope: '', total: 1, unanswered: 1, answeredBy: new Map() }
          index.add(exit)
          for (const by of answeredBy) {
            exit.answeredBy.set(by, 1)
            index.addAnswer(exit, by)
            index.addAnswer(exit, by)
          }
          return exit
        })
        const entry: KnownEntry = { ...entrySpec, key: 'e', scope: '', total: 1, roots: 1 }
        const expected = exits.filter((exit) => answersTo(exit, entry)).map(({ key }) => key)
        expect(index.callersOf(entry).map(({ key }) => key)).toEqual(expected.toSorted())
      }),
      { numRuns: 2000 },
    )
  })
})
