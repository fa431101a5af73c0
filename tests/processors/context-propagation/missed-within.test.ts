import { describe, expect, it } from '@jest/globals'
import { TracesBatch } from '../../../component/batch.ts'
import { Operations } from '../../../otlp/operations.ts'
import { Parent, TraceState } from '../../../otlp/trace-index.ts'
import { CallFacts } from '../../../processors/context-propagation/call-facts.ts'
import { callsUnderWay, isMissedWithin } from '../../../processors/context-propagation/orphan-span/bridged-orphan.ts'
import { OpenCalls, OpenExits } from '../../../processors/context-propagation/partial-view/open-calls.ts'
import { FLEET, fleetSpans, standingOf, watchFleet } from '../../support/fleet-of-services.ts'
import type { SpanSpec } from '../../support/otlp-builder.ts'
import { tracesBatch } from '../../support/scan.ts'

type Kind = NonNullable<SpanSpec['kind']>

interface Row {
  readonly service: string
  readonly name: string
  readonly kind: Kind
  /** The row of its parent, or a value of `Parent`. */
  readonly parent: number
  readonly fromMs: number
  readonly untilMs: number
  /** Its own, unless it is sent twice. */
  readonly spanId?: number
}

const TOLERANCE_NANO = 50e6

/** Whether the first orphan of a trace misses a span of a service that is seen. */
function isWithin(rows: readonly Row[], open = new OpenCalls()): boolean {
  const { table } = tracesBatch(
    rows.map(({ service, name, kind, fromMs, untilMs, spanId }, i) => ({
      service,
      spans: [
        {
          name,
          kind,
          traceId: 1,
          spanId: spanId ?? i + 1,
          startNano: BigInt(fromMs) * 1_000_000n,
          endNano: BigInt(untilMs) * 1_000_000n,
        },
      ],
    })),
  )
  const facts = new CallFacts(new Operations())
  facts.read(
    new TracesBatch(table, {
      traceCount: 1,
      firstRow: Uint32Array.of(0, rows.length),
      parentRow: Int32Array.from(rows, ({ parent }) => parent),
      state: Uint8Array.of(TraceState.incomplete),
    }),
  )
  const orphan = rows.findIndex(({ parent }) => parent === Parent.missing)
  const underWay = callsUnderWay(facts, orphan, 0, rows.length, TOLERANCE_NANO)
  return isMissedWithin(facts, 0, rows.length, underWay, open)
}

const span = (service: string, name: string, kind: Kind, parent: number, fromMs: number, untilMs: number): Row => ({
  service,
  name,
  kind,
  parent,
  fromMs,
  untilMs,
})

const root = span('edge', 'GET /', 'server', Parent.none, 1000, 1900)
const orphan = span('rates', 'shop.Rates/Get', 'server', Parent.missing, 1400, 1500)
const call = span('edge', 'shop.Search/Find', 'client', 0, 1300, 1800)
const answer = span('search', 'shop.Search/Find', 'server', 2, 1310, 1790)

/** Of SDKs that set no kinds. */
const plainRoot = { ...root, kind: 'unspecified' } as const
const plainOrphan = { ...orphan, kind: 'unspecified' } as const
const plainCall = span('edge', 'shop.Cart/Get', 'unspecified', 0, 1100, 1380)
const plainEntry = span('cart', 'shop.Cart/Get', 'unspecified', 2, 1110, 1370)

describe('the parent of an orphan belongs to a service that is seen', () => {
  it.each<[string, readonly Row[]]>([
    ['no call was under way', [root, orphan]],
    ['each call was answered', [root, orphan, call, answer]],
    [
      'the only call was made below the orphan',
      [root, orphan, span('rates', 'shop.Bank/Get', 'client', 1, 1410, 1490)],
    ],
    ['the call was sent twice, and is answered once', [root, orphan, call, answer, { ...call, spanId: 3 }]],
    ['a call of its own process was over', [root, orphan, span('rates', 'shop.Bank/Get', 'client', 0, 1300, 1390)]],
    [
      'without kinds, a step is named after the interface that its service serves',
      [plainRoot, plainOrphan, plainCall, plainEntry, span('cart', 'shop.Cart/Sum', 'unspecified', 3, 1200, 1360)],
    ],
    [
      'without kinds, a step that is named like no call was over',
      [plainRoot, plainOrphan, plainCall, plainEntry, span('cart', 'sql.rows', 'unspecified', 3, 1200, 1360)],
    ],
  ])('where %s', (_, rows) => {
    expect(isWithin(rows)).toBe(true)
  })

  it.each<[string, readonly Row[]]>([
    ['the root is not here', [orphan, { ...root, parent: Parent.missing }]],
    ['a call that nobody answers was under way', [root, orphan, call]],
    ['it had just ended by another clock', [root, orphan, { ...call, untilMs: 1390 }]],
    ['a message was sent before', [root, orphan, { ...call, kind: 'producer', untilMs: 1310 }]],
    [
      'another call is beside the one that was sent twice',
      [root, orphan, call, answer, { ...call, name: 'shop.Cart/Get' }],
    ],
    [
      'without kinds, a step is named like a call of somebody else',
      [plainRoot, plainOrphan, plainCall, plainEntry, span('cart', 'shop.Bank/Get', 'unspecified', 3, 1200, 1360)],
    ],
    [
      'without kinds, a step that is named like no call was under way',
      [plainRoot, plainOrphan, plainCall, plainEntry, span('cart', 'fetch', 'unspecified', 3, 1200, 1450)],
    ],
  ])('is not said where %s', (_, rows) => {
    expect(isWithin(rows)).toBe(false)
  })

  it('where the answers of such calls turn out to be in other traces, and not where only some are', () => {
    const open = new OpenCalls()
    const exits = new OpenExits(100)
    const settled = (unanswered: number, lost: number) => {
      exits.begin()
      exits.compare('search', unanswered, lost)
      exits.settle(() => 'search')
      open.learn(new Map(exits.verdicts))
      return isWithin([root, orphan, call], open)
    }
    expect(isWithin([root, orphan, call], open)).toBe(false)
    exits.ask(open.take(), [{ service: 'edge', name: 'shop.Search/Find' }])
    expect(settled(100, 98)).toBe(true)
    // A callee that samples on its own; and one that others call too, whose traces begin there.
    expect(settled(5, 0)).toBe(false)
    expect(settled(5, 400)).toBe(false)
  })

  it('where the parent never ended, and another call of the trace loses its context', async () => {
    const broken = fleetSpans(FLEET)
      .filter(({ service, span }) => service !== 'edge' || span.name !== 'shop.cart.Api/Do')
      .map((sent) =>
        sent.service === 'rates'
          ? { ...sent, span: { ...sent.span, parentId: null, traceId: sent.span.spanId.repeat(2) } }
          : sent,
      )
    const standing = standingOf(await watchFleet(broken))
    expect(standing).toEqual(['CTX-001 parent_never_ended cart', expect.stringMatching('^CTX-002 \\w+ rates$')])
  })
})
