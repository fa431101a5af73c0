import { describe, expect, it } from '@jest/globals'
import { type Propagation, propagation, type Span } from '../../support/propagation.ts'

/** Requests with three spans in two services; `again` says what else comes with them. */
function requests(
  p: Propagation,
  count: number,
  again: (spans: { root: Span; client: Span; server: Span }, i: number) => readonly Span[],
  padding = 0,
): void {
  for (let i = 0; i < count; i++) {
    const traceId = p.newId()
    const root = p.span({ traceId, name: 'GET /', kind: 'server' }, 0, 40)
    const client = p.span({ traceId, parentId: root.spanId, name: 'orders.Api/Get', kind: 'client' }, 5, 30)
    const server = p.span({ traceId, parentId: client.spanId, name: 'orders.Api/Get', kind: 'server' }, 10, 20)
    const more = Array.from({ length: padding }, () =>
      p.span({ traceId, parentId: server.spanId, name: 'work' }, 12, 1),
    )
    p.send(
      { service: 'edge', spans: [root, client] },
      { service: 'orders', spans: [server, ...more, ...again({ root, client, server }, i)] },
    )
    p.advance(20)
  }
}

describe('CTX-007 duplicate_span_id', () => {
  it.each([
    ['small', 0],
    ['large', 100],
  ])('names a span that comes twice, in a %s trace', async (_, padding) => {
    const p = await propagation()
    requests(p, 20, ({ server }) => [server], padding)
    expect(p.findings()).toMatchObject([
      {
        rule: 'CTX-007',
        cause: 'sent_twice',
        state: 'confirmed',
        level: 'warn',
        place: { service: 'orders', operation: 'orders.Api/Get', edge: null },
        occurrences: 20,
        population: 40,
      },
    ])
    expect(p.marks.at(-1)).toMatchObject({ span: 'orders orders.Api/Get', rules: ['CTX-007'], causes: ['sent_twice'] })
    expect(p.marks).toHaveLength(20)
  })

  it.each([
    ['small', 0],
    ['large', 100],
  ])('tells an id that other work has too from a copy, in a %s trace', async (_, padding) => {
    const p = await propagation()
    requests(
      p,
      30,
      ({ server }, i) =>
        i % 3 === 0
          ? [
              {
                ...p.span({ traceId: server.traceId, parentId: server.spanId, name: 'query' }, 15, 2),
                spanId: server.spanId,
              },
            ]
          : [],
      padding,
    )
    const findings = p.findings()
    expect(findings).toMatchObject([
      { cause: 'id_reused', place: { service: 'orders', operation: 'query' }, occurrences: 10, population: 10 },
    ])
    expect(findings[0]!.evidence[0]).toMatchObject({
      values: { other_service: 'orders', other_operation: 'orders.Api/Get' },
    })
  })

  it('takes a copy to which a collector on the way added an attribute for a copy', async () => {
    const p = await propagation()
    requests(p, 20, ({ server }) => [{ ...server, attributes: { 'collector.path': 'b' } }])
    expect(p.findings()).toMatchObject([{ cause: 'sent_twice', occurrences: 20 }])
  })

  it.each<[string, (p: Propagation) => void]>([
    ['spans with ids of their own', (p) => requests(p, 20, () => [])],
    [
      'client and server of B3, which share an id',
      (p) => requests(p, 20, ({ client }) => [{ ...client, kind: 'server' }]),
    ],
    [
      'spans without an id',
      (p) => {
        const traceId = p.newId()
        p.send({
          service: 'orders',
          spans: [0, 1].map(() => ({ ...p.span({ traceId, name: 'work' }, 0, 1), spanId: 0 })),
        })
      },
    ],
    [
      'the same span id in two traces',
      (p) => {
        for (let i = 0; i < 20; i++)
          p.send({ service: 'orders', spans: [{ ...p.span({ traceId: p.newId(), name: 'work' }, 0, 1), spanId: 7 }] })
      },
    ],
  ])('is silent about %s', async (_, send) => {
    const p = await propagation()
    send(p)
    expect(p.findings()).toEqual([])
    expect(p.marks).toEqual([])
  })
})
