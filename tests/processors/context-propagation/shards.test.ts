import { beforeAll, describe, expect, it } from '@jest/globals'
import { configSchema } from '../../../processors/context-propagation/config.ts'
import { propagationRules } from '../../../processors/context-propagation/propagation-rules.ts'
import { FLEET, fleetSpans, gatewayOf, type SentSpan, streamHash, watchFleet } from '../../support/fleet-of-services.ts'
import { findingsOfShards, kept, type TimedBatch } from '../../support/shards.ts'
import { testSettings } from '../../support/test-settings.ts'

function findings(batches: readonly TimedBatch[], shards: number) {
  const { facts, list } = propagationRules(configSchema.parse({}), testSettings('shards').findings)
  return findingsOfShards({ facts, rules: list }, batches, shards).map((report) =>
    // CTX-003 samples requests on a shard from its first suspicious root on, so that it begins to count later with many.
    report.rule === 'CTX-003' ? { rule: report.rule, cause: report.cause, place: report.place } : report,
  )
}

async function batchesOf(
  spans: readonly SentSpan[],
  arrives: (sent: SentSpan) => boolean = () => true,
): Promise<TimedBatch[]> {
  const batches: TimedBatch[] = []
  await watchFleet(spans, {
    arrives,
    delayMs: ({ service }) => (service === 'rates' ? 8000 : 0),
    onBatch: (batch, nowMs) => batches.push(kept(batch, nowMs)),
  })
  return batches
}

/** The fleet with one break of each kind, each at a service of its own. */
function broken(sent: SentSpan): readonly SentSpan[] {
  const { span, service } = sent
  const changed = (change: Partial<SentSpan['span']>): SentSpan => ({ ...sent, span: { ...span, ...change } })
  const isEntry = span.kind === 'server'
  const inner = (kind: 'client' | 'server', more: Partial<SentSpan['span']>) =>
    changed({ ...more, kind, spanId: otherId(span.spanId).slice(16) })
  switch (service) {
    case 'edge':
      return [changed({ traceState: 'ot=th:0' })]
    case 'inventory':
      return [isEntry ? changed({ parentId: `f${span.spanId.slice(1)}` }) : sent]
    case 'search':
      return [changed({ traceId: otherId(span.traceId), ...(isEntry && { parentId: null }) })]
    case 'rates':
      return [changed({ traceId: otherId(span.traceId) })]
    case 'payment':
      return [changed({ traceId: `${'0'.repeat(16)}${span.traceId.slice(16)}` })]
    case 'shipping': {
      const twice = streamHash(span.traceId) % 4 === 0 ? [sent, sent] : [sent]
      if (!isEntry) return twice
      // Two steps, of which the second hangs below the first.
      const step = (name: string, parentId: string, afterNano: bigint): SentSpan =>
        changed({
          name,
          kind: 'internal',
          spanId: otherId(`${name}${span.spanId}`).slice(16),
          parentId,
          startNano: BigInt(span.startNano!) + afterNano,
          endNano: BigInt(span.startNano!) + afterNano + 50_000n,
        })
      const pack = step('pack', span.spanId, 50_000n)
      return [...twice, pack, step('label', pack.span.spanId, 150_000n)]
    }
    case 'cart': {
      const twin = inner('server', {
        startNano: BigInt(span.startNano!) + 1000n,
        endNano: BigInt(span.endNano!) - 1000n,
      })
      return [sent, twin]
    }
    case 'checkout':
      // A call that is made without context, beside the others.
      return isEntry
        ? [
            sent,
            inner('client', {
              traceId: otherId(span.traceId),
              parentId: null,
              name: 'GET',
              attributes: { 'server.address': 'fraud' },
            }),
          ]
        : [sent]
  }
  return [sent]
}

/** Another id that belongs to the first one; as a trace id, mostly of another shard. */
function otherId(traceId: string): string {
  return [0, 1, 2, 3]
    .map((i) =>
      streamHash(traceId, i + 1)
        .toString(16)
        .padStart(8, '0'),
    )
    .join('')
}

describe.each<[string, () => Promise<TimedBatch[]>, readonly string[]]>([
  [
    'a fleet with breaks of every kind and a service that exports late',
    () => batchesOf(fleetSpans(FLEET).flatMap(broken)),
    ['CTX-001', 'CTX-002', 'CTX-003', 'CTX-004', 'CTX-005', 'CTX-006', 'CTX-007', 'CTX-008'],
  ],
  ['one of two gateways', () => batchesOf(fleetSpans(FLEET), (sent) => gatewayOf(sent, 2) === 0), ['GW-001']],
])('%s', (_, make, rules) => {
  let batches: TimedBatch[] = []
  let alone: ReturnType<typeof findings> = []
  beforeAll(async () => {
    batches = await make()
    alone = findings(batches, 1)
  })

  it('has findings', () => {
    expect([...new Set(alone.map(({ rule }) => rule))]).toEqual(expect.arrayContaining([...rules]))
  })

  it.each([2, 7])('has the same findings with %i shards', (shards) => {
    expect(findings(batches, shards)).toEqual(alone)
  })
})
