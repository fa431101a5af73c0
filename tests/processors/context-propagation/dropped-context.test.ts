import { describe, expect, it } from '@jest/globals'
import { type Propagation, propagation, type Span } from '../../support/propagation.ts'

type Root = Pick<Span, 'name' | 'kind' | 'links' | 'attributes'> & {
  readonly afterMs: number
  readonly lengthMs: number
}

const SECONDS = 60
const CALL: Root = { name: 'POST /reserve', kind: 'client', afterMs: 5, lengthMs: 20 }
const WORK: Root = { name: 'recalculate', kind: 'internal', afterMs: 20, lengthMs: 60 }

/** A number below 1 that looks random and is the same each time. */
function scatter(i: number): number {
  return (Math.imul(i + 1, 0x9e3779b1) >>> 0) / 4294967296
}

interface Load {
  readonly perSecond?: number
  readonly lengthMs?: number
  readonly even?: boolean
  /** Whether a request that causes no root makes the call that it should, with its context. */
  readonly calls?: (i: number) => boolean
}

/** A minute of requests of `lengthMs` to orders, `perSecond` of them at uneven times; `rootOf` says what each causes. */
function requests(
  p: Propagation,
  { perSecond = 5, lengthMs = 30, even = false, calls = () => false }: Load,
  rootOf: (i: number) => Root | null,
  besides: (p: Propagation, ms: number) => void = () => {},
): void {
  let served = 0
  for (let ms = 0; ms < SECONDS * 1000; ms += 10) {
    besides(p, ms)
    // Every third second is quiet, so that requests and time can be told apart.
    const isQuiet = !even && Math.floor(ms / 1000) % 3 === 2
    if (!isQuiet && scatter(ms) < perSecond / 100) {
      const i = served++
      const request = p.span({ traceId: p.newId(), name: 'POST /orders', kind: 'server' }, 0, lengthMs)
      const root = rootOf(i)
      const spans = [request]
      if (root) spans.push(rootSpan(p, root))
      else if (calls(i)) {
        const { afterMs, lengthMs: callMs, ...call } = CALL
        spans.push(p.span({ ...call, traceId: request.traceId, parentId: request.spanId }, afterMs, callMs))
      }
      p.send({ service: 'orders', resource: { 'service.instance.id': 'orders-1' }, spans })
    }
    p.advance(10)
  }
}

function rootSpan(p: Propagation, { afterMs, lengthMs, ...fields }: Root): Span {
  return p.span({ ...fields, traceId: p.newId() }, afterMs, lengthMs)
}

const JOB: Root = { name: 'job.settle', kind: 'internal', afterMs: 0, lengthMs: 5 }

/** A job of the same instance, by the clock. */
function job(everyMs: number, root: Root = JOB): (p: Propagation, ms: number) => void {
  return (p, ms) => {
    if (ms % everyMs !== 0) return
    const spans = [rootSpan(p, root)]
    p.send({ service: 'orders', resource: { 'service.instance.id': 'orders-1' }, spans })
  }
}

/** Two minutes of a request every two seconds, from the timer of another service; `rootOf` says when its root begins. */
function timedRequests(p: Propagation, rootAfterMs: (i: number, lateMs: number) => number): void {
  for (let i = 0; i < 60; i++) {
    const lateMs = 6 * scatter(i)
    const request = p.span({ traceId: p.newId(), name: 'POST /orders', kind: 'server' }, lateMs, 100)
    const root = rootSpan(p, { ...WORK, afterMs: rootAfterMs(i, lateMs), lengthMs: 30 })
    p.send({ service: 'orders', resource: { 'service.instance.id': 'orders-1' }, spans: [request, root] })
    p.advance(2000)
  }
}

function dropped(p: Propagation) {
  return p.findings().filter(({ rule }) => rule === 'CTX-003')
}

