import type { ClockGroup } from './clocks/clock-groups.ts'
import type { TrackPoint } from './clocks/clock-track.ts'
import { medianOf } from './clocks/robust.ts'

/** Uncertainties from which an offset, or a move of one, is taken for real. */
export const SIGNIFICANCE = 3
/**
 * Seconds from which a drift is told from an offset, and from which nothing before the last step is asked; and over how
 * many a drift is looked for that need not be one of an offset.
 */
const DRIFT = { least: 5, enough: 20, most: 120 } as const
/** Tolerances by which an offset moves that is beyond the tolerance at one end of its way, wherever zero is. */
const FAR = 2

/** How an offset moved along the line between the first and the last quarter of a stretch without steps. */
export interface Drift {
  readonly fromS: number
  readonly fromNano: number
  /** What it moved by in all. */
  readonly movedNano: number
  readonly uncertainNano: number
  /** Whether calls of the one end contradict all offsets of the other. */
  readonly isProven: boolean
}

/** Whether the offset moved, steps aside, by half of what is tolerated, and not only back and forth. */
export function isDrifting(group: ClockGroup, toleranceNano: number): boolean {
  const stretches = stretchesOf(group)
  const longest = stretches.reduce((most, one) => (one.length > most.length ? one : most))
  const stretch = stretches.findLast(({ length }) => length >= DRIFT.enough) ?? longest
  return stretch.length >= DRIFT.least && isMoved(driftOf(stretch), toleranceNano / 2)
}

/**
 * A far drift since the last step, or null. Ways that always differ by the same do not move an offset, and a load on one
 * of them is seen in the delay.
 */
export function farDrift(group: ClockGroup, toleranceNano: number): Drift | null {
  const stretch = stretchesOf(group).at(-1)!.slice(-DRIFT.most)
  if (stretch.length < DRIFT.enough) return null
  const drift = driftOf(stretch)
  return isMoved(drift, FAR * toleranceNano) ? drift : null
}

function isMoved({ movedNano, uncertainNano }: Drift, byNano: number): boolean {
  return Math.abs(movedNano) > Math.max(byNano + uncertainNano, SIGNIFICANCE * uncertainNano)
}

function driftOf(stretch: readonly TrackPoint[]): Drift {
  const quarter = Math.ceil(stretch.length / 4)
  const early = middleOf(stretch.slice(0, quarter))
  const late = middleOf(stretch.slice(-quarter))
  // What one way takes longer moves the offset by half of that.
  const loadNano = Math.abs(late.delayNano - early.delayNano) / 2
  const share = (stretch.at(-1)!.second - stretch[0]!.second) / Math.max(1, late.second - early.second)
  const movedNano = late.offsetNano - early.offsetNano
  return {
    fromS: stretch[0]!.second,
    fromNano: early.offsetNano - (movedNano * (share - 1)) / 2,
    movedNano: Math.sign(movedNano) * share * Math.max(0, Math.abs(movedNano) - loadNano),
    uncertainNano: share * Math.hypot(early.halfWidthNano, late.halfWidthNano),
    isProven: late.lowerNano > early.upperNano || late.upperNano < early.lowerNano,
  }
}

/** Each number by itself. */
function middleOf(points: readonly TrackPoint[]): Omit<TrackPoint, 'root' | 'slopeNanoPerS' | 'contradictedNano'> {
  const middle = (of: (point: TrackPoint) => number) => medianOf(points.map(of))
  return {
    second: middle(({ second }) => second),
    offsetNano: middle(({ offsetNano }) => offsetNano),
    halfWidthNano: middle(({ halfWidthNano }) => halfWidthNano),
    delayNano: middle(({ delayNano }) => delayNano),
    lowerNano: middle(({ lowerNano }) => lowerNano),
    upperNano: middle(({ upperNano }) => upperNano),
  }
}

/** What lies between its steps, earliest first; a second with a step in it is in none. */
function stretchesOf({ points, jumps }: ClockGroup): readonly (readonly TrackPoint[])[] {
  const stretches: (readonly TrackPoint[])[] = []
  let at = 0
  let begin = -1
  for (const end of [...jumps.map(({ atS }) => atS), Number.POSITIVE_INFINITY]) {
    while (at < points.length && points[at]!.second <= begin) at++
    const first = at
    while (at < points.length && points[at]!.second + 1 <= end) at++
    stretches.push(points.slice(first, at))
    begin = end
  }
  return stretches
}
