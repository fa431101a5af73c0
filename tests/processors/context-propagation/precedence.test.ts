import { describe, expect, it } from '@jest/globals'
import { TracesBatch } from '../../../component/batch.ts'
import { PRECEDENCE } from '../../../findings/catalogue/precedence.ts'
import { Operations } from '../../../otlp/operations.ts'
import { CallFacts } from '../../../processors/context-propagation/call-facts.ts'
import { configSchema } from '../../../processors/context-propagation/config.ts'
import { propagationRules } from '../../../processors/context-propagation/propagation-rules.ts'
import { type Propagation, propagation, type Span } from '../../support/propagation.ts'
import { tracesBatch } from '../../support/scan.ts'
import { testSettings } from '../../support/test-settings.ts'

const ORDER = PRECEDENCE[0]!

describe('the rules on propagation', () => {
  it('run in the order of their precedence', () => {
    const { list } = propagationRules(configSchema.parse({}), testSettings('precedence').findings)
    // What one says of spans with a parent (CTX-005 again) competes with nothing after it.
    const competing = new Set(list.flatMap(({ rule }) => rule.rules).filter((rule) => ORDER.includes(rule)))
    expect([...competing]).toEqual(ORDER)
  })

  const pairs = ORDER.flatMap((first, i) => ORDER.slice(i + 1).map((second) => [first, second] as const))
  it.each(pairs)('%s has a span before %s, which is related then', (first, second) => {
    const { table } = tracesBatch([{ service: 'cart', spans: [{ name: 'get' }] }])
    const facts = new CallFacts(new Operations())
    const traces = {
      traceCount: 1,
      firstRow: Uint32Array.of(0, 1),
      parentRow: Int32Array.of(-1),
      state: Uint8Array.of(1),
    }
    facts.read(new TracesBatch(table, traces))
    expect(facts.claim(0, first)).toBe(true)
    expect(facts.claim(0, second)).toBe(false)
    expect(facts.outranked.take()).toEqual([{ by: first, rule: second, service: 'cart', name: 'get' }])
    expect(facts.outranked.take()).toEqual([])
  })
})

/** Calls from edge to cart; what `change` makes of the callee's span comes instead of it. */
function calls(p: Propagation, count: number, change: (server: Span, i: number) => readonly Span[]): void {
  for (let i = 0; i < count; i++) {
    const id = p.newId().toString(16).padStart(16, '0')
    const traceId = `8f1c44a0b2d95e77${id}`
    const root = p.span({ traceId, name: 'GET /', kind: 'server' }, 0, 40)
    const client = p.span({ traceId, parentId: root.spanId, name: 'shop.Cart/Get', kind: 'client' }, 5, 30)
    const server = p.span({ traceId, parentId: client.spanId, name: 'shop.Cart/Get', kind: 'server' }, 10, 20)
    p.send({ service: 'edge', spans: [root, client] }, { service: 'cart', spans: change(server, i) })
    p.advance(100)
  }
}

const low = (span: Span) => `0000000000000000${String(span.traceId).slice(16)}`
const twice = (span: Span) => [span, span]
const orphan = (span: Span, i: number): Span => ({ ...span, parentId: 0x7000 + i })
const lost = (span: Span, i: number): Span => ({ ...span, parentId: null, traceId: 0x9000 + i })

describe('of two rules that speak of the same spans', () => {
  it.each<[string, string, (server: Span, i: number) => readonly Span[]]>([
    ['CTX-007', 'CTX-001', (server, i) => (i % 2 ? [server] : twice(orphan(server, i)))],
    ['CTX-007', 'CTX-002', (server, i) => twice(lost(server, i))],
    ['CTX-004', 'CTX-001', (server) => [{ ...server, traceId: low(server) }]],
  ])('%s has them, and %s is related or silent', async (first, second, change) => {
    const p = await propagation()
    calls(p, 200, change)
    const findings = p.findings()
    const one = findings.find(({ rule }) => rule === first)!
    expect(one.occurrences).toBeGreaterThan(0)
    // No span is marked with both.
    expect(p.marks.filter(({ rules }) => rules.includes(first)).length).toBeGreaterThan(0)
    expect(p.marks.filter(({ rules }) => rules.includes(first) && rules.includes(second))).toEqual([])
    const other = findings.find(({ rule }) => rule === second)
    if (first === 'CTX-007') expect(one.related).toEqual([second])
    else expect(other).toBeUndefined()
  })
})
