import { describe, expect, it } from '@jest/globals'
import { type Propagation, propagation } from '../../support/propagation.ts'

const HTTP = { 'http.request.method': 'POST' }

/** A number below 1 that looks random and is the same each time. */
function scatter(i: number): number {
  return (Math.imul(i + 1, 0x9e3779b1) >>> 0) / 4294967296
}

interface Call {
  /** The one service that calls. */
  readonly from: string
  readonly to: string
  /** Of every so many. */
  readonly every?: number
  readonly lengthMs?: number
  /** From the start of the call to that of the work; random where it has nothing to do with it. */
  readonly afterMs?: number | 'random'
  readonly peer?: string
}

/** Two minutes of calls at uneven times, five in a second; no side names the other, and no context arrives. */
function traffic(p: Propagation, calls: readonly Call[]): void {
  let served = 0
  for (let ms = 0; ms < 120_000; ms += 10) {
    if (scatter(ms) < 0.05) {
      const i = served++
      for (const { from, to, every = 1, lengthMs = 40, afterMs = 2, peer } of calls) {
        const trace = p.newId()
        const request = p.span({ traceId: trace, name: 'GET /', kind: 'server', attributes: HTTP }, 0, lengthMs + 2)
        const attributes = peer === undefined ? HTTP : { ...HTTP, 'server.address': peer }
        const call = p.span(
          { traceId: trace, parentId: request.spanId, name: 'POST', kind: 'client', attributes },
          1,
          lengthMs,
        )
        p.send({ service: from, spans: [request, call] })
        if (i % every !== 0) continue
        const late = afterMs === 'random' ? 40 + 3000 * scatter(i) : afterMs
        const work = p.span(
          { traceId: p.newId(), name: 'POST /work', kind: 'server', attributes: HTTP },
          late + 1,
          lengthMs / 2,
        )
        p.send({ service: to, spans: [work] })
      }
    }
    p.advance(10)
  }
}

function lost(p: Propagation) {
  return p.findings().filter(({ rule }) => rule === 'CTX-002')
}

describe('CTX-002 context_lost_between_services, by time and counts alone', () => {
  it.each([
    ['nobody', undefined],
    ['an address', '10.0.3.17'],
  ])('names the edge where the caller names %s as its peer', async (_, peer) => {
    const p = await propagation()
    traffic(p, [{ from: 'a', to: 'b', ...(peer !== undefined && { peer }) }])
    expect(lost(p)).toMatchObject([
      { confidence: 0.85, place: { service: 'b', edge: { from: 'a', to: 'b', boundary: 'http' } }, state: 'confirmed' },
    ])
    expect(lost(p)[0]!.occurrences).toBeGreaterThan(400)
  })

  it.each<[string, readonly Call[]]>([
    ['calls of somebody outside, beside work that comes by itself', [{ from: 'a', to: 'b', afterMs: 'random' }]],
    ['calls that are far more than what is done', [{ from: 'a', to: 'b', every: 3 }]],
    ['calls to somebody who is named', [{ from: 'a', to: 'b', peer: 'api.example.com' }]],
    ['calls that are always under way', [{ from: 'a', to: 'b', lengthMs: 1200 }]],
    [
      'two callers that may be it',
      [
        { from: 'a', to: 'b' },
        { from: 'c', to: 'd' },
      ],
    ],
  ])('is silent about %s', async (_, calls) => {
    const p = await propagation()
    traffic(p, calls)
    expect(lost(p)).toEqual([])
  })
})
