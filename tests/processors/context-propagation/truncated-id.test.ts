import { describe, expect, it } from '@jest/globals'
import { type Propagation, propagation, type Span } from '../../support/propagation.ts'

const HIGH = '8f1c44a0b2d95e77'
const low = (n: number) => n.toString(16).padStart(16, '0')

/** Calls from gateway to billing of which some go on under the low half of the trace id, 100 ms apart. */
function calls(
  p: Propagation,
  count: number,
  isCut: (i: number) => boolean,
  sendCallerLate = false,
  name: (i: number) => string = () => 'POST /pay',
): void {
  for (let i = 0; i < count; i++) {
    const id = low(p.newId())
    const root = p.span({ traceId: HIGH + id, name: 'GET /', kind: 'server' }, 0, 40)
    const client = p.span({ traceId: HIGH + id, parentId: root.spanId, name: name(i), kind: 'client' }, 5, 30)
    const traceId = isCut(i) ? `0000000000000000${id}` : HIGH + id
    const server = p.span({ traceId, parentId: client.spanId, name: name(i), kind: 'server' }, 10, 20)
    if (sendCallerLate) {
      p.send({ service: 'billing', spans: [server] })
      p.advance(8000)
      p.send({ service: 'gateway', spans: [root, client] })
    } else p.send({ service: 'gateway', spans: [root, client] }, { service: 'billing', spans: [server] })
    p.advance(100)
  }
}

const FOUND = {
  rule: 'CTX-004',
  cause: 'truncated_to_64_bits',
  state: 'confirmed',
  place: { service: 'billing', operation: 'POST /pay', edge: { from: 'gateway', to: 'billing', boundary: 'http' } },
}

