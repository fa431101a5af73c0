import { describe, expect, it } from '@jest/globals'
import {
  OrphanHistory,
  type OrphanStatistics,
  orphanCauseOf,
} from '../../../processors/context-propagation/orphan-cause.ts'

/** Orphans and spans in slices of ten seconds. */
function operation(
  slices: readonly (readonly [orphans: number, spans: number])[],
  more: Partial<OrphanStatistics> = {},
): OrphanStatistics {
  const history = new OrphanHistory()
  slices.forEach(([orphans, spans], i) => {
    history.add(i * 10_000, spans, orphans)
  })
  const standing = slices.reduce((sum, [orphans]) => sum + orphans, 0)
  const withParent = slices.reduce((sum, [, spans]) => sum + spans, 0)
  return { entry: true, withParent, standing, callerKnown: standing, callerAbsent: 0, history, ...more }
}

const HEALTHY = operation([
  [0, 100],
  [0, 100],
  [0, 100],
])
const ALL_ORPHANED = operation([
  [100, 100],
  [100, 100],
  [100, 100],
])

describe('the cause of orphans', () => {
  it.each<[string, OrphanStatistics, OrphanStatistics[], string]>([
    ['all of one operation, none of its siblings', ALL_ORPHANED, [HEALTHY], 'parent_never_ended'],
    ['all of all entries of the service', ALL_ORPHANED, [ALL_ORPHANED], 'parent_not_exported'],
    ['all of the only operation there is', ALL_ORPHANED, [], 'undetermined'],
    [
      'a burst',
      operation([
        [0, 100],
        [0, 100],
        [60, 100],
        [0, 100],
        [0, 100],
      ]),
      [HEALTHY],
      'parent_dropped',
    ],
    [
      'a steady share, with the caller gone from the trace',
      operation(
        [
          [30, 100],
          [28, 100],
          [33, 100],
          [29, 100],
        ],
        { callerAbsent: 120 },
      ),
      [HEALTHY],
      'sampling_mismatch',
    ],
    [
      'a steady share, with other spans of the caller there: spans dropped at random',
      operation(
        [
          [30, 100],
          [28, 100],
          [33, 100],
          [29, 100],
        ],
        { callerAbsent: 10 },
      ),
      [HEALTHY],
      'undetermined',
    ],
    ['too few to say', operation([[9, 9]]), [HEALTHY], 'undetermined'],
    [
      'a share that changes with time',
      operation(
        [
          [5, 100],
          [60, 100],
          [20, 100],
          [90, 100],
        ],
        { callerAbsent: 175 },
      ),
      [HEALTHY],
      'undetermined',
    ],
  ])('%s', (_, orphaned, siblings, cause) => {
    expect(orphanCauseOf(orphaned, siblings).cause).toBe(cause)
  })
})
