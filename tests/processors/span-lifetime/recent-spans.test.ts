import { describe, expect, it } from '@jest/globals'
import { TracesBatch } from '../../../component/batch.ts'
import { Operations } from '../../../otlp/operations.ts'
import { Parent, TraceState } from '../../../otlp/trace-index.ts'
import { LifetimeFacts } from '../../../processors/span-lifetime/lifetime-facts.ts'
import { RecentSpans } from '../../../processors/span-lifetime/recent-spans.ts'
import { tracesBatch } from '../../support/scan.ts'

/** Four are remembered. */
const LIMIT = 4
const NOTHING_EXTRA = new Float64Array(16)
const facts = new LifetimeFacts(new Operations(), { max_clocks: 16, detached_operations: [] })

/** A span of one process, with a child that may come later: the batch is only of the span, or only of the child. */
function read(spanId: number, parentId: number | null): LifetimeFacts {
  const spans = [{ name: 'work', kind: 'internal', traceId: 7, spanId, parentId }] as const
  const { table } = tracesBatch([{ service: 'shop', resource: { 'host.id': 'a' }, spans }])
  facts.read(
    new TracesBatch(table, {
      traceCount: 1,
      firstRow: Uint32Array.of(0, 1),
      parentRow: Int32Array.of(parentId === null ? Parent.none : Parent.passed),
      state: Uint8Array.of(TraceState.late),
    }),
  )
  return facts
}

function isFound(recent: RecentSpans, spanId: number): boolean {
  return recent.parentOf(read(100 + spanId, spanId), 0) >= 0
}

describe('spans that have gone on', () => {
  it.each([
    ['when nobody asked before', []],
    ['when it was asked before each', [1, 2, 3, 4, 5, 6, 7, 8, 9]],
    ['when it was asked now and then', [2, 7]],
  ])('are found by a late child while they are among the last ones, %s', (_, askedAt: readonly number[]) => {
    const recent = new RecentSpans(LIMIT)
    for (let spanId = 1; spanId <= 9; spanId++) {
      if (askedAt.includes(spanId)) isFound(recent, spanId)
      recent.remember(read(spanId, null), NOTHING_EXTRA)
    }
    expect(isFound(recent, 9)).toBe(true)
    expect([1, 2, 3, 4, 5].filter((spanId) => isFound(recent, spanId))).toEqual([])
  })
})
