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
/** Points of a track that tell what it is connected with. */
const RECENT_POINTS = 60
/** A domain of which nothing was heard for so much longer than of others is no reference. */
const SILENT_S = 30

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
  const componentOf = components(bySize)
  const groups: ClockTrack[][] = []
  const leaders: Leader[] = []
  for (const track of bySize) {
    const component = componentOf(track.domain)
    const known = leaders.findIndex((leader) => leader.component === component && showsSameTime(leader, track))
    if (known >= 0) groups[known]!.push(track)
    else {
      groups.push([track])
      leaders.push({ component, bySecond: new Map(track.points.map((point) => [point.second, point])) })
    }
  }
  const references = referencesOf(groups, componentOf)
  return groups.map((group) => groupOf(group, references.get(componentOf(group[0]!.domain))!, stepsOf))
}

/**
 * Which clocks calls connect: whatever had the same root lately. In a second without calls a part of them may have had
 * one of its own.
 */
function components(tracks: readonly ClockTrack[]): (domain: string) => string {
  const above = new Map<string, string>()
  const topOf = (domain: string) => {
    let top = domain
    for (let next = above.get(top); next !== undefined; next = above.get(top)) top = next
    return top
  }
  for (const { domain, points } of tracks) {
    let root = ''
    for (let i = Math.max(0, points.length - RECENT_POINTS); i < points.length; i++) {
      if (points[i]!.root === root) continue
      root = points[i]!.root
      const [top, other] = [topOf(root), topOf(domain)]
      if (top !== other) above.set(other, top)
    }
  }
  return topOf
}

/** By component its reference, with all of its group: the largest clock of the largest group that is still heard of. */
function referencesOf(
  groups: readonly (readonly ClockTrack[])[],
  componentOf: (domain: string) => string,
): ReadonlyMap<string, Reference> {
  const latest = new Map<string, number>()
  for (const { domain, points } of groups.flat()) {
    const component = componentOf(domain)
    latest.set(component, Math.max(latest.get(component) ?? 0, points.at(-1)!.second))
  }
  const references = new Map<string, Reference>()
  for (const group of groups) {
    const component = componentOf(group[0]!.domain)
    if (references.has(component)) continue
    const heard = group.find(({ points }) => points.at(-1)!.second >= latest.get(component)! - SILENT_S)
    if (!heard) continue
    const { domain, points } = heard
    references.set(component, { group, domain, bySecond: new Map(points.map((point) => [point.second, point])) })
  }
  return references
}

function groupOf(
  group: readonly ClockTrack[],
  reference: Reference,
  stepsOf: (domain: string) => readonly Step[],
): ClockGroup {
  const members = group.map((track) => track.domain).sort(compareIds)
  const steps = mergedSteps(group, stepsOf)
  const identity = { domain: members[0]!, members, reference: reference.domain, steps }
  if (group === reference.group)
    return { ...identity, points: [...reference.bySecond.values()].map((p) => atZero(p, reference.domain)), jumps: [] }
  const moved = mergedSteps(reference.group, stepsOf).map(({ atS, jumpNano }) => ({ atS, jumpNano: -jumpNano }))
  const jumps = [...steps, ...moved].sort((a, b) => a.atS - b.atS)
  return { ...identity, points: averaged(group.map((track) => relativeTo(track.points, reference))), jumps }
}

/** Weighted by certainty, second by second. */
function averaged(tracks: readonly (readonly TrackPoint[])[]): readonly TrackPoint[] {
  if (tracks.length === 1) return tracks[0]!
  const bySecond = new Map<number, TrackPoint[]>()
  for (const points of tracks)
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

/** Against the reference, whatever the root was; in a second that does not connect the two nothing is known. */
function relativeTo(points: readonly TrackPoint[], { domain, bySecond }: Reference): readonly TrackPoint[] {
  return points.flatMap((point) => {
    const zero = bySecond.get(point.second)
    if (!zero || zero.root !== point.root) return []
    if (point.root === domain) return point
    return {
      ...point,
      root: domain,
      offsetNano: point.offsetNano - zero.offsetNano,
      slopeNanoPerS: point.slopeNanoPerS - zero.slopeNanoPerS,
      halfWidthNano: Math.hypot(point.halfWidthNano, zero.halfWidthNano),
      lowerNano: point.lowerNano - zero.upperNano,
      upperNano: point.upperNano - zero.lowerNano,
    }
  })
}

function atZero(point: TrackPoint, root: string): TrackPoint {
  return { ...point, root, offsetNano: 0, slopeNanoPerS: 0, halfWidthNano: 0, lowerNano: 0, upperNano: 0 }
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
  readonly component: string
  readonly bySecond: ReadonlyMap<number, TrackPoint>
}

/** The domain that the offsets of a component are given against. */
interface Reference {
  readonly group: readonly ClockTrack[]
  readonly domain: string
  readonly bySecond: ReadonlyMap<number, TrackPoint>
}

function showsSameTime({ bySecond }: Leader, track: ClockTrack): boolean {
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