describe('CTX-004 trace_id_truncated', () => {
  it('names the edge of which every call is cut, from the first one on, and calls no span an orphan', async () => {
    const p = await propagation()
    calls(p, 200, () => true)
    const findings = p.findings()
    expect(findings).toMatchObject([{ ...FOUND, occurrences: 200, population: 200 }])
    expect(findings[0]!.evidence).toHaveLength(10)
    expect(findings[0]!.evidence[0]).toMatchObject({
      traceId: `0000000000000000${low(1)}`,
      spanId: low(4),
      relatedSpanId: low(3),
    })
    expect(p.marks.at(-1)).toMatchObject({ span: 'billing POST /pay', rules: ['CTX-004'] })
  })

  it('knows the caller by the span that its client has for each attempt', async () => {
    const p = await propagation()
    for (let i = 0; i < 100; i++) {
      const id = low(p.newId())
      const job = p.span({ traceId: HIGH + id, name: 'job', kind: 'internal' }, 0, 40)
      const client = p.span({ traceId: HIGH + id, parentId: job.spanId, name: 'POST /pay', kind: 'client' }, 5, 30)
      const attempt = p.span({ traceId: HIGH + id, parentId: client.spanId, name: 'try', kind: 'internal' }, 6, 28)
      const traceId = `0000000000000000${id}`
      const server = p.span({ traceId, parentId: attempt.spanId, name: 'POST /pay', kind: 'server' }, 10, 20)
      p.send({ service: 'gateway', spans: [job, client, attempt] }, { service: 'billing', spans: [server] })
      p.advance(100)
    }
    expect(p.findings()).toMatchObject([{ ...FOUND, occurrences: 100, population: 100 }])
  })

  it('counts a share of the calls against all of the edge', async () => {
    const p = await propagation()
    calls(p, 200, (i) => i % 10 === 0)
    expect(p.findings()).toMatchObject([{ ...FOUND, occurrences: 20, population: 200 }])
  })

  it('counts the cut calls of all operations as calls of the edge', async () => {
    const p = await propagation()
    const name = (i: number) => (i % 4 ? 'POST /pay' : 'GET /limits')
    calls(p, 200, () => true, false, name)
    expect(p.findings()).toMatchObject([
      { occurrences: 150, population: 200 },
      { occurrences: 50, population: 200 },
    ])
  })

  it('takes an orphan back when its caller comes later', async () => {
    const p = await propagation()
    calls(p, 3, () => true, true)
    expect(p.findings()).toMatchObject([{ ...FOUND, occurrences: 3 }])
  })

  it('calls no span an orphan that looks cut, until the caller has had its time to come', async () => {
    const p = await propagation()
    p.send({
      service: 'gateway',
      spans: [p.span({ traceId: HIGH + low(p.newId()), name: 'GET /', kind: 'server' }, 0, 40)],
    })
    p.advance(10_000)
    calls(p, 3, () => true, true)
    expect(p.marks).toEqual([])
    p.advance(60_000)
    expect(p.settings.findings.reports.map(({ rule }) => rule)).not.toContain('CTX-001')
  })

  it('knows a call that began a trace of its own', async () => {
    const p = await propagation()
    for (let i = 0; i < 200; i++) {
      const id = low(p.newId())
      const client = p.span({ traceId: HIGH + id, name: 'billing.Billing/Pay', kind: 'unspecified' }, 5, 30)
      const server = p.span(
        { traceId: `0000000000000000${id}`, parentId: client.spanId, name: 'billing.Billing/Pay', kind: 'server' },
        10,
        20,
      )
      p.send({ service: 'gateway', spans: [client] }, { service: 'billing', spans: [server] })
      p.advance(100)
    }
    expect(p.findings()).toMatchObject([{ rule: 'CTX-004', occurrences: 200 }])
  })

  it.each([
    ['one service it is the doing of that one', ['gateway', 'gateway'], 'CTX-004'],
    ['two it may be that of either', ['gateway', 'mobile'], undefined],
  ])('of what was cut before calls were remembered, in a service that is called by %s', async (_, callers, rule) => {
    const p = await propagation()
    const call = (service: string, name: string) => {
      const id = low(p.newId())
      const client = p.span({ traceId: HIGH + id, name, kind: 'client' }, 0, 12_030)
      const server = p.span({ traceId: '0'.repeat(16) + id, parentId: client.spanId, name, kind: 'server' }, 12_010, 10)
      p.send({ service, spans: [client] })
      return server
    }
    const answer = (...spans: Span[]) => {
      p.advance(12_000)
      p.send({ service: 'billing', spans })
      p.advance(12_000)
    }
    answer(call('gateway', 'GET /limits'))
    answer(...callers.map((service) => call(service, `POST /pay of ${service}`)))
    const ruleOf = new Map(p.findings().map((finding) => [finding.place.operation, finding.rule]))
    expect(ruleOf.get('GET /limits')).toBe(rule)
  })

  it.each<[string, (p: Propagation) => void]>([
    [
      'ids of 64 bits by origin',
      (p) => {
        const traceId = low(p.newId()).padStart(32, '0')
        const client = p.span({ traceId, name: 'POST /pay', kind: 'client' }, 0, 30)
        const server = p.span({ traceId, parentId: client.spanId, name: 'POST /pay', kind: 'server' }, 5, 20)
        p.send({ service: 'gateway', spans: [client] }, { service: 'billing', spans: [server] })
      },
    ],
    [
      'an orphan under an id of 64 bits whose caller is nowhere',
      (p) => {
        const id = p.newId()
        p.send({
          service: 'billing',
          spans: [
            p.span({ traceId: low(id).padStart(32, '0'), parentId: 99_999, name: 'POST /pay', kind: 'server' }, 0, 20),
          ],
        })
        const traceId = HIGH + low(p.newId())
        p.send({ service: 'gateway', spans: [p.span({ traceId, name: 'POST /pay', kind: 'client' }, 0, 30)] })
      },
    ],
  ])('is silent about %s', async (_, send) => {
    const p = await propagation()
    for (let i = 0; i < 30; i++) {
      send(p)
      p.advance(50)
    }
    expect(p.findings().filter(({ rule }) => rule === 'CTX-004')).toEqual([])
  })
})
