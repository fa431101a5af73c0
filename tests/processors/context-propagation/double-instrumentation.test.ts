import { describe, expect, it } from '@jest/globals'
import type { SpanSpec } from '../../support/otlp-builder.ts'
import { type Propagation, propagation, type Span } from '../../support/propagation.ts'

interface Request {
  readonly traceId: number
  readonly root: Span
  readonly client: Span
  readonly server: Span
}

/** Requests from edge to cart; `more` are the further spans of edge and of cart. */
function requests(
  p: Propagation,
  count: number,
  more: (request: Request, i: number) => { edge?: readonly Span[]; cart?: readonly Span[] },
  serverFields: SpanSpec = {},
  edgeFields: SpanSpec = {},
): void {
  for (let i = 0; i < count; i++) {
    const traceId = p.newId()
    const root = p.span({ traceId, name: 'GET /', kind: 'server', ...edgeFields }, 0, 60)
    const client = p.span(
      { traceId, parentId: root.spanId, name: 'shop.Cart/Get', kind: 'client', ...edgeFields },
      5,
      40,
    )
    const server = p.span(
      { traceId, parentId: client.spanId, name: 'shop.Cart/Get', kind: 'server', ...serverFields },
      10,
      30,
    )
    const { edge = [], cart = [] } = more({ traceId, root, client, server }, i)
    p.send({ service: 'edge', spans: [root, client, ...edge] }, { service: 'cart', spans: [...cart, server] })
    p.advance(20)
  }
}

/** As SDKs that set no kind have it. */
const KINDLESS = { kind: 'unspecified' } as const

const serverTwin = (p: Propagation, { traceId }: Request, parentId: number | string, lengthMs = 29): Span =>
  p.span({ traceId, parentId, name: 'shop.Cart/Get', kind: 'server' }, 10.5, lengthMs)

