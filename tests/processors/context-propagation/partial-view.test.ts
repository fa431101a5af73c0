import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { SpanTable } from '../../../otlp/span-table.ts'
import { factory } from '../../../processors/context-propagation/context-propagation.ts'
import {
  isPlainlyWhole,
  judgeView,
  type View,
} from '../../../processors/context-propagation/partial-view/partial-view-decision.ts'
import {
  FLEET,
  fleetSpans,
  gatewayOf,
  randomOf,
  type SentSpan,
  standingOf,
  streamHash,
  watchFleet,
} from '../../support/fleet-of-services.ts'
import { describeRecordings } from '../../support/recordings.ts'
import { recordedTables, replaySpans, standing } from '../../support/replay-spans.ts'
import { TEST_START_MS } from '../../support/test-settings.ts'

const spans = fleetSpans(FLEET)
const SPLIT = 'GW-001 split_traffic blindspot'

describe('GW-001 partial_view', () => {
  const cases = [2, 3].flatMap((gateways) =>
    [0, 1].flatMap((salt) => Array.from({ length: gateways }, (_, gateway) => ({ gateways, salt, gateway }))),
  )
  it.each(cases)('speaks, and no other rule does: gateway $gateway of $gateways, hashed with $salt', async (c) => {
    const watched = await watchFleet(spans, { arrives: (sent) => gatewayOf(sent, c.gateways, c.salt) === c.gateway })
    expect(standingOf(watched)).toEqual([SPLIT])
  })

  it('estimates the share, is sure after a while, and is all that is said', async () => {
    const { reports } = await watchFleet(spans, { arrives: (sent) => gatewayOf(sent, 2, 0) === 0 })
    const view = reports.filter(({ rule }) => rule === 'GW-001')
    expect(view[0]!.state).toBe('provisional')
    expect(view.at(-1)).toMatchObject({ state: 'confirmed', place: { service: 'blindspot' } })
    expect(view.at(-1)!.values.estimated_share).toBeGreaterThan(0.3)
    expect(view.at(-1)!.values.estimated_share).toBeLessThan(0.7)
    expect(reports.filter(({ rule }) => rule !== 'GW-001')).toEqual([])
  })

  it('ends when all is seen again, and what was counted meanwhile stays unsaid', async () => {
    const minutes = [0, 1].flatMap((minute) =>
      fleetSpans({ ...FLEET, requests: 315, seed: minute + 1 }).map((sent) => later(sent, minute * 90_000)),
    )
    const until = Math.min(...minutes.map(({ endMs }) => endMs)) + 90_000
    const { last, reports } = await watchFleet(minutes, {
      arrives: (sent) => sent.endMs > until || gatewayOf(sent, 2, 0) === 0,
    })
    expect(last.filter(({ rule, state }) => rule !== 'GW-001' && state !== 'retracted')).toEqual([])
    const view = reports.filter(({ rule }) => rule === 'GW-001').at(-1)!
    expect(view.occurrences).toBeLessThan(view.population)
  })

  describe('is not taken for', () => {
    it.each<[string, (sent: SentSpan) => boolean]>([
      ['a service that does not export', ({ service }) => service !== 'checkout'],
      ['a service that does not export, with one caller', ({ service }) => service !== 'search'],
      ['an instance that does not export', ({ instance }) => instance !== 'checkout-0'],
      ['a service that samples on its own', ({ service, span }) => service !== 'checkout' || keeps(span.traceId)],
      ['a service that loses spans at random', ({ service, span }) => service !== 'checkout' || keeps(span.spanId)],
      ['everything', () => true],
    ])('%s', async (_, arrives) => {
      const watched = await watchFleet(spans, { arrives })
      expect(watched.reports.filter(({ rule }) => rule === 'GW-001')).toEqual([])
    })

    it.each(['cart', 'checkout', 'inventory'])('a proxy before %s that exports nothing', async (to) => {
      const watched = await watchFleet(spans.map((sent) => behindProxy(sent, to)))
      expect(standingOf(watched)).toEqual([expect.stringMatching(`^CTX-001 \\w+ ${to}$`)])
    })

    it('a service in the middle of all that loses spans at random, of SDKs that set no kinds', async () => {
      const plain = spans.map((sent) => ({ ...sent, span: { ...sent.span, kind: 'unspecified' as const } }))
      const watched = await watchFleet(plain, {
        arrives: ({ service, span }) => service !== 'checkout' || keeps(span.spanId),
      })
      expect(watched.reports.filter(({ rule }) => rule === 'GW-001')).toEqual([])
      expect(standingOf(watched).every((finding) => finding.startsWith('CTX-001'))).toBe(true)
      expect(standingOf(watched).length).toBeGreaterThan(0)
    })

    it('a proxy before the first service, above all traces', async () => {
      const watched = await watchFleet(spans.map((sent) => behindProxy(sent, 'edge')))
      expect(standingOf(watched)).toEqual([expect.stringMatching('^CTX-001 \\w+ edge$')])
    })

    it('calls that go on under half of their trace id, beside a service that does not export', async () => {
      const cut = ['cart', 'rates']
      const watched = await watchFleet(
        spans.map((sent) => (cut.includes(sent.service) ? underHalfOfItsId(sent) : sent)),
        { arrives: ({ service }) => service !== 'checkout' },
      )
      expect(watched.reports.filter(({ rule }) => rule === 'GW-001')).toEqual([])
      expect(standingOf(watched, 'CTX-004')).toEqual(cut.map((to) => `CTX-004 truncated_to_64_bits ${to}`))
    })

    it('a lost context', async () => {
      const broken = spans.map((sent) =>
        sent.service === 'cart'
          ? { ...sent, span: { ...sent.span, parentId: null, traceId: sent.span.spanId.repeat(2) } }
          : sent,
      )
      expect(standingOf(await watchFleet(broken))).toEqual([expect.stringMatching('^CTX-002 \\w+ cart$')])
    })
  })
})

