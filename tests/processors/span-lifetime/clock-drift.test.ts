import { describe, expect, it } from '@jest/globals'
import { farDrift, isDrifting } from '../../../processors/span-lifetime/clock-drift.ts'
import type { ClockGroup } from '../../../processors/span-lifetime/clocks/clock-groups.ts'

const MS = 1e6
const TOLERANCE_NANO = MS

interface Course {
  /** Offset by the second, in ms; null where nothing is known. */
  readonly offsetMs: (second: number) => number | null
  /** Way there and back. */
  readonly delayMs?: (second: number) => number
  readonly halfWidthMs?: number
  readonly stepsAtS?: readonly number[]
  readonly seconds?: number
}

function groupOf({ offsetMs, delayMs = () => 2, halfWidthMs = 0.1, stepsAtS = [], seconds = 60 }: Course): ClockGroup {
  const points = Array.from({ length: seconds }, (_, second) => ({ second, offset: offsetMs(second) })).flatMap(
    ({ second, offset }) => {
      if (offset === null) return []
      const delayNano = delayMs(second) * MS
      const bounds = { lowerNano: offset * MS - delayNano / 2, upperNano: offset * MS + delayNano / 2 }
      const known = { offsetNano: offset * MS, slopeNanoPerS: 0, halfWidthNano: halfWidthMs * MS, contradictedNano: 0 }
      return [{ second, root: 'hub', ...known, delayNano, ...bounds }]
    },
  )
  const jumps = stepsAtS.map((atS) => ({ atS, jumpNano: 20 * MS }))
  return { domain: 'a', members: ['a'], reference: 'hub', points, steps: jumps, jumps }
}

describe('a drift', () => {
  it.each<[string, Course, { drifting: boolean; far: boolean }]>([
    ['is none of a steady offset', { offsetMs: () => 5 }, { drifting: false, far: false }],
    ['is seen in a clock that runs away', { offsetMs: (s) => s * 0.1 }, { drifting: true, far: true }],
    [
      'by 3 ms is far, though it passes zero and is never far from it',
      { offsetMs: (s) => -1.5 + s / 20 },
      { drifting: true, far: true },
    ],
    [
      'by less than two tolerances may lie within them',
      { offsetMs: (s) => -0.9 + (s * 1.8) / 60 },
      { drifting: true, far: false },
    ],
    [
      'is seen where few seconds are known',
      { offsetMs: (s) => (s % 3 === 0 ? -1.5 + s / 20 : null) },
      { drifting: true, far: true },
    ],
    [
      'is none of 3 ms that are as good as uncertain',
      { offsetMs: (s) => s / 20, halfWidthMs: 0.8 },
      { drifting: false, far: false },
    ],
    [
      'is none of a queue that grows on one way, which moves the offset by half of what it adds to the delay',
      { offsetMs: (s) => s / 20, delayMs: (s) => 2 + s / 10 },
      { drifting: false, far: false },
    ],
    [
      'is none of a load that comes and goes',
      { offsetMs: (s) => (s > 25 && s < 35 ? 3 : 0) },
      { drifting: false, far: false },
    ],
    [
      'is none of a step, nor of the second with the step in it',
      { offsetMs: (s) => (s >= 30 ? 20 : 0), stepsAtS: [30.2] },
      { drifting: false, far: false },
    ],
    [
      'is seen in what came after a step',
      { offsetMs: (s) => (s > 20 ? 20 + (s - 20) / 10 : 0), stepsAtS: [20.5] },
      { drifting: true, far: true },
    ],
    ['is told from no few seconds', { offsetMs: (s) => s, seconds: 4 }, { drifting: false, far: false }],
  ])('%s', (_, course, expected) => {
    const group = groupOf(course)
    expect({ drifting: isDrifting(group, TOLERANCE_NANO), far: farDrift(group, TOLERANCE_NANO) !== null }).toEqual(
      expected,
    )
  })

  it('is proven where no offset agrees with the calls of both ends', () => {
    const drift = (delay: number) =>
      farDrift(groupOf({ offsetMs: (s) => s / 20, delayMs: () => delay }), TOLERANCE_NANO)
    expect(drift(1)!.isProven).toBe(true)
    expect(drift(6)!.isProven).toBe(false)
  })
})
