import { describe, expect, it } from '@jest/globals'
import { segmentsOf } from '../../../../processors/span-lifetime/clocks/clock-segments.ts'
import type { Step } from '../../../../processors/span-lifetime/clocks/find-steps.ts'

const MS = 1e6

/** Offset in the middle of each second, and what it moves by in one. */
type Second = readonly [offsetMs: number, slopeMs: number]

function segmentsAsText(seconds: readonly Second[], jumps: readonly Step[] = []): readonly string[] {
  const points = seconds.map(([offsetMs, slopeMs], second) => ({
    second,
    root: 'hub',
    offsetNano: offsetMs * MS,
    slopeNanoPerS: slopeMs * MS,
    halfWidthNano: 0.01 * MS,
    contradictedNano: 0,
    delayNano: MS,
    lowerNano: (offsetMs - 1) * MS,
    upperNano: (offsetMs + 1) * MS,
  }))
  const rows = segmentsOf({ domain: 'a', members: ['a'], reference: 'hub', points, steps: jumps, jumps })
  return rows.map(({ fromUnixNano, untilUnixNano, offsetNano, uncertaintyNano }) => {
    const [from, until] = [fromUnixNano, untilUnixNano].map((nano) => Number(nano) / 1e9)
    return `${from}–${until}: ${(offsetNano / MS).toFixed(3)} ±${(uncertaintyNano / MS).toFixed(3)}`
  })
}

describe('segments of an offset', () => {
  it.each<[string, readonly Second[], readonly Step[], readonly string[]]>([
    [
      'one, as long as it is steady',
      [
        [3, 0],
        [3.1, 0],
        [3, 0],
      ],
      [],
      ['0–3: 3.033 ±0.077'],
    ],
    [
      'parts of seconds, where it drifts fast',
      [
        [0.25, 0.5],
        [0.75, 0.5],
      ],
      [],
      ['0–0.5: 0.125 ±0.135', '0.5–1: 0.375 ±0.135', '1–1.5: 0.625 ±0.135', '1.5–2: 0.875 ±0.135'],
    ],
    [
      'two that meet at a step, and none that is empty',
      [
        [1, 0],
        [1.2, 0],
        [21, 0],
        [21.2, 0],
      ],
      [{ atS: 1.7, jumpNano: 20 * MS }],
      ['0–1: 1.000 ±0.010', '1–1.7: 1.200 ±0.010', '1.7–3: 21.000 ±0.010', '3–4: 21.200 ±0.010'],
    ],
  ])('are %s', (_, seconds, jumps, expected) => {
    expect(segmentsAsText(seconds, jumps)).toEqual(expected)
  })
})