/** Four of the eight services. */
function half(seed: number): ReadonlySet<string> {
  const random = randomOf(seed)
  const shuffled = FLEET.services.map(({ name }) => [random(), name] as const).sort()
  return new Set(shuffled.slice(0, 4).map(([, name]) => name))
}

describe('how much of the traffic arrives', () => {
  const exit = (to: string, calls: number, unanswered: number) => ({ from: 'edge', to, seen: true, calls, unanswered })
  const entry = (service: string, withParent: number, orphans: number, callers: string[] = ['edge']) => ({
    service,
    withParent,
    orphans,
    callers: new Set(callers),
  })
  const exits = [exit('inventory', 80, 6), exit('checkout', 12, 6), exit('cart', 24, 1)]
  const entries = [entry('inventory', 208, 127, ['edge', 'checkout']), entry('cart', 40, 17), entry('checkout', 14, 8)]

  it.each<[string, View, string]>([
    ['nothing is missing', { entries: [entry('cart', 40, 0)], exits: [exit('cart', 40, 0)], innerOrphans: 0 }, 'whole'],
    ['one hidden service explains nearly all', { entries, exits, innerOrphans: 0 }, 'doubtful'],
    [
      'one hidden service explains all',
      { entries, exits: exits.map((e) => ({ ...e, unanswered: 0 })), innerOrphans: 0 },
      'whole',
    ],
    ['spans of the same processes are missing too', { entries, exits, innerOrphans: 60 }, 'whole'],
    [
      'three hidden services are needed, and few answers are missing',
      {
        entries: [
          entry('inventory', 215, 110, ['edge', 'shipping', 'checkout']),
          entry('payment', 13, 4, ['checkout']),
          entry('cart', 19, 10),
        ],
        exits: [
          exit('inventory', 122, 0),
          exit('cart', 60, 7),
          { ...exit('payment', 12, 3), from: 'checkout' },
          exit('checkout', 11, 5),
        ],
        innerOrphans: 0,
      },
      'partial',
    ],
    [
      'two hidden services are enough, and few answers are missing',
      {
        entries: [entry('inventory', 215, 110), entry('cart', 19, 10)],
        exits: [exit('cart', 60, 13), exit('checkout', 11, 1)],
        innerOrphans: 0,
      },
      'doubtful',
    ],
  ])('when %s', (_, view, kind) => {
    expect(judgeView(view).kind).toBe(kind)
  })

  it('is whole wherever a look at the sums alone says so', () => {
    const name = fc.constantFrom('cart', 'checkout', 'inventory')
    const count = fc.nat(12)
    const view = fc.record({
      entries: fc.array(fc.tuple(name, fc.nat(40), count).map(([to, parents, missing]) => entry(to, parents, missing))),
      exits: fc.array(fc.tuple(name, fc.nat(40), count).map(([to, calls, missing]) => exit(to, calls, missing))),
      innerOrphans: count,
    })
    fc.assert(
      fc.property(view, (view) => {
        const withParent = view.entries.reduce((sum, entry) => sum + entry.withParent, 0)
        const unanswered = view.exits.reduce((sum, exit) => sum + exit.unanswered, 0)
        if (isPlainlyWhole(withParent, unanswered)) expect(judgeView(view).kind).toBe('whole')
      }),
    )
  })
})

