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
const CALLER = { name: 'shop.Cart/Get', kind: 'client' } as const
const WAIT = { name: 'wait', kind: 'client' } as const

/** What is told of the parent that the entry of `cart` misses, by the only other span of its piece, a call of `edge`. */
function told(state: number, call: typeof CALLER | typeof WAIT, isAnsweredElsewhere = false) {
  const { table } = tracesBatch([
    { service: 'edge', spans: [{ ...call, traceId: 1, spanId: 1 }] },
    { service: 'cart', spans: [{ name: 'shop.Cart/Get', kind: 'server', traceId: 1, spanId: 2, parentId: 9 }] },
    { service: 'edge', spans: [{ ...call, traceId: 2, spanId: 3 }] },
    { service: 'shop', spans: [{ name: 'Answer', kind: 'server', traceId: 2, spanId: 4, parentId: 3 }] },
  ])
  const facts = new CallFacts(new Operations())
  facts.read(
    new TracesBatch(table, {
      traceCount: 2,
      firstRow: Uint32Array.of(0, 2, 4),
      parentRow: Int32Array.of(Parent.none, Parent.missing, Parent.none, isAnsweredElsewhere ? 2 : Parent.passed),
      state: Uint8Array.of(state, TraceState.complete),
    }),
  )
  const observer = partialView(configSchema.parse({}), new CallTraffic(100)).createObserver()
  observer.observe(facts, 0)
  const { bridged, mute } = observer.takeSummary(0)
  return { parent: facts.missingParents.get(ORPHAN), bridged: bridged.length, mute }
}

describe('of the parent that an entry misses', () => {
  it.each<[string, Parameters<typeof told>, ReturnType<typeof told>]>([
    [
      'its call tells that it stood between',
      [TraceState.incomplete, CALLER],
      { parent: 'between', bridged: 1, mute: [] },
    ],
    [
      'a trace without its call tells nothing',
      [TraceState.incomplete, WAIT],
      { parent: undefined, bridged: 0, mute: [] },
    ],
    [
      'a call around it that is answered in other traces tells that it stood behind that',
      [TraceState.incomplete, WAIT, true],
      { parent: 'behind', bridged: 0, mute: [] },
    ],
    [
      'a piece whose trace had gone on before tells nothing, and that is no evidence',
      [TraceState.late, WAIT],
      { parent: 'apart', bridged: 0, mute: [['cart', 1]] },
    ],
  ])('%s', (_, piece, expected) => {
    expect(told(...piece)).toEqual(expected)
  })
})
