import { describe, expect, it } from '@jest/globals'
import { type Propagation, propagation, type Span } from '../../support/propagation.ts'

type Step = [name: string, below: string, afterMs: number, lengthMs: number]

/** Requests of 40 ms to checkout, 100 ms apart, whose steps hang below the span that they name. */
function requests(
  p: Propagation,
  count: number,
  stepsOf: (i: number) => readonly Step[],
  kind: Span['kind'] = 'internal',
) {
  for (let i = 0; i < count; i++) {
    const traceId = p.newId()
    const root = p.span({ traceId, name: 'POST /orders', kind: 'server' }, 0, 40)
    const spans: Span[] = [root]
    const ids = new Map([['request', root.spanId]])
    for (const [name, below, afterMs, lengthMs] of stepsOf(i)) {
      const step = p.span({ traceId, parentId: ids.get(below)!, name, kind: kind! }, afterMs, lengthMs)
      ids.set(name, step.spanId)
      spans.push(step)
    }
    p.send({ service: 'checkout', spans })
    p.advance(100)
  }
}

const HEALTHY: Step[] = [
  ['load', 'request', 2, 5],
  ['charge', 'request', 8, 10],
  ['mail', 'request', 20, 5],
]

/** `rounds` of a loop, each below the first, `everyMs` apart. */
function loop(p: Propagation, rounds: number, everyMs: number, newTraceEach: number): void {
  let first: Span | null = null
  for (let i = 0; i < rounds; i++) {
    if (i % newTraceEach === 0) first = null
    const traceId = first?.traceId ?? p.newId()
    const round = p.span({ traceId, parentId: first?.spanId ?? null, name: 'sync prices' }, 0, 10)
    first ??= round
    p.send({ service: 'shipping', spans: [round] })
    p.advance(everyMs)
  }
}

const SIBLING = {
  rule: 'CTX-005',
  cause: 'sibling_parent',
  state: 'confirmed',
  place: { service: 'checkout', operation: 'charge', edge: null },
}

describe('CTX-005 wrong_parent, a sibling', () => {
  it.each<[string, Span['kind'], number, number]>([
    ['every time', 'internal', 30, 1],
    ['one time in ten, among calls', 'client', 100, 10],
  ])('is named when a step hangs below the one before it %s', async (_, kind, count, every) => {
    const p = await propagation()
    requests(p, count, (i) => (i % every === 0 ? [HEALTHY[0]!, ['charge', 'load', 8, 10], HEALTHY[2]!] : HEALTHY), kind)
    const findings = p.findings().filter(({ rule }) => rule !== 'CTX-002')
    expect(findings).toMatchObject([{ ...SIBLING, occurrences: count / every }])
    expect(findings[0]!.evidence[0]!.values).toEqual({ gap_seconds: 0.001 })
    expect(findings[0]!.message).toContain('hang below "load", which had ended before they began')
  })

  it.each([
    [5, 0.92],
    [10, 0.95],
    [50, 0.99],
  ])('is the surer the more such steps there are: %i of them %d', async (count, confidence) => {
    const p = await propagation()
    requests(p, count, () => [HEALTHY[0]!, ['charge', 'load', 8, 10]])
    expect(p.findings()).toMatchObject([{ ...SIBLING, confidence, causeConfidence: confidence }])
  })

  it('says on the span below which other it belongs', async () => {
    const p = await propagation()
    requests(p, 60, () => [HEALTHY[0]!, ['charge', 'load', 8, 10]])
    p.findings()
    const last = p.marks.at(-1)!
    expect(last).toMatchObject({ span: 'checkout charge', rules: ['CTX-005'], causes: ['sibling_parent'] })
    const lastRequest = (60 * 4 - 2).toString(16).padStart(16, '0')
    expect(last.expectedParent).toBe(lastRequest)
  })

  it('is found at each step where every step overwrites the context', async () => {
    const p = await propagation()
    requests(p, 20, () => [
      ['load', 'request', 2, 5],
      ['charge', 'load', 8, 10],
      ['mail', 'charge', 20, 5],
    ])
    expect(p.findings().map(({ place, cause }) => [place.operation, cause])).toEqual([
      ['charge', 'sibling_parent'],
      ['mail', 'sibling_parent'],
    ])
  })

  it('is named when the steps hang below several others, each a few times', async () => {
    const p = await propagation()
    requests(p, 40, (i) =>
      i % 5 === 0
        ? [
            [`load ${i % 4}`, 'request', 2, 5],
            ['charge', `load ${i % 4}`, 8, 10],
          ]
        : HEALTHY,
    )
    const [finding, ...others] = p.findings()
    expect(finding).toMatchObject({ ...SIBLING, occurrences: 8 })
    expect(finding!.message).toContain('hang below "load 0", "load 1", "load 2", "load 3"')
    expect(others).toEqual([])
  })

  it('is named beside work that was under way before', async () => {
    const p = await propagation()
    requests(p, 20, () => [
      ['watch', 'request', 1, 38],
      ['load', 'request', 2, 5],
      ['charge', 'load', 8, 10],
    ])
    expect(p.findings()).toMatchObject([{ ...SIBLING, occurrences: 20 }])
  })

  it.each<[string, (i: number) => Step[]]>([
    ['steps that follow each other', () => HEALTHY],
    [
      'work that is handed over by many, and starts when it will',
      (i) => [
        [`load ${i % 13}`, 'request', 2, 5],
        ['warm', `load ${i % 13}`, i % 3 === 0 ? 6 : 8, 10],
      ],
    ],
    [
      'work that goes on after the response',
      () => [
        ['load', 'request', 2, 5],
        ['audit', 'load', 10, 100],
      ],
    ],
    ['work after the response, below the request', () => [['mail', 'request', 60, 20]]],
    [
      'work beside later steps',
      () => [
        ['load', 'request', 2, 5],
        ['warm', 'load', 8, 10],
        ['mail', 'request', 12, 5],
      ],
    ],
    [
      'work that is handed over and starts when it will',
      (i) => [
        ['load', 'request', 2, 5],
        ['warm', 'load', i % 3 === 0 ? 6 : 8, 10],
      ],
    ],
    [
      'a span that was ended at once',
      () => [
        ['publish', 'request', 2, 0.002],
        ['send', 'publish', 3, 20],
      ],
    ],
    ['a coincidence', (i) => (i % 10 === 0 ? [HEALTHY[0]!, ['charge', 'load', 8, 10]] : HEALTHY)],
  ])('is not seen in %s', async (_, stepsOf) => {
    const p = await propagation()
    requests(p, 40, stepsOf)
    expect(p.findings()).toEqual([])
    expect(p.marks).toEqual([])
  })
})

