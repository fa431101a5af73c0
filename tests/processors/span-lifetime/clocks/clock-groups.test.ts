import { describe, expect, it } from '@jest/globals'
import { groupClocks } from '../../../../processors/span-lifetime/clocks/clock-groups.ts'
import { ClockTrack } from '../../../../processors/span-lifetime/clocks/clock-track.ts'

const MS = 1e6
const SPANS: Readonly<Record<string, number>> = { hub: 1000, a: 300, b: 200, c: 100 }

/** By domain its root and offset to it in ms, from second to second; null where no call tells it. */
type Seconds = Readonly<Record<string, readonly (readonly [root: string, offsetMs: number] | null)[]>>

function groupsOf(seconds: Seconds) {
  const tracks = Object.entries(seconds).map(([domain, points]) => {
    const track = new ClockTrack(domain)
    for (const [second, point] of points.entries()) {
      if (point === null) continue
      const [root, offsetMs] = point
      const offsetNano = offsetMs * MS
      const bounds = { lowerNano: offsetNano - MS, upperNano: offsetNano + MS }
      const slope = {
        slopeNanoPerS: 0,
        halfWidthNano: domain === root ? 0 : 0.01 * MS,
        contradictedNano: 0,
        delayNano: MS,
      }
      track.set({ second, root, offsetNano, ...slope, ...bounds }, 1000)
    }
    return track
  })
  const groups = groupClocks(
    tracks,
    (domain) => SPANS[domain]!,
    () => [],
  )
  return groups.map(({ members, reference, points }) => ({
    members: members.join(' '),
    reference,
    offsetsMs: points.map(({ second, offsetNano }) => `${second}: ${Math.round(offsetNano / MS)}`).join(', '),
  }))
}

const always = (seconds: number, root: string, offsetMs: number) =>
  Array.from({ length: seconds }, () => [root, offsetMs] as const)

describe('groups of clocks', () => {
  it.each<[string, Seconds, ReturnType<typeof groupsOf>]>([
    [
      'are those that show the same time',
      { hub: always(3, 'hub', 0), a: always(3, 'hub', 0), b: always(3, 'hub', 5) },
      [
        { members: 'a hub', reference: 'hub', offsetsMs: '0: 0, 1: 0, 2: 0' },
        { members: 'b', reference: 'hub', offsetsMs: '0: 5, 1: 5, 2: 5' },
      ],
    ],
    [
      'are given against one that is still heard of, when the largest of their own group is silent',
      { hub: always(3, 'hub', 0), a: [...always(3, 'hub', 0), ...always(40, 'a', 0)], b: always(3, 'hub', 5) },
      [
        { members: 'a hub', reference: 'a', offsetsMs: Array.from({ length: 43 }, (_, i) => `${i}: 0`).join(', ') },
        { members: 'b', reference: 'a', offsetsMs: '0: 5, 1: 5, 2: 5' },
      ],
    ],
    [
      'stay what they are in a last second whose calls connect only some, under a root of their own',
      {
        hub: always(3, 'hub', 0),
        a: [...always(3, 'hub', 5), ['a', 0]],
        b: [...always(3, 'hub', 5), ['a', 0]],
      },
      [
        { members: 'hub', reference: 'hub', offsetsMs: '0: 0, 1: 0, 2: 0' },
        { members: 'a b', reference: 'hub', offsetsMs: '0: 5, 1: 5, 2: 5' },
      ],
    ],
    [
      'are averaged against the reference, whatever the root was in a second',
      {
        hub: [
          ['hub', 0],
          ['c', -9],
        ],
        a: [
          ['hub', 5],
          ['c', -4],
        ],
        b: [['hub', 5], null],
        c: [null, ['c', 0]],
      },
      [
        { members: 'hub', reference: 'hub', offsetsMs: '0: 0, 1: 0' },
        { members: 'a b', reference: 'hub', offsetsMs: '0: 5, 1: 5' },
        { members: 'c', reference: 'hub', offsetsMs: '1: 9' },
      ],
    ],
    [
      'are given against a domain that is still heard of',
      {
        hub: always(2, 'hub', 0),
        a: [...always(2, 'hub', 5), ...always(40, 'a', 0)],
        b: [...always(2, 'hub', 7), ...always(40, 'a', 2)],
      },
      [
        { members: 'hub', reference: 'a', offsetsMs: '0: -5, 1: -5' },
        {
          members: 'a',
          reference: 'a',
          offsetsMs: always(42, '', 0)
            .map((_, i) => `${i}: 0`)
            .join(', '),
        },
        {
          members: 'b',
          reference: 'a',
          offsetsMs: always(42, '', 0)
            .map((_, i) => `${i}: 2`)
            .join(', '),
        },
      ],
    ],
    [
      'that nothing connects have references of their own',
      { hub: always(2, 'hub', 0), a: always(2, 'hub', 5), b: always(2, 'b', 0), c: always(2, 'b', 3) },
      [
        { members: 'hub', reference: 'hub', offsetsMs: '0: 0, 1: 0' },
        { members: 'a', reference: 'hub', offsetsMs: '0: 5, 1: 5' },
        { members: 'b', reference: 'b', offsetsMs: '0: 0, 1: 0' },
        { members: 'c', reference: 'b', offsetsMs: '0: 3, 1: 3' },
      ],
    ],
  ])('%s', (_, seconds, expected) => {
    expect(groupsOf(seconds)).toEqual(expected)
  })
})
