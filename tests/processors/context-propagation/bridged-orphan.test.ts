import { describe, expect, it } from '@jest/globals'
import { TracesBatch } from '../../../component/batch.ts'
import { Operations } from '../../../otlp/operations.ts'
import { Parent, TraceState } from '../../../otlp/trace-index.ts'
import { CallFacts } from '../../../processors/context-propagation/call-facts.ts'
import { callOfOrphan } from '../../../processors/context-propagation/orphan-span/bridged-orphan.ts'
import type { SpanSpec } from '../../support/otlp-builder.ts'
import { tracesBatch } from '../../support/scan.ts'

const CALL = 0
const ORPHAN = 1

/** The call of `edge` that an orphaned entry of `cart-service` is taken to answer. */
function callOf(call: SpanSpec, entry: SpanSpec = { name: 'GET /items' }) {
  const { table } = tracesBatch([
    { service: 'edge', spans: [{ kind: 'client', traceId: 1, spanId: 1, ...call }] },
    { service: 'cart-service', spans: [{ kind: 'server', traceId: 1, spanId: 2, parentId: 9, ...entry }] },
  ])
  const facts = new CallFacts(new Operations())
  facts.read(
    new TracesBatch(table, {
      traceCount: 1,
      firstRow: Uint32Array.of(0, 2),
      parentRow: Int32Array.of(Parent.none, Parent.missing),
      state: Uint8Array.of(TraceState.incomplete),
    }),
  )
  return callOfOrphan(facts, ORPHAN, 0, 2, 0)
}

describe('the call that an orphaned entry answers', () => {
  it.each<[string, Record<string, string>]>([
    ['names its service', { 'peer.service': 'cart' }],
    ['names its host', { 'server.address': 'cart.shop.svc' }],
    ['names its host and port', { 'net.peer.name': 'cart-service:8080' }],
    ['names a load balancer and its service', { 'peer.service': 'lb', 'server.address': 'cart' }],
    ['has its host in the URL', { 'url.full': 'http://cart:8080/items?of=cart' }],
    ['has its host in the URL, by the old name', { 'http.url': 'http://cart/items' }],
  ])('%s', (_, attributes) => {
    expect(callOf({ name: 'GET', attributes })).toBe(CALL)
  })

  it('is for the same RPC', () => {
    expect(callOf({ name: 'shop.Cart/Get' }, { name: '/shop.Cart/Get' })).toBe(CALL)
  })

  it.each<[string, Record<string, string>]>([
    ['nobody', {}],
    ['another service', { 'server.address': 'bank.example' }],
    ['another service in its URL', { 'http.url': 'http://bank.example/cart' }],
  ])('is none that names %s', (_, attributes) => {
    expect(callOf({ name: 'GET', attributes })).toBe(-1)
  })
})
