import { describe, expect, it } from '@jest/globals'
import { type Propagation, propagation, type Span } from '../../support/propagation.ts'

const MINUTE_MS = 60_000

/** A job that makes a step every so often; each is sent when it ends, and the job itself when it has ended. */
function job(p: Propagation, everyMs: number, lengthMs: number, ends: boolean): void {
  const traceId = p.newId()
  const root: Span = p.span({ traceId, name: 'reindex' }, 0, lengthMs)
  for (let ms = 0; ms < lengthMs; ms += everyMs) {
    p.advance(everyMs)
    p.send({ service: 'catalogue', spans: [p.span({ traceId, name: 'page', parentId: root.spanId }, -20, 20)] })
  }
  if (ends) p.send({ service: 'catalogue', spans: [root] })
}

const confirmed = (p: Propagation) =>
  p.settings.findings.reports.filter(({ rule, state }) => rule === 'CTX-001' && state === 'confirmed')

describe('CTX-001 orphan_span: what begins below a span that is still running', () => {
  it.each([
    ['a job of two minutes with a step every second', 1000, 2 * MINUTE_MS],
    ['a job of nine minutes with a step every ten seconds', 10_000, 9 * MINUTE_MS],
    ['a job of nine minutes with a step every fifty seconds', 50_000, 9 * MINUTE_MS],
  ])('is no orphan for sure: %s', async (_, everyMs, lengthMs) => {
    const p = await propagation()
    for (let i = 0; i < 3; i++) job(p, everyMs, lengthMs, true)
    expect(p.findings()).toEqual([])
    expect(confirmed(p)).toEqual([])
  })

  it('is taken back where it was confirmed between two steps, and is said less surely the next time', async () => {
    const p = await propagation()
    for (let i = 0; i < 3; i++) job(p, 2 * MINUTE_MS, 9 * MINUTE_MS, true)
    expect(p.findings()).toEqual([])
    const sure = confirmed(p).map(({ confidence }) => confidence)
    expect(sure[0]).toBe(0.99)
    expect(sure.at(-1)).toBeLessThan(0.75)
  })

  it('is taken back, with its evidence, when its parent comes minutes late', async () => {
    const p = await propagation()
    const late: Span[] = []
    for (let i = 0; i < 20; i++) {
      const traceId = p.newId()
      const request = p.span({ traceId, name: 'GET /', kind: 'server' }, 0, 50)
      const call = p.span({ traceId, name: 'read', parentId: request.spanId }, 10, 20)
      p.send({ service: 'catalogue', spans: [call] })
      if (i > 0) late.push(request)
      p.advance(500)
    }
    p.advance(3 * MINUTE_MS)
    expect(confirmed(p).at(-1)).toMatchObject({ occurrences: 20 })
    p.send({ service: 'catalogue', spans: late })
    expect(p.findings()).toMatchObject([
      { rule: 'CTX-001', place: { operation: 'read' }, occurrences: 1, evidence: [{ kind: 'span' }] },
    ])
  })

  it.each([
    ['goes on for longer than longest_parent', 15 * MINUTE_MS],
    ['has stopped without an end', 3 * MINUTE_MS],
  ])('is an orphan when its parent %s', async (_, lengthMs) => {
    const p = await propagation()
    for (let i = 0; i < 3; i++) job(p, 5000, lengthMs, false)
    expect(p.findings()).toMatchObject([{ rule: 'CTX-001', state: 'confirmed', place: { operation: 'page' } }])
  })
})
