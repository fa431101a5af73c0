import { describe, expect, it } from '@jest/globals'
import {
  mismatchOf,
  type OrphanStatistics,
  orphanCauseOf,
} from '../../../processors/context-propagation/orphan-span/orphan-cause.ts'
import { OrphanHistory } from '../../../processors/context-propagation/orphan-span/orphan-history.ts'
import type { Siblings } from '../../../processors/context-propagation/orphan-span/spans-with-parent.ts'

type Slices = readonly (readonly [orphaned: number, traces: number])[]

/** A minute later all slices have settled. */
function historyOf(slices: Slices): OrphanHistory {
  const history = new OrphanHistory()
  slices.forEach(([orphaned, traces], i) => {
    history.add(i, traces, orphaned)
  })
  return history.at(60_000)
}

/** Orphans and spans in slices of two seconds, below one caller that is there, unless told otherwise. */
function operation(slices: Slices, more: Partial<OrphanStatistics> = {}): OrphanStatistics {
  const standing = slices.reduce((sum, [orphans]) => sum + orphans, 0)
  const withParent = slices.reduce((sum, [, spans]) => sum + spans, 0)
  const contexts = new Map([['caller', { spans: withParent, orphans: standing }]])
  return {
    entry: true,
    withParent,
    standing,
    between: 0,
    within: 0,
    untold: 0,
    contexts,
    instances: new Map(),
    history: historyOf(slices),
    ...more,
  }
}

function together(siblings: readonly OrphanStatistics[]): Siblings {
  const sum = { standing: 0, withParent: 0 }
  for (const { standing, withParent } of siblings) {
    sum.standing += standing
    sum.withParent += withParent
  }
  return sum
}

/** The orphans have no caller around them, all others have. */
function callerGone({ standing, withParent }: OrphanStatistics): OrphanStatistics['contexts'] {
  return new Map([
    ['caller', { spans: withParent - standing, orphans: 0 }],
    ['', { spans: standing, orphans: standing }],
  ])
}

const repeat = (orphans: number, spans: number, times: number): Slices =>
  Array.from({ length: times }, () => [orphans, spans])

const HEALTHY = operation(repeat(0, 50, 10))
const ALL_ORPHANED = operation(repeat(50, 50, 10))
const STEADY: Slices = [30, 28, 33, 29, 31, 27, 34, 30].map((orphans) => [orphans, 100])
const steady = operation(STEADY)
const ONE_BURST: Slices = [...repeat(0, 20, 10), ...repeat(14, 20, 5), ...repeat(0, 20, 15)]
const TWO_CRASHES: Slices = [...repeat(0, 9, 4), [5, 8], ...repeat(0, 9, 7), [6, 8], ...repeat(0, 9, 12)]

describe('the cause of orphans', () => {
  it.each<[string, OrphanStatistics, OrphanStatistics[], string]>([
    ['all of one operation, none of its siblings', ALL_ORPHANED, [HEALTHY], 'parent_never_ended'],
    ['all of all entries of the service', ALL_ORPHANED, [ALL_ORPHANED], 'parent_not_exported'],
    ['all of the only operation there is', ALL_ORPHANED, [], 'undetermined'],
    ['all, and each call is there', operation(repeat(50, 50, 10), { between: 500 }), [], 'parent_not_exported'],
    [
      'all, and the caller is there',
      operation(repeat(50, 50, 10), { within: 480, untold: 20 }),
      [],
      'parent_never_ended',
    ],
    [
      'all below one of two callers, which is there',
      operation(repeat(20, 50, 10), {
        within: 200,
        contexts: new Map([
          ['checkout', { spans: 200, orphans: 200 }],
          ['edge', { spans: 300, orphans: 0 }],
        ]),
      }),
      [HEALTHY],
      'parent_never_ended',
    ],
    [
      'all around one operation of the same process',
      operation(repeat(20, 50, 10), {
        entry: false,
        contexts: new Map([
          ['ParseCatalog', { spans: 200, orphans: 200 }],
          ['', { spans: 300, orphans: 0 }],
        ]),
      }),
      [HEALTHY],
      'parent_never_ended',
    ],
    [
      'all below nothing that is there, of an operation that was whole until a few seconds ago',
      operation(repeat(6, 6, 3), {
        entry: false,
        withParent: 400,
        contexts: new Map([['', { spans: 18, orphans: 18 }]]),
      }),
      [HEALTHY],
      'undetermined',
    ],
    [
      'all entries that miss a span of a service that is seen, which were whole until a few seconds ago',
      operation(repeat(6, 6, 3), {
        within: 18,
        withParent: 400,
        contexts: new Map([['edge', { spans: 18, orphans: 18 }]]),
      }),
      [HEALTHY],
      'undetermined',
    ],
    [
      'the same for longer than an export hangs',
      operation(repeat(6, 6, 16), {
        entry: false,
        withParent: 400,
        contexts: new Map([['', { spans: 96, orphans: 96 }]]),
      }),
      [HEALTHY],
      'parent_never_ended',
    ],
    [
      'the same of an operation that never was whole',
      operation(repeat(6, 6, 3), { entry: false, contexts: new Map([['', { spans: 18, orphans: 18 }]]) }),
      [HEALTHY],
      'parent_never_ended',
    ],
    ['a burst', operation(ONE_BURST), [HEALTHY], 'parent_dropped'],
    ['two crashes within half a minute', operation(TWO_CRASHES), [HEALTHY], 'parent_dropped'],
    [
      'a steady share, with the caller gone from the trace',
      operation(STEADY, { contexts: callerGone(steady) }),
      [HEALTHY],
      'sampling_mismatch',
    ],
    [
      'a steady share, with other spans of the caller there: spans dropped at random',
      steady,
      [HEALTHY],
      'undetermined',
    ],
    [
      'a steady share of what is within one of two instances: its queue is full',
      operation(STEADY, {
        entry: false,
        instances: new Map([
          ['cart-1', { spans: 400, orphans: 242, settled: 380 }],
          ['cart-2', { spans: 400, orphans: 0, settled: 380 }],
        ]),
      }),
      [HEALTHY],
      'parent_dropped',
    ],
    [
      'the same while the orphans of the other instance may be on their way',
      operation(STEADY, {
        entry: false,
        instances: new Map([
          ['cart-1', { spans: 400, orphans: 242, settled: 0 }],
          ['cart-2', { spans: 400, orphans: 0, settled: 0 }],
        ]),
      }),
      [HEALTHY],
      'undetermined',
    ],
    ['too few to say', operation([[1, 1]]), [HEALTHY], 'undetermined'],
    [
      'the last seconds, when what is whole has come and what is not has yet to',
      { ...operation(ONE_BURST), history: historyOf(ONE_BURST).at(5000) },
      [HEALTHY],
      'undetermined',
    ],
  ])('%s', (_, orphaned, siblings, cause) => {
    expect(orphanCauseOf(orphaned, () => together(siblings)).cause).toBe(cause)
  })

  it('is a mismatch of sampling where operations of one caller tell it together', () => {
    const rare = [2, 2, 3, 2, 2].map(() =>
      operation([
        [1, 3],
        [0, 3],
        [1, 3],
        [1, 3],
      ]),
    )
    const together = rare.map((one) => ({ ...one, contexts: callerGone(one) }))
    expect(together.map((one) => mismatchOf([one]).cause)).toEqual(rare.map(() => 'undetermined'))
    expect(mismatchOf(together).cause).toBe('sampling_mismatch')
  })
})
