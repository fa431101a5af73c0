import { describe, expect, it } from '@jest/globals'
import { TracesBatch } from '../../../component/batch.ts'
import { Operations } from '../../../otlp/operations.ts'
import { Parent, TraceState } from '../../../otlp/trace-index.ts'
import { CallFacts } from '../../../processors/context-propagation/call-facts.ts'
import { configSchema } from '../../../processors/context-propagation/config.ts'
import { CallTraffic } from '../../../processors/context-propagation/context-lost/call-traffic.ts'
import { partialView } from '../../../processors/context-propagation/partial-view/partial-view.ts'
import { tracesBatch } from '../../support/scan.ts'

const ORPHAN = 1

/** What is told of the parent that the entry of `cart` misses, where a call of it is in the same piece or not. */
function told(state: number, hasCall: boolean) {
  const { table } = tracesBatch([
    { service: 'edge', spans: [{ name: hasCall ? 'shop.Cart/Get' : 'wait', kind: 'client', traceId: 1, spanId: 1 }] },
    { service: 'cart', spans: [{ name: 'shop.Cart/Get', kind: 'server', traceId: 1, spanId: 2, parentId: 9 }] },
  ])
  const facts = new CallFacts(new Operations())
  facts.read(
    new TracesBatch(table, {
      traceCount: 1,
      firstRow: Uint32Array.of(0, 2),
      parentRow: Int32Array.of(Parent.none, Parent.missing),
      state: Uint8Array.of(state),
    }),
  )
  const observer = partialView(configSchema.parse({}), new CallTraffic(100)).createObserver()
  observer.observe(facts, 0)
  const { bridged, mute } = observer.takeSummary(0)
  return { parent: facts.missingParents.get(ORPHAN), bridged: bridged.length, mute }
}

describe('of the parent that an entry misses', () => {
  it.each<[string, number, boolean, ReturnType<typeof told>]>([
    ['its call tells that it stood between', TraceState.incomplete, true, { parent: 'between', bridged: 1, mute: [] }],
    [
      'a trace without its call tells nothing',
      TraceState.incomplete,
      false,
      { parent: undefined, bridged: 0, mute: [] },
    ],
    [
      'a piece whose trace had gone on before tells nothing, and that is no evidence',
      TraceState.late,
      false,
      { parent: 'apart', bridged: 0, mute: [['cart', 1]] },
    ],
  ])('%s', (_, state, hasCall, expected) => {
    expect(told(state, hasCall)).toEqual(expected)
  })
})
