import { describe, expect, it } from '@jest/globals'
import type { Boundary } from '../../../component/finding.ts'
import { causeOf } from '../../../processors/context-propagation/context-lost/lost-edge-cause.ts'

const ENOUGH = 5

type Calls = readonly [edge: `${string} → ${string}`, lost: number, of: number, boundary?: Boundary]

interface Trait {
  readonly formatsDiffer?: boolean
  readonly oneRouteOnly?: boolean
}

/** The cause of the first edge, among the others. */
function causeOfFirst(calls: readonly Calls[], { formatsDiffer = false, oneRouteOnly = false }: Trait = {}) {
  const edges = calls.map(([edge, lost, of, boundary = 'http']) => {
    const [from, to] = edge.split(' → ') as [string, string]
    return { from, to, boundary, lost, connected: of - lost }
  })
  const { cause, confidence } = causeOf({ ...edges[0]!, formatsDiffer, oneRouteOnly }, edges, ENOUGH)
  return [cause, Number(confidence.toFixed(2))]
}

describe('the cause of a lost context', () => {
  it.each<[string, Calls[], string, number]>([
    [
      'open, where the callee takes the context of messages only: requests are another library there',
      [
        ['a → b', 100, 100],
        ['a → c', 0, 50],
        ['d → b', 0, 80, 'messaging'],
      ],
      'undetermined',
      1,
    ],
    [
      'open, where the messages of the caller lose as small a share as its requests',
      [
        ['a → b', 26, 500],
        ['a → c', 12, 250, 'messaging'],
        ['a → e', 0, 100],
        ['d → b', 0, 500],
      ],
      'undetermined',
      1,
    ],
    [
      'the caller, where its messages lose it as its requests do',
      [
        ['a → b', 100, 100],
        ['a → c', 50, 50, 'messaging'],
        ['d → b', 0, 80],
      ],
      'caller_does_not_inject',
      0.95,
    ],
    [
      'the callee, whose messages have their context',
      [
        ['a → b', 100, 100],
        ['d → b', 80, 80],
        ['a → c', 0, 50],
        ['e → b', 0, 80, 'messaging'],
      ],
      'callee_does_not_extract',
      0.95,
    ],
    [
      'the caller, where both of its edges are broken and the callee takes context from others',
      [
        ['a → b', 100, 100],
        ['a → c', 50, 50],
        ['d → b', 0, 80],
      ],
      'caller_does_not_inject',
      0.95,
    ],
    [
      'the caller, less sure where nobody else calls the callee',
      [
        ['a → b', 100, 100],
        ['a → c', 50, 50],
      ],
      'caller_does_not_inject',
      0.91,
    ],
    [
      'the caller, surer the more edges are broken',
      [
        ['a → b', 100, 100],
        ['a → c', 50, 50],
        ['a → d', 50, 50],
      ],
      'caller_does_not_inject',
      0.99,
    ],
    [
      'the callee, where all its callers lose it and reach others',
      [
        ['a → b', 100, 100],
        ['d → b', 80, 80],
        ['a → c', 0, 50],
      ],
      'callee_does_not_extract',
      0.95,
    ],
    [
      'what stands between, where all other edges of both are whole',
      [
        ['a → b', 100, 100],
        ['a → c', 0, 5],
        ['d → b', 0, 5],
      ],
      'stripped_on_the_way',
      0.99,
    ],
    [
      'what stands between, of a part of the calls, where the others would have shown it',
      [
        ['a → b', 30, 100],
        ['a → c', 0, 40],
        ['d → b', 0, 40],
      ],
      'stripped_on_the_way',
      0.99,
    ],
    [
      'what stands between, of few calls, where many others lose none',
      [
        ['a → b', 10, 200],
        ['a → c', 0, 90],
        ['d → b', 0, 40],
      ],
      'stripped_on_the_way',
      0.88,
    ],
    [
      'not told, of few calls, where the others are too few to have shown it',
      [
        ['a → b', 10, 200],
        ['a → c', 0, 300],
        ['d → b', 0, 25],
      ],
      'undetermined',
      1,
    ],
    [
      'not told, of few calls, where the callee loses nearly as many from others',
      [
        ['a → b', 10, 200],
        ['a → c', 0, 300],
        ['d → b', 5, 130],
      ],
      'undetermined',
      1,
    ],
    [
      'not told, where other edges lose a part',
      [
        ['a → b', 100, 100],
        ['a → c', 20, 50],
        ['d → b', 0, 80],
      ],
      'undetermined',
      1,
    ],
    ['not told, where neither side has other edges', [['a → b', 100, 100]], 'undetermined', 1],
    [
      'not told, where the other edges have hardly any calls',
      [
        ['a → b', 100, 100],
        ['a → c', 0, 4],
        ['d → b', 0, 4],
      ],
      'undetermined',
      1,
    ],
  ])('is %s', (_, calls, cause, confidence) => {
    expect(causeOfFirst(calls)).toEqual([cause, confidence])
  })

  it('is the formats, where they differ and the edge is broken throughout', () => {
    const calls: Calls[] = [
      ['a → b', 100, 100],
      ['a → c', 0, 50],
    ]
    expect(causeOfFirst(calls, { formatsDiffer: true })).toEqual(['format_mismatch', 0.95])
    expect(causeOfFirst([['a → b', 30, 100], ...calls.slice(1)], { formatsDiffer: true })[0]).toBe('undetermined')
  })

  it('stays open between formats and the caller until one of its other edges is known', () => {
    const calls = (known: number): Calls[] => [
      ['a → b', 100, 100],
      ['a → c', 0, known],
      ['d → b', 0, 50],
    ]
    expect(causeOfFirst(calls(ENOUGH - 1), { formatsDiffer: true })[0]).toBe('undetermined')
    expect(causeOfFirst(calls(ENOUGH), { formatsDiffer: true })).toEqual(['format_mismatch', 0.95])
  })

  it('is what stands between, where one route loses all and the others nothing', () => {
    expect(causeOfFirst([['a → b', 50, 100]], { oneRouteOnly: true })).toEqual(['stripped_on_the_way', 0.95])
  })
})
