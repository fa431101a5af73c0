import { ASYMMETRY_SHARE } from './clock-graph.ts'
import { compareIds } from './clock-source.ts'
import type { ClockTrack, TrackPoint } from './clock-track.ts'
import type { Step } from './find-steps.ts'

/** Domains whose clocks showed the same time as far as can be told: pods of one machine, mostly. */
export interface ClockGroup {
  /** The smallest id of its members. */
  readonly domain: string
  readonly members: readonly string[]
  /** The domain that offsets of its component are given against. */
  readonly reference: string
  readonly points: readonly TrackPoint[]
  /** Of its own clock. */
  readonly steps: readonly Step[]
  /** Of its offset: its own, and the reference's the other way. */
  readonly jumps: readonly Step[]
}

/** However slow the network, clocks that differ by more are two. */
export const MAX_EQUAL_NANO = 0.25e6
/** Share of the seconds in which both are known that may differ: estimates scatter. */
const MAX_DIFFERING = 0.05
/** Steps of members this close are one. */
const SAME_STEP_S = 2

/**
 * Merges domains whose offset is zero within the uncertainty at all times, which includes that the way there may differ
 * from the way back by a tenth of both. Each domain joins the first group whose first member it equals, largest first,
 * so that the result does not depend on their order. The group of the reference is at zero.
 */
export function groupClocks(
  tracks: readonly ClockTrack[],
  spansOf: (domain: string) => number,
  stepsOf: (domain: string) => readonly Step[],
): readonly ClockGroup[] {
  const bySize = [...tracks]
    .filter((track) => track.points.length > 0)
    .sort((a, b) => spansOf(b.domain) - spansOf(a.domain) || compareIds(a.domain, b.domain))
  const groups: ClockTrack[][] = []
  const leaders: Leader[] = []
  for (const track of bySize) {
    const known = leaders.findIndex((leader) => showsSameTime(leader, track))
    if (known >= 0) groups[known]!.push(track)
    else {
      groups.push([track])
      leaders.push({
        last: track.points.at(-1)!,
        bySecond: new Map(track.points.map((point) => [point.second, point])),
      })
    }
  }
  const references = new Map<string, readonly ClockTrack[]>()
  for (const group of groups) {
    const { root } = group[0]!.points.at(-1)!
    if (!references.has(root)) references.set(root, group)
  }
  return groups.map((group) => groupOf(group, references.get(group[0]!.points.at(-1)!.root)!, stepsOf))
}

/** The first domain of the reference's group, which is the largest, is the reference. */
function groupOf(
  group: readonly ClockTrack[],
  reference: readonly ClockTrack[],
  stepsOf: (domain: string) => readonly Step[],
): ClockGroup {
  const members = group.map((track) => track.domain).sort(compareIds)
  const base = reference[0]!
  const steps = mergedSteps(group, stepsOf)
  const identity = { domain: members[0]!, members, reference: base.domain, steps }
  if (group === reference) return { ...identity, points: base.points.map(atZero), jumps: [] }
  const moved = mergedSteps(reference, stepsOf).map(({ atS, jumpNano }) => ({ atS, jumpNano: -jumpNano }))
  const jumps = [...steps, ...moved].sort((a, b) => a.atS - b.atS)
  return { ...identity, points: relativeTo(averaged(group), base.points), jumps }
}

/** Weighted by certainty, second by second. */
function averaged(group: readonly ClockTrack[]): readonly TrackPoint[] {
  if (group.length === 1) return group[0]!.points
  const bySecond = new Map<number, TrackPoint[]>()
  for (const { points } of group)
    for (const point of points) {
      const list = bySecond.get(point.second)
      if (list) list.push(point)
      else bySecond.set(point.second, [point])
    }
  return [...bySecond.keys()].sort((a, b) => a - b).map((second) => average(bySecond.get(second)!))
}

function average(points: readonly TrackPoint[]): TrackPoint {
  if (points.length === 1) return points[0]!
  let weight = 0
  let offsetNano = 0
  let slopeNanoPerS = 0
  for (const point of points) {
    const own = 1 / Math.max(1, point.halfWidthNano) ** 2
    weight += own
    offsetNano += own * point.offsetNano
    slopeNanoPerS += own * point.slopeNanoPerS
  }
  offsetNano /= weight
  return {
    ...points[0]!,
    offsetNano,
    slopeNanoPerS: slopeNanoPerS / weight,
    halfWidthNano: 1 / Math.sqrt(weight),
    lowerNano: Math.min(offsetNano, Math.max(...points.map((point) => point.lowerNano))),
    upperNano: Math.max(offsetNano, Math.min(...points.map((point) => point.upperNano))),
  }
}

/** Roots may change while a component grows; the reference's own track takes that out. */
function relativeTo(points: readonly TrackPoint[], base: readonly TrackPoint[]): readonly TrackPoint[] {
  const bySecond = new Map(base.map((point) => [point.second, point]))
  return points.map((point) => {
    const zero = bySecond.get(point.second)
    if (!zero || zero.root !== point.root || zero.offsetNano === 0) return point
    return {
      ...point,
      offsetNano: point.offsetNano - zero.offsetNano,
      slopeNanoPerS: point.slopeNanoPerS - zero.slopeNanoPerS,
      halfWidthNano: Math.hypot(point.halfWidthNano, zero.halfWidthNano),
      lowerNano: point.lowerNano - zero.upperNano,
      upperNano: point.upperNano - zero.lowerNano,
    }
  })
}

function atZero(point: TrackPoint): TrackPoint {
  return { ...point, offsetNano: 0, slopeNanoPerS: 0, halfWidthNano: 0, lowerNano: 0, upperNano: 0 }
}

/** Each step once, though several members had it. */
function mergedSteps(group: readonly ClockTrack[], stepsOf: (domain: string) => readonly Step[]): readonly Step[] {
  const steps: Step[] = []
  for (const step of group.flatMap(({ domain }) => stepsOf(domain)).sort((a, b) => a.atS - b.atS))
    if (steps.length === 0 || step.atS - steps.at(-1)!.atS > SAME_STEP_S) steps.push(step)
  return steps
}

/** The first member of a group, to which others are compared. */
interface Leader {
  readonly last: TrackPoint
  readonly bySecond: ReadonlyMap<number, TrackPoint>
}

function showsSameTime({ last, bySecond }: Leader, track: ClockTrack): boolean {
  // Of another component, which nothing connects: the rule for nearly all pairs of a large system.
  if (last.root !== track.points.at(-1)!.root) return false
  let both = 0
  let differing = 0
  let sum = 0
  let allowed = 0
  for (const point of track.points) {
    const other = bySecond.get(point.second)
    if (!other || other.root !== point.root) continue
    const difference = point.offsetNano - other.offsetNano
    const tolerance = equalWithin(point, other)
    both++
    sum += difference
    allowed += tolerance
    if (Math.abs(difference) > 2 * tolerance && ++differing > track.points.length * MAX_DIFFERING) return false
  }
  return both > 0 && Math.abs(sum) <= allowed && differing <= both * MAX_DIFFERING
}

function equalWithin(a: TrackPoint, b: TrackPoint): number {
  const asymmetryNano = ASYMMETRY_SHARE * Math.max(a.delayNano, b.delayNano)
  return Math.min(MAX_EQUAL_NANO, Math.max(asymmetryNano, Math.hypot(a.halfWidthNano, b.halfWidthNano)))
}
