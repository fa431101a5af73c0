import { describe, expect, it } from '@jest/globals'
import type { SpanSpec } from '../../support/otlp-builder.ts'
import { type Propagation, propagation } from '../../support/propagation.ts'

const SAMPLED = 0x101
const SAMPLED_REMOTE = 0x301
const NOT_SAMPLED_REMOTE = 0x300

/** A request to edge, its call and what serves it in search, each side with what it says of sampling. */
function call(p: Propagation, caller: SpanSpec, callee: SpanSpec) {
  const traceId = p.newId()
  const root = p.span({ traceId, name: 'GET /', kind: 'server', ...caller }, 0, 40)
  const client = p.span({ traceId, parentId: root.spanId, name: 'search.Api/Find', kind: 'client', ...caller }, 5, 30)
  const server = p.span(
    { traceId, parentId: client.spanId, name: 'search.Api/Find', kind: 'server', ...callee },
    10,
    20,
  )
  return [
    { service: 'edge', spans: [root, client] },
    { service: 'search', spans: [server] },
  ] as const
}

/** Calls from edge to search, each with what both sides say of sampling. */
function calls(
  p: Propagation,
  count: number,
  sides: (i: number) => { caller: SpanSpec; callee: SpanSpec; calleeResource?: Readonly<Record<string, string>> },
): void {
  for (let i = 0; i < count; i++) {
    const { caller, callee, calleeResource = {} } = sides(i)
    const [edge, search] = call(p, caller, callee)
    p.send(edge, { ...search, resource: calleeResource })
    p.advance(20)
  }
}

/** A call whose two sides are more than a wait of the window apart. */
function apart(p: Propagation, first: string, callee: SpanSpec): void {
  const [caller, called] = call(p, { traceState: 'ot=th:c' }, callee)
  for (const side of first === 'edge' ? [caller, called] : [called, caller]) {
    p.send(side)
    p.advance(10_000)
  }
}

const EDGE = { from: 'edge', to: 'search', boundary: 'grpc' }

describe('CTX-008 sampling_threshold_lost', () => {
  it('finds the edge over which the threshold disappears', async () => {
    const p = await propagation()
    calls(p, 60, (i) => ({
      caller: { traceState: 'ot=th:c', flags: SAMPLED },
      callee: { flags: SAMPLED_REMOTE, ...(i % 3 > 0 && { traceState: 'vendor=1,ot=th:c' }) },
    }))
    const findings = p.findings()
    expect(findings).toMatchObject([
      {
        rule: 'CTX-008',
        cause: 'tracestate_dropped',
        level: 'warn',
        place: { service: 'search', edge: EDGE },
        occurrences: 20,
        population: 60,
      },
    ])
    expect(p.marks.at(-1)).toMatchObject({ span: 'search search.Api/Find', rules: ['CTX-008'] })
  })

  it('finds the edge over which the sampled flag goes out, of services that send it', async () => {
    const p = await propagation()
    calls(p, 60, (i) => ({
      caller: { flags: SAMPLED },
      callee: { flags: i % 6 === 0 ? NOT_SAMPLED_REMOTE : SAMPLED_REMOTE },
    }))
    expect(p.findings()).toMatchObject([
      { rule: 'CTX-008', cause: 'flag_flipped', place: { edge: EDGE }, occurrences: 10, population: 60 },
    ])
  })

  it.each<[string, () => { caller: SpanSpec; callee: SpanSpec }]>([
    ['calls without any decision', () => ({ caller: {}, callee: {} })],
    [
      'a threshold that arrives',
      () => ({ caller: { traceState: 'ot=th:c' }, callee: { traceState: 'ot=th:c;rv:01' } }),
    ],
    ['a trace state of others that is lost', () => ({ caller: { traceState: 'vendor=1' }, callee: {} })],
    [
      'an SDK that sends of the flags only whether the parent is remote',
      () => ({ caller: { flags: SAMPLED }, callee: { flags: NOT_SAMPLED_REMOTE } }),
    ],
    ['an SDK that sends no flags', () => ({ caller: { flags: SAMPLED }, callee: {} })],
    ['a threshold that the callee sets', () => ({ caller: {}, callee: { traceState: 'ot=th:8' } })],
  ])('is silent about %s', async (_, sides) => {
    const p = await propagation()
    calls(p, 60, sides)
    expect(p.findings()).toEqual([])
    expect(p.marks).toEqual([])
  })

  it('is silent while an SDK that does not send the flag gives way to a version that does', async () => {
    const p = await propagation()
    calls(p, 60, (i) => ({
      caller: { flags: SAMPLED },
      callee: { flags: i % 2 === 0 ? NOT_SAMPLED_REMOTE : SAMPLED_REMOTE },
      calleeResource: {
        'telemetry.sdk.language': 'go',
        'telemetry.sdk.version': i % 2 === 0 ? '1.35.0' : '1.37.0',
      },
    }))
    expect(p.findings()).toEqual([])
    expect(p.marks).toEqual([])
  })

  it.each([
    ['the caller first', 'edge'],
    ['the callee first', 'search'],
  ])('compares the sides of a call that leave the window apart, %s', async (_, first) => {
    const p = await propagation()
    calls(p, 1, () => ({ caller: { traceState: 'ot=th:c' }, callee: { traceState: 'ot=th:c' } }))
    for (let i = 0; i < 10; i++) apart(p, first, i % 2 === 0 ? {} : { traceState: 'ot=th:c' })
    expect(p.findings()).toMatchObject([
      { rule: 'CTX-008', cause: 'tracestate_dropped', place: { edge: EDGE }, occurrences: 5, population: 11 },
    ])
  })

  it('counts the calls of an edge, whatever they ask for', async () => {
    const p = await propagation()
    calls(p, 6, (i) => ({
      caller: { traceState: 'ot=th:c' },
      callee: { name: `search.Api/${i % 3 === 0 ? 'Find' : 'List'}` },
    }))
    const findings = p.findings()
    expect(findings.map(({ occurrences }) => occurrences).sort()).toEqual([2, 4])
    expect(findings[0]).toMatchObject({ rule: 'CTX-008', place: { edge: EDGE }, population: 6 })
  })

  it('is silent about a few calls', async () => {
    const p = await propagation()
    calls(p, 4, () => ({ caller: { traceState: 'ot=th:c' }, callee: {} }))
    expect(p.findings()).toEqual([])
  })
})