describe('CTX-006 double_instrumentation', () => {
  it.each<[string, (p: Propagation, request: Request) => Span]>([
    ['below one call', (p, request) => serverTwin(p, request, request.client.spanId)],
    ['below each other', (p, request) => serverTwin(p, request, request.server.spanId)],
  ])('finds SERVER twins %s', async (_, twin) => {
    const p = await propagation()
    requests(p, 100, (request) => ({ cart: [twin(p, request)] }))
    const findings = p.findings()
    expect(findings).toMatchObject([
      {
        rule: 'CTX-006',
        cause: 'two_handlers',
        level: 'warn',
        place: { service: 'cart', operation: 'shop.Cart/Get', edge: null },
        occurrences: 100,
        population: 100,
      },
    ])
    expect(findings[0]!.evidence[0]!).toMatchObject({ relatedSpanId: expect.any(String) })
    expect(p.marks.slice(-2)).toMatchObject([{ rules: ['CTX-006'] }, { rules: ['CTX-006'] }])
  })

  it('finds SERVER twins below one attempt at a call', async () => {
    const p = await propagation()
    for (let i = 0; i < 100; i++) {
      const traceId = p.newId()
      const root = p.span({ traceId, name: 'GET /', kind: 'server' }, 0, 60)
      const client = p.span({ traceId, parentId: root.spanId, name: 'shop.Cart/Get', kind: 'client' }, 5, 40)
      const attempt = p.span({ traceId, parentId: client.spanId, name: 'Attempt', kind: 'internal' }, 6, 38)
      const handler = { traceId, parentId: attempt.spanId, name: 'shop.Cart/Get', kind: 'server' } as const
      const twins = [p.span(handler, 10, 30), p.span(handler, 10.5, 29)]
      p.send({ service: 'edge', spans: [root, client, attempt] }, { service: 'cart', spans: twins })
      p.advance(20)
    }
    expect(p.findings()).toMatchObject([{ rule: 'CTX-006', place: { service: 'cart' }, occurrences: 100 }])
  })

  it.each<[string, (p: Propagation, request: Request) => Span]>([
    ['below one call', (p, request) => serverTwin(p, request, request.client.spanId)],
    ['below each other', (p, request) => serverTwin(p, request, request.server.spanId)],
  ])('finds twins of an SDK that sets no kind, %s', async (_, twin) => {
    const p = await propagation()
    requests(p, 100, (request) => ({ cart: [{ ...twin(p, request), ...KINDLESS }] }), KINDLESS, KINDLESS)
    expect(p.findings()).toMatchObject([
      { rule: 'CTX-006', place: { service: 'cart', operation: 'shop.Cart/Get' }, occurrences: 100, population: 100 },
    ])
  })

  it('finds SERVER twins of one of many instances', async () => {
    const p = await propagation()
    requests(p, 400, (request, i) => (i % 20 ? {} : { cart: [serverTwin(p, request, request.client.spanId)] }))
    expect(p.findings()).toMatchObject([{ rule: 'CTX-006', cause: 'two_handlers', occurrences: 20, population: 400 }])
  })

  it('finds SERVER twins of two plugins that name the RPC in two ways', async () => {
    const p = await propagation()
    requests(p, 100, (request) => ({
      cart: [
        p.span(
          { traceId: request.traceId, parentId: request.server.spanId, name: 'Recv.shop.Cart.Get', kind: 'server' },
          10.5,
          29,
        ),
      ],
    }))
    expect(p.findings()).toMatchObject([{ rule: 'CTX-006', occurrences: 100, population: 100 }])
  })

  it.each<[string, (request: Request) => number | string]>([
    ['side by side', ({ root }) => root.spanId],
    ['below each other', ({ client }) => client.spanId],
  ])('finds CLIENT twins %s', async (_, parentOf) => {
    const p = await propagation()
    requests(p, 100, (request) => ({
      edge: [
        p.span(
          { traceId: request.traceId, parentId: parentOf(request), name: 'shop.Cart/Get', kind: 'client' },
          5.2,
          39.5,
        ),
      ],
    }))
    expect(p.findings()).toMatchObject([
      { rule: 'CTX-006', place: { service: 'edge', operation: 'shop.Cart/Get' }, occurrences: 100, population: 100 },
    ])
  })

  it.each<[string, (p: Propagation) => void]>([
    ['one span a call', (p) => requests(p, 100, () => ({}))],
    [
      'twins of CLIENT spans of some calls only',
      (p) =>
        requests(p, 100, ({ traceId, root }, i) =>
          i % 2
            ? { edge: [p.span({ traceId, parentId: root.spanId, name: 'shop.Cart/Get', kind: 'client' }, 5.5, 39)] }
            : {},
        ),
    ],
    [
      'a twin now and then',
      (p) => requests(p, 100, (r, i) => (i % 50 ? {} : { cart: [serverTwin(p, r, r.client.spanId)] })),
    ],
    [
      'recursion inside a service whose SDK sets no kind',
      (p) =>
        requests(
          p,
          100,
          ({ traceId, server }) => {
            const walk = p.span({ traceId, parentId: server.spanId, name: 'walk', ...KINDLESS }, 10.2, 29)
            const deeper = p.span({ traceId, parentId: walk.spanId, name: 'walk', ...KINDLESS }, 10.3, 28)
            return { cart: [walk, deeper] }
          },
          KINDLESS,
          KINDLESS,
        ),
    ],
    [
      'a retry that the server sees twice',
      (p) =>
        requests(p, 100, ({ traceId, client }) => ({
          cart: [p.span({ traceId, parentId: client.spanId, name: 'shop.Cart/Get', kind: 'server' }, 41, 3)],
        })),
    ],
    [
      'calls in parallel, all answered',
      (p) =>
        requests(p, 100, ({ traceId, root }) => {
          const calls = [1, 2, 3].map((i) =>
            p.span({ traceId, parentId: root.spanId, name: 'shop.Cart/Get', kind: 'client' }, 5 + i / 10, 40 - i / 4),
          )
          return {
            edge: calls,
            cart: calls.map((call) =>
              p.span({ traceId, parentId: call.spanId, name: 'shop.Cart/Get', kind: 'server' }, 11, 30),
            ),
          }
        }),
    ],
    [
      'calls in parallel of which none is answered',
      (p) =>
        requests(p, 100, ({ traceId, server }) => ({
          cart: [0, 1].map((i) =>
            p.span({ traceId, parentId: server.spanId, name: 'GET redis', kind: 'client' }, 12 + i, 20 - 2 * i),
          ),
        })),
    ],
    [
      'a retry of which only the second is answered',
      (p) =>
        requests(p, 100, ({ traceId, root }) => ({
          edge: [p.span({ traceId, parentId: root.spanId, name: 'shop.Cart/Get', kind: 'client' }, 1, 3)],
        })),
    ],
    [
      'work that fans out from an INTERNAL span to several SERVER spans',
      (p) =>
        requests(p, 100, ({ traceId, root }) => ({
          cart: [0, 1].map((i) =>
            p.span({ traceId, parentId: root.spanId, name: 'shop.Cart/Warm', kind: 'server' }, 10 + i / 10, 20 - i / 2),
          ),
        })),
    ],
    [
      'the same, where now and then what fans out has not come with them',
      (p) =>
        requests(p, 100, ({ traceId, root }, i) => {
          const parentId = i % 10 === 9 ? p.newId() : root.spanId
          return {
            cart: [0, 1].map((j) =>
              p.span({ traceId, parentId, name: 'shop.Cart/Warm', kind: 'server' }, 10 + j / 10, 20 - j / 2),
            ),
          }
        }),
    ],
    [
      'calls in parallel whose SERVER spans share their ids, as in B3',
      (p) =>
        requests(p, 100, ({ traceId, root }) => {
          const sides = [0, 1].map((i) => {
            const fields = { traceId, parentId: root.spanId, name: 'shop.Cart/Warm' }
            const call = p.span({ ...fields, kind: 'client' }, 8 + i / 10, 30 - i / 2)
            const answer = p.span({ ...fields, kind: 'server' }, 10 + i / 10, 20 - i / 2)
            return { call, answer: { ...answer, spanId: call.spanId } }
          })
          return { edge: sides.map(({ call }) => call), cart: sides.map(({ answer }) => answer) }
        }),
    ],
    [
      'a client library over HTTP: two CLIENT spans with two names',
      (p) =>
        requests(p, 100, ({ traceId, client }) => ({
          edge: [p.span({ traceId, parentId: client.spanId, name: 'POST', kind: 'client' }, 5.1, 39.8)],
        })),
    ],
    [
      'a service that calls itself for a part of the work',
      (p) => requests(p, 100, (r) => ({ cart: [serverTwin(p, r, r.server.spanId, 5)] })),
    ],
    ['spans that came twice (CTX-007)', (p) => requests(p, 100, ({ server }) => ({ cart: [server] }))],
  ])('is silent about %s', async (_, send) => {
    const p = await propagation()
    send(p)
    expect(p.findings().filter(({ rule }) => rule === RULE)).toEqual([])
    expect(p.marks.filter(({ rules }) => rules.includes(RULE))).toEqual([])
  })
})

const RULE = 'CTX-006'