describe('CTX-003 context_dropped_in_process', () => {
  it('names a call of an SDK that sets no kind, which its callee answers', async () => {
    const p = await propagation()
    const kind = 'unspecified'
    for (let i = 0; i < 300; i++) {
      const request = p.span({ traceId: p.newId(), name: 'POST /orders', kind }, 0, 40)
      const inner = p.span({ traceId: request.traceId, parentId: request.spanId, name: 'validate', kind }, 1, 3)
      const call = p.span({ traceId: p.newId(), name: 'shop.Stock/Reserve', kind }, 6, 25)
      const answer = p.span({ traceId: call.traceId, parentId: call.spanId, name: 'shop.Stock/Reserve', kind }, 8, 20)
      p.send({ service: 'orders', spans: [request, inner, call] }, { service: 'stock', spans: [answer] })
      p.advance(100 + 100 * scatter(i))
    }
    expect(dropped(p)).toMatchObject([
      { cause: 'call_without_context', place: { service: 'orders', operation: 'shop.Stock/Reserve' } },
    ])
  })

  it.each<[string, Root, string]>([
    ['a call that a request waits for', CALL, 'call_without_context'],
    ['a message that a request sends', { ...CALL, name: 'orders send', kind: 'producer' }, 'call_without_context'],
    ['work that outlives the request', WORK, 'detached_goroutine'],
    ['work that the request may wait for', { ...WORK, lengthMs: 5 }, 'detached_goroutine'],
    ['a call that outlives the request', { ...CALL, lengthMs: 90 }, 'detached_goroutine'],
    ['work that begins with the response', { ...WORK, afterMs: 31 }, 'detached_goroutine'],
  ])('names %s', async (_, root, cause) => {
    const p = await propagation()
    requests(p, {}, () => root)
    const findings = dropped(p)
    expect(findings).toMatchObject([
      { cause, state: 'confirmed', place: { service: 'orders', instance: null, operation: root.name, edge: null } },
    ])
    const { occurrences, population, evidence, values } = findings[0]!
    expect(occurrences).toBeGreaterThan(100)
    expect(population).toBe(occurrences)
    expect(values).toEqual({ root_share: 1 })
    expect(evidence).toHaveLength(10)
    const [first] = evidence
    expect(first).toMatchObject({ kind: 'span', relatedSpanId: expect.stringMatching(/^[0-9a-f]{16}$/) })
    expect(p.marks.at(-1)).toMatchObject({ span: `orders ${root.name}`, rules: ['CTX-003'], causes: [cause] })
  })

  it('is found where the requests come by a timer: a request that is late has its root late, too', async () => {
    const p = await propagation()
    timedRequests(p, (i, lateMs) => lateMs + 20 + 3 * scatter(i + 100))
    expect(dropped(p)).toMatchObject([{ cause: 'detached_goroutine', place: { operation: WORK.name } }])
  })

  it('does not say why where half of the calls outlive their request', async () => {
    const p = await propagation()
    requests(p, {}, (i) => ({ ...CALL, lengthMs: i % 2 === 0 ? 20 : 90 }))
    expect(dropped(p)).toMatchObject([{ cause: 'undetermined', state: 'confirmed' }])
  })

  it('is found when it happens one time in ten, beside calls that kept their context', async () => {
    const p = await propagation()
    requests(p, { perSecond: 10 }, (i) => (i % 10 === 0 ? CALL : null))
    expect(dropped(p)).toMatchObject([{ cause: 'call_without_context' }])
  })

  it('is found one time in thirty in a busy service, where the requests around lack the call that others make', async () => {
    const p = await propagation()
    requests(p, { perSecond: 10, lengthMs: 60, calls: () => true }, (i) => (i % 30 === 0 ? CALL : null))
    expect(dropped(p)).toMatchObject([{ cause: 'call_without_context', place: { operation: CALL.name } }])
  })

  it('is found in a service that is never idle when roots come and go with the requests, one by one', async () => {
    const p = await propagation()
    const alwaysBusy = (p: Propagation, ms: number) => {
      if (ms % 500 !== 0) return
      const watch = p.span({ traceId: p.newId(), name: 'GET /watch', kind: 'server' }, 0, 600)
      p.send({ service: 'orders', resource: { 'service.instance.id': 'orders-1' }, spans: [watch] })
    }
    requests(p, { perSecond: 10 }, () => CALL, alwaysBusy)
    expect(dropped(p)).toMatchObject([{ cause: 'call_without_context', confidence: 0.85 }])
  })

  it.each<[string, (p: Propagation) => void]>([
    ['a job by the clock, in a service that is mostly idle', (p) => requests(p, {}, () => null, job(700))],
    [
      'a job by the clock, in a service that is nearly always busy',
      (p) => requests(p, { perSecond: 20, lengthMs: 200, even: true }, () => null, job(100)),
    ],
    [
      'a job that makes the same call as most requests, in a service that is never idle',
      (p) =>
        requests(p, { perSecond: 30, lengthMs: 300, even: true, calls: (i) => i % 20 > 0 }, () => null, job(400, CALL)),
    ],
    [
      'a job as frequent as the requests',
      (p) => requests(p, { perSecond: 10, lengthMs: 300, even: true }, () => null, job(100)),
    ],
    [
      'a job by a timer whose rounds all fall into requests by another one',
      (p) => timedRequests(p, (i) => 20 + 3 * scatter(i + 100)),
    ],
    ['roots that link to the request', (p) => requests(p, {}, () => ({ ...WORK, links: [{ traceId: 5, spanId: 6 }] }))],
    [
      'messages that are taken from a broker while others are handled',
      (p) =>
        requests(p, {}, () => ({
          ...CALL,
          name: 'orders receive',
          attributes: { 'messaging.operation.type': 'receive' },
        })),
    ],
    ['now and then a connection that is made', (p) => requests(p, {}, (i) => (i % 30 === 0 ? CALL : null))],
    [
      'a browser, whose calls are roots',
      (p) =>
        requests(
          p,
          {},
          () => null,
          (p, ms) => {
            if (ms % 100 === 0) p.send({ service: 'storefront', spans: [rootSpan(p, { ...CALL, name: 'HTTP GET' })] })
          },
        ),
    ],
    [
      'a poller in another instance of the service',
      (p) =>
        requests(
          p,
          {},
          () => null,
          (p, ms) => {
            const resource = { 'service.instance.id': 'orders-2' }
            if (ms % 100 === 0)
              p.send({ service: 'orders', resource, spans: [rootSpan(p, { ...CALL, name: 'GET /health' })] })
          },
        ),
    ],
  ])('is silent about %s', async (_, send) => {
    const p = await propagation()
    send(p)
    expect(dropped(p)).toEqual([])
    expect(p.marks.filter(({ rules }) => rules.includes('CTX-003'))).toEqual([])
  })
})