describe('a gateway that sees half of the services', () => {
  it.each([0, 1, 2, 11, 23])('calls nothing broken when told which are expected elsewhere (%i)', async (seed) => {
    const hidden = half(seed)
    const watched = await watchFleet(spans, {
      arrives: ({ service }) => !hidden.has(service),
      config: { expected_elsewhere: [...hidden] },
    })
    expect(watched.reports).toEqual([])
  })

  // Not of all halves: one that calls a single service here looks like a proxy before it (seed 11).
  it.each([0, 1, 2, 3, 4, 5])('calls nothing broken of most halves without being told (%i)', async (seed) => {
    const hidden = half(seed)
    const watched = await watchFleet(spans, { arrives: ({ service }) => !hidden.has(service) })
    expect(standingOf(watched, 'CTX')).toEqual([])
  })

  it('still finds the proxy between two services that are here', async () => {
    const watched = await watchFleet(
      spans.map((sent) => behindProxy(sent, 'search')),
      { arrives: ({ service }) => service !== 'shipping', config: { expected_elsewhere: ['shipping'] } },
    )
    expect(standingOf(watched)).toEqual([expect.stringMatching('^CTX-001 \\w+ search$')])
  })
})

describe('traces without a head', () => {
  it.each<[string, (sent: SentSpan) => boolean]>([
    ['the first service', ({ service }) => service !== 'edge'],
    ['one process of the first service', ({ instance }) => instance !== 'edge-0'],
    [
      'the first service and one of two that call the third',
      ({ service }) => service !== 'edge' && service !== 'shipping',
    ],
    [
      'the first service and a process of the second',
      ({ service, instance }) => service !== 'edge' && instance !== 'checkout-0',
    ],
  ])('are not called broken: %s sends elsewhere', async (_, arrives) => {
    expect(standingOf(await watchFleet(spans, { arrives }), 'CTX')).toEqual([])
  })

  it('are called broken where the first service lost all for a while', async () => {
    const fromMs = TEST_START_MS + 42_000
    const watched = await watchFleet(spans, {
      arrives: ({ service, endMs }) => service !== 'edge' || endMs < fromMs || endMs > fromMs + 12_000,
    })
    expect(standingOf(watched)).toEqual(['cart', 'checkout', 'search'].map((to) => `CTX-001 parent_dropped ${to}`))
  })

  it('are called broken where one operation alone misses its parents', async () => {
    const served = spans.filter(({ service, span }) => service === 'inventory' && span.kind === 'server')
    const watched = await watchFleet([...spans, ...served.slice(0, 12).map(streamBeside)])
    expect(standingOf(watched)).toEqual([expect.stringMatching('^CTX-001 \\w+ inventory$')])
  })
})

describeRecordings('hotel, each process hashed to one gateway', () => {
  const tables = recordedTables('hotel-load50.otlp.jsonl.gz')
  it.each([2, 3].flatMap((gateways) => Array.from({ length: gateways }, (_, gateway) => ({ gateways, gateway }))))(
    'gateway $gateway of $gateways calls nothing broken',
    async ({ gateways, gateway }) => {
      const settings = await replaySpans(
        factory,
        tables.map((table) =>
          only(table, (service, instance) => streamHash(`${service}/${instance}`) % gateways === gateway),
        ),
      )
      expect(standing(settings.findings.reports).filter(({ rule }) => rule !== 'GW-001')).toEqual([])
    },
  )
})

/** A third of all ids. */
function keeps(id: string): boolean {
  return streamHash(id) % 3 !== 0
}

/** What a service does for a stream that never ends: nothing else of that trace is here. */
function streamBeside({ span, ...sent }: SentSpan): SentSpan {
  const spanId = `f${span.spanId.slice(1)}`
  return { ...sent, span: { ...span, spanId, traceId: spanId.repeat(2), name: `${span.name}Watch` } }
}

/** Somebody on the way to a service makes parents of its own. */
function behindProxy(sent: SentSpan, to: string): SentSpan {
  if (sent.service !== to || sent.span.kind !== 'server') return sent
  return { ...sent, span: { ...sent.span, parentId: `f${sent.span.spanId.slice(1)}` } }
}

/** The callee knows 64 bits of the trace id, and calls nobody. */
function underHalfOfItsId(sent: SentSpan): SentSpan {
  return { ...sent, span: { ...sent.span, traceId: '0'.repeat(16) + sent.span.traceId.slice(16) } }
}

function later(sent: SentSpan, ms: number): SentSpan {
  const nano = BigInt(ms) * 1_000_000n
  const { startNano, endNano } = sent.span
  return {
    ...sent,
    endMs: sent.endMs + ms,
    span: { ...sent.span, startNano: BigInt(startNano!) + nano, endNano: BigInt(endNano!) + nano },
  }
}

function only(table: SpanTable, sees: (service: string, instance: string) => boolean): SpanTable {
  const part = new SpanTable(table.count)
  part.resources.push(...table.resources)
  part.scopes.push(...table.scopes)
  part.sources.push(...table.sources)
  for (let row = 0; row < table.count; row++) {
    const { serviceName, instance } = table.resourceOf(row)
    if (sees(serviceName, instance)) part.addRowFrom(table, row)
  }
  return part
}
