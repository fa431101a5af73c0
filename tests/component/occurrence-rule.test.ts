import { describe, expect, it } from '@jest/globals'
import { TracesBatch } from '../../component/batch.ts'
import { OccurrenceJudge } from '../../component/occurrence-judge.ts'
import { type OccurrenceFacts, OccurrenceTally } from '../../component/occurrence-rule.ts'
import { Operations } from '../../otlp/operations.ts'
import { RefCache } from '../../otlp/resource-cache.ts'
import { tracesBatch } from '../support/scan.ts'

const refs = new RefCache()

/** One span of `cart` at each of these milliseconds. */
function spansAt(...startsMs: number[]): OccurrenceFacts {
  const spans = startsMs.map((ms, i) => ({
    traceId: 1,
    spanId: i + 1,
    parentId: null,
    name: 'get',
    startNano: BigInt(ms) * 1_000_000n,
    endNano: BigInt(ms + 1) * 1_000_000n,
  }))
  const { table } = tracesBatch([{ service: 'cart', spans }], refs)
  const registry = new Operations()
  const operations = new Int32Array(startsMs.length)
  registry.ofRows(table, registry.servicesOf(table), operations)
  return { batch: new TracesBatch(table), operations, registry, claimed: new Uint8Array(startsMs.length) }
}

function judge(more: Partial<ConstructorParameters<typeof OccurrenceJudge>[0]> = {}) {
  return new OccurrenceJudge({
    rule: 'CTX-005',
    evidenceLimit: 2,
    maxPlaces: 100,
    says: (parts, count) => ({
      level: 'error',
      confidence: 0.9,
      causeConfidence: 0.9,
      population: parts[0]!.population,
      message: `${count} of them`,
      values: {},
    }),
    ...more,
  })
}

const OCCURRENCE = { cause: 'sibling_parent', relatedSpanId: null } as const

describe('a rule that counts occurrences', () => {
  it('adds up the summaries of all shards, in any order, with the earliest evidence', () => {
    const summaries = [spansAt(5000, 1000), spansAt(3000, 2000)].map((facts) => {
      const tally = new OccurrenceTally(2)
      for (const row of [0, 1]) {
        tally.countSpan(facts, row)
        tally.add(facts, row, OCCURRENCE)
      }
      return tally.take()
    })
    const reports = judge().judge(summaries, 0)
    expect(judge().judge([...summaries].reverse(), 0)).toEqual(reports)
    expect(reports).toMatchObject([
      {
        cause: 'sibling_parent',
        place: { service: 'cart', operation: 'get', edge: null },
        state: 'confirmed',
        occurrences: 4,
        population: 4,
        firstUnixNano: 1_000_000_000n,
        lastUnixNano: 5_000_000_000n,
        evidence: [{ spanId: '0000000000000002' }, { spanId: '0000000000000002' }],
      },
    ])
  })

  it('says nothing twice, and takes back what does not count any more', () => {
    let limit = 1
    const subject = judge({ counts: ({ population }) => population <= limit })
    const facts = spansAt(1000)
    const tally = new OccurrenceTally(2)
    tally.countSpan(facts, 0)
    tally.add(facts, 0, OCCURRENCE)
    expect(subject.judge([tally.take()], 0)).toHaveLength(1)
    expect([...subject.verdicts()]).toEqual([['cart\0get', 'sibling_parent']])
    expect(subject.judge([tally.take()], 0)).toEqual([])
    limit = 0
    expect(subject.judge([], 0)).toMatchObject([{ state: 'retracted', occurrences: 0, evidence: [] }])
    expect([...subject.verdicts()]).toEqual([])
  })

  it('leaves out the parts of a place that do not count, and counts what it cannot keep', () => {
    const subject = judge({ maxPlaces: 2, counts: ({ detail }) => detail !== 'once' })
    const facts = spansAt(1000, 2000, 3000, 4000)
    const tally = new OccurrenceTally(2)
    for (const [row, detail] of ['often', 'once', 'often', 'too many'].entries())
      tally.add(facts, row, { ...OCCURRENCE, detail })
    expect(subject.judge([tally.take()], 0)).toMatchObject([{ occurrences: 2 }])
    expect(subject.overflowed).toBe(1)
  })
})
