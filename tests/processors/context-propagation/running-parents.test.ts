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

  it.each([
    ['goes on for longer than longest_parent', 15 * MINUTE_MS],
    ['has stopped without an end', 3 * MINUTE_MS],
  ])('is an orphan when its parent %s', async (_, lengthMs) => {
    const p = await propagation()
    for (let i = 0; i < 3; i++) job(p, 5000, lengthMs, false)
    expect(p.findings()).toMatchObject([{ rule: 'CTX-001', state: 'confirmed', place: { operation: 'page' } }])
  })
})