describe('CTX-005 wrong_parent, a kept context', () => {
  it.each([
    ['within one wait of the window', 30, 500],
    ['over many pieces of the trace', 100, 1000],
    ['with rounds so rare that the trace has left each time', 30, 15_000],
    ['many within one wait of the window', 150, 100],
  ])('is named when a loop hangs all its rounds below the first, %s', async (_, rounds, everyMs) => {
    const p = await propagation()
    loop(p, rounds, everyMs, Number.POSITIVE_INFINITY)
    expect(p.findings()).toMatchObject([
      {
        rule: 'CTX-005',
        cause: 'context_reused',
        state: 'confirmed',
        place: { service: 'shipping', operation: 'sync prices', edge: null },
        occurrences: rounds - 1,
        population: rounds - 1,
      },
    ])
    if (everyMs > 500) expect(p.marks.at(-1)).toMatchObject({ rules: ['CTX-005'], causes: ['context_reused'] })
  })

  it.each<[string, (p: Propagation) => void]>([
    ['a loop that begins a trace for each round', (p) => loop(p, 100, 500, 1)],
    ['requests that are polled for after their response, each for a while', (p) => loop(p, 300, 2000, 10)],
    [
      'a delivery that is tried again after the response, each time twice as long after the one before',
      (p) => {
        const traceId = p.newId()
        const request = p.span({ traceId, name: 'POST /hook', kind: 'server' }, 0, 5)
        p.send({ service: 'hooks', spans: [request] })
        for (let i = 0; i < 6; i++) {
          p.send({ service: 'hooks', spans: [p.span({ traceId, parentId: request.spanId, name: 'deliver' }, 10, 5)] })
          p.advance(1000 * 2 ** i)
        }
      },
    ],
    [
      'the steps of a request of which the times are not set',
      (p) => {
        const traceId = p.newId()
        const request = {
          ...p.span({ traceId, name: 'POST /report', kind: 'server' }, 0, 1),
          startNano: 0n,
          endNano: 0n,
        }
        const rows = Array.from({ length: 10 }, (_, i) =>
          p.span({ traceId, parentId: request.spanId, name: 'row' }, i * 10, 9),
        )
        p.send({ service: 'report', spans: [request, ...rows] })
      },
    ],
    [
      'messages that are handled below their receipt',
      (p) => {
        const traceId = p.newId()
        const receive = p.span({ traceId, name: 'orders receive', kind: 'consumer' }, 0, 1)
        p.send({ service: 'shipping', spans: [receive] })
        for (let i = 0; i < 30; i++) {
          const handle = { traceId, parentId: receive.spanId, name: 'orders process', kind: 'consumer' } as const
          p.send({ service: 'shipping', spans: [p.span(handle, 0, 20)] })
          p.advance(500)
        }
      },
    ],
    [
      'a long request whose spans come late',
      (p) => {
        const traceId = p.newId()
        const request = p.span({ traceId, name: 'POST /report', kind: 'server' }, 0, 30_000)
        const rows = Array.from({ length: 30 }, (_, i) =>
          p.span({ traceId, parentId: request.spanId, name: 'row' }, i * 1000, 900),
        )
        p.advance(30_000)
        p.send({ service: 'report', spans: [request] })
        p.advance(9000)
        p.send({ service: 'report', spans: rows.slice(0, 4) })
      },
    ],
  ])('is not seen in %s', async (_, send) => {
    const p = await propagation()
    send(p)
    expect(p.findings().filter(({ rule }) => rule === 'CTX-005')).toEqual([])
  })
})
