import { describe, expect, it } from '@jest/globals'
import { type Propagation, propagation, type Span } from '../../support/propagation.ts'

const SECONDS = 60

/** A number below 1 that looks random and is the same each time. */
function scatter(i: number): number {
  return (Math.imul(i + 1, 0x9e3779b1) >>> 0) / 4294967296
}

interface Step {
  /** From the start of the request that makes it; below which request it hangs. */
  readonly afterMs: number
  readonly lengthMs: number
  readonly below: 'its request' | 'the request before'
}

/**
 * A minute of requests from web to orders, about five in a second at uneven times, each with a call. What web sends comes
 * at once, what orders sends as often as said.
 */
function requests(p: Propagation, lengthMs: number, stepOf: (i: number) => Step, exportEveryMs = 10): void {
  let before: Span | null = null
  let served = 0
  let waiting: Span[] = []
  for (let ms = 0; ms < SECONDS * 1000; ms += 10) {
    const isQuiet = Math.floor(ms / 1000) % 3 === 2
    if (!isQuiet && scatter(ms) < 0.05) {
      const traceId = p.newId()
      const caller = p.span({ traceId, name: 'POST /orders', kind: 'client' }, -1, lengthMs + 2)
      const request = p.span({ traceId, parentId: caller.spanId, name: 'POST /orders', kind: 'server' }, 0, lengthMs)
      const { afterMs, lengthMs: callMs, below } = stepOf(served++)
      const parent = below === 'its request' ? request : before
      const call =
        parent &&
        p.span(
          { traceId: parent.traceId!, parentId: parent.spanId!, name: 'GET /stock', kind: 'client' },
          afterMs,
          callMs,
        )
      p.send({ service: 'web', spans: [caller] })
      waiting.push(...(call ? [request, call] : [request]))
      before = request
    }
    if (ms % exportEveryMs === 0 && waiting.length > 0) {
      p.send({ service: 'orders', resource: { 'service.instance.id': 'orders-1' }, spans: waiting })
      waiting = []
    }
    p.advance(10)
  }
}

function reused(p: Propagation) {
  return p.findings().filter(({ rule }) => rule === 'CTX-005')
}

describe('CTX-005 wrong_parent: a step of a request that hangs below the one before', () => {
  it.each([
    ['always', 10, () => true],
    ['one time in three', 10, (i: number) => i % 3 === 0],
    ['in a process whose spans come when those of its caller have left', 15_000, () => true],
  ])('is a context that is used again, %s', async (_, exportEveryMs, isWrong) => {
    const p = await propagation()
    const below = (i: number) => (isWrong(i) ? 'the request before' : 'its request')
    requests(p, 30, (i) => ({ afterMs: 5, lengthMs: 20, below: below(i) }), exportEveryMs)
    expect(reused(p)).toMatchObject([
      {
        cause: 'context_reused',
        state: 'confirmed',
        place: { service: 'orders', operation: 'GET /stock', edge: null },
      },
    ])
    expect(reused(p)[0]!.evidence[0]).toMatchObject({ relatedSpanId: expect.stringMatching(/^[0-9a-f]{16}$/) })
    expect(p.marks.at(-1)).toMatchObject({ span: 'orders GET /stock', rules: ['CTX-005'], causes: ['context_reused'] })
  })

  it.each<[string, number, (i: number) => Step]>([
    ['a call that goes on after the response', 30, () => ({ afterMs: 32, lengthMs: 20, below: 'its request' })],
    ['one a good while after it', 30, (i) => ({ afterMs: 40 + 400 * scatter(i), lengthMs: 20, below: 'its request' })],
    [
      'one after it, in a busy service',
      150,
      (i) => ({ afterMs: 160 + 400 * scatter(i), lengthMs: 5, below: 'its request' }),
    ],
    [
      'one in ten after it, in a busy service',
      150,
      (i) => ({ afterMs: i % 10 === 0 ? 160 + 400 * scatter(i) : 20, lengthMs: 5, below: 'its request' }),
    ],
  ])('is not %s', async (_, lengthMs, stepOf) => {
    const p = await propagation()
    requests(p, lengthMs, stepOf)
    expect(reused(p)).toEqual([])
  })
})
