import { describe, expect, it } from '@jest/globals'
import { type Propagation, propagation, type Span } from '../../support/propagation.ts'

const SECONDS = 120

/** A number below 1 that looks random and is the same each time. */
function scatter(i: number): number {
  return (Math.imul(i + 1, 0x9e3779b1) >>> 0) / 4294967296
}

interface Traffic {
  /** How long cart keeps its spans before it exports them. */
  readonly exportMs: number
  /** Whether the context of a call is lost on its way. */
  readonly isLost: (second: number, i: number) => boolean
}

/** Ten calls a second from shop to cart, which others call as often without any context. */
function traffic(p: Propagation, { exportMs, isLost }: Traffic): void {
  let kept: Span[] = []
  for (let i = 0; i < SECONDS * 10; i++) {
    const traceId = p.newId()
    const root = p.span({ traceId, name: 'GET /shop', kind: 'server' }, 0, 40)
    const peer = { 'server.address': 'cart' }
    const call = p.span({ traceId, name: 'GET', kind: 'client', parentId: root.spanId, attributes: peer }, 2, 36)
    const context = isLost(Math.floor(i / 10), i) ? { traceId: p.newId() } : { traceId, parentId: call.spanId }
    const answer = p.span({ ...context, name: 'GET /items', kind: 'server' }, 5, 30)
    const other = p.span({ traceId: p.newId(), name: 'GET /stock', kind: 'server' }, 80 * scatter(i), 4)
    kept.push(answer, other)
    p.send({ service: 'shop', spans: [root, call] })
    p.advance(100)
    if ((i * 100) % exportMs !== 0) continue
    p.send({ service: 'cart', spans: kept })
    kept = []
  }
  p.send({ service: 'cart', spans: kept })
}

const never = () => false
const confirmed = (p: Propagation) =>
  p.settings.findings.reports.filter(({ rule, state }) => rule === 'CTX-002' && state === 'confirmed')

describe('CTX-002 context_lost_between_services: answers that come late', () => {
  it('takes no root of another for the answer to a call that may yet get its own', async () => {
    const p = await propagation()
    traffic(p, { exportMs: 10_000, isLost: never })
    expect(p.findings()).toEqual([])
    expect(confirmed(p)).toEqual([])
  })

  it('takes back what a later one disproves, and waits with more while they come that late', async () => {
    const p = await propagation()
    traffic(p, { exportMs: 30_000, isLost: never })
    expect(p.findings()).toEqual([])
    const untilMs = confirmed(p).map(({ lastUnixNano }) => Number(lastUnixNano / 1_000_000n))
    expect(Math.max(...untilMs) - Math.min(...untilMs)).toBeLessThan(30_000)
  })

  it.each([
    ['from the begin on', () => true, SECONDS * 10],
    ['in one call of three', (_: number, i: number) => i % 3 === 0, (SECONDS * 10) / 3],
  ])(
    'finds context that is lost %s, and of what comes without any the operation that misses it',
    async (_, isLost, occurrences) => {
      const p = await propagation()
      traffic(p, { exportMs: 10_000, isLost })
      const findings = p.findings()
      const edge = { from: 'shop', to: 'cart' }
      expect(findings).toMatchObject([{ rule: 'CTX-002', place: { operation: 'GET /items', edge } }])
      expect(findings[0]!.occurrences).toBeGreaterThan(occurrences * 0.8)
    },
  )
})
