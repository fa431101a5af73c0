import { describe, expect, it } from '@jest/globals'
import { operationKey } from '../../../otlp/operations.ts'
import {
  CallsOutOfSight,
  type UnseenCallee,
} from '../../../processors/context-propagation/partial-view/calls-out-of-sight.ts'
import { FLEET, fleetSpans, standingOf, watchFleet } from '../../support/fleet-of-services.ts'
import { TEST_START_MS } from '../../support/test-settings.ts'

const OTHER = 'other exit'
const TO_HTTP: UnseenCallee = { rpc: null, calls: 100 }
const TO_RPC: UnseenCallee = { rpc: 'shop.Orders/Place', calls: 100 }

interface Case {
  /** Orphans of the operation that is asked about, those around or after calls of the exit, and those of another operation around. */
  readonly orphans: number
  readonly amid?: number
  readonly after?: number
  readonly others?: number
  readonly callee: UnseenCallee | null
  readonly name?: string
}

function mayBeElsewhere({ orphans, amid = 0, after = 0, others = 0, callee, name = 'GET /stock' }: Case): boolean {
  const calls = new CallsOutOfSight(10)
  calls.addOrphans(operationKey('stock', name), orphans)
  calls.addOrphans(operationKey('prices', 'GET /prices'), others)
  const exits = ['exit', OTHER]
  calls.add({ service: 'stock', name, during: exits, before: [], count: amid })
  calls.add({ service: 'stock', name, during: [], before: exits, count: after })
  calls.add({ service: 'prices', name: 'GET /prices', during: exits, before: [], count: others })
  return calls.mayBeElsewhere('stock', name, (exit) => (exit === OTHER ? null : callee))
}

describe('what orphans miss may be in a service that is not seen', () => {
  it.each<[string, Case, boolean]>([
    ['it makes several calls for each', { orphans: 100, amid: 100, others: 100, callee: TO_HTTP }, true],
    ['it makes calls for some only', { orphans: 40, amid: 40, callee: TO_HTTP }, true],
    ['one call for each is what an intermediary makes', { orphans: 100, amid: 100, callee: TO_HTTP }, false],
    ['unless it is another RPC', { orphans: 100, amid: 100, callee: TO_RPC, name: 'shop.Stock/Get' }, true],
    ['the same RPC is passed on', { orphans: 40, amid: 40, callee: TO_RPC, name: 'shop.Orders/Place' }, false],
    ['each message has led to one', { orphans: 100, after: 100, callee: TO_HTTP }, true],
    ['most messages have led to none', { orphans: 40, after: 40, callee: TO_HTTP }, false],
    ['a third of the orphans was amid no such call', { orphans: 60, amid: 40, callee: TO_HTTP }, false],
    ['the callee is seen', { orphans: 40, amid: 40, callee: null }, false],
  ])('%s: %j %s', (_, of, expected) => {
    expect(mayBeElsewhere(of)).toBe(expected)
  })
})

/** All that `checkout` calls is called by others too, so that their callers are known. */
const SHARED = {
  ...FLEET,
  calls: [
    ...FLEET.calls,
    ...(['payment', 'inventory', 'shipping'] as const).map((to) => ({ from: 'cart', to, over: 'grpc' }) as const),
  ],
}

describe('a service that sends elsewhere, of callees that others call too', () => {
  it.each(['checkout', 'shipping'])('leaves nothing that is called broken: %s', async (hidden) => {
    const spans = fleetSpans(SHARED).filter(({ service }) => service !== hidden)
    expect(standingOf(await watchFleet(spans), 'CTX')).toEqual([])
  })

  it('is told from one that loses spans', async () => {
    const spans = fleetSpans(SHARED).filter(
      ({ service, span }, i) => service !== 'checkout' || span.kind !== 'client' || i % 4 > 0,
    )
    const found = standingOf(await watchFleet(spans), 'CTX')
    expect(found).toEqual(
      ['inventory', 'payment', 'shipping'].map((to) => expect.stringMatching(`^CTX-001 \\w+ ${to}$`)),
    )
  })

  it('is told from one that lost all for a while, beside calls to the world outside', async () => {
    const charges = fleetSpans(SHARED).filter(({ service, span }) => service === 'payment' && span.kind === 'server')
    const toTheBank = charges.map(({ span, ...sent }) => {
      const attributes = { 'server.address': 'bank.example' }
      const spanId = span.spanId.split('').reverse().join('')
      return {
        ...sent,
        span: { ...span, name: 'POST', kind: 'client' as const, spanId, parentId: span.spanId, attributes },
      }
    })
    const fromMs = TEST_START_MS + 42_000
    const watched = await watchFleet([...fleetSpans(SHARED), ...toTheBank], {
      arrives: ({ service, endMs }) => service !== 'checkout' || endMs < fromMs || endMs > fromMs + 12_000,
    })
    expect(standingOf(watched, 'CTX')).toEqual(
      ['inventory', 'payment', 'shipping'].map((to) => expect.stringMatching(`^CTX-001 \\w+ ${to}$`)),
    )
  })
})
