import type { ClockOffset } from './clock-graph.ts'
import type { Step } from './find-steps.ts'

/** The offset of a domain in one second. */
export interface TrackPoint extends ClockOffset {
  readonly second: number
}

/** A jump between two points of a track is a step if a step was seen near it. */
const STEP_NEAR_S = 2
const MIN_STEP_NANO = 0.5e6

/** How the offset of a domain went, second by second. Bounded: the oldest points go first. */
export class ClockTrack {
  readonly domain: string
  readonly points: TrackPoint[] = []
  forgotten = 0

  constructor(domain: string) {
    this.domain = domain
  }

  /** Sets the point of a second, again if late calls said more about it. */
  set(point: TrackPoint, limit: number): void {
    const { points } = this
    let i = points.length
    while (i > 0 && points[i - 1]!.second >= point.second) i--
    if (points[i]?.second === point.second) points[i] = point
    else points.splice(i, 0, point)
    if (points.length <= limit) return
    // A quarter at once, so that moving the rest costs little.
    const count = Math.ceil(limit / 4)
    points.splice(0, count)
    this.forgotten += count
  }

  /** Jumps of the track where a step was seen between two clocks. */
  steps(seen: readonly Step[]): readonly Step[] {
    const steps: Step[] = []
    if (seen.length === 0) return steps
    for (let i = 1; i < this.points.length; i++) {
      const before = this.points[i - 1]!
      const point = this.points[i]!
      if (before.root !== point.root) continue
      const explained = ((before.slopeNanoPerS + point.slopeNanoPerS) / 2) * (point.second - before.second)
      const jumpNano = point.offsetNano - before.offsetNano
      if (Math.abs(jumpNano - explained) < Math.max(MIN_STEP_NANO, 3 * point.halfWidthNano)) continue
      const step = nearest(seen, before.second - STEP_NEAR_S, point.second + 1 + STEP_NEAR_S, jumpNano)
      const last = steps.at(-1)
      if (step && !(last && step.atS - last.atS < STEP_NEAR_S)) steps.push({ atS: step.atS, jumpNano })
    }
    return steps
  }
}

/** Of the steps seen between any two clocks in this time, the one whose size is closest, whatever its direction. */
function nearest(steps: readonly Step[], fromS: number, untilS: number, jumpNano: number): Step | undefined {
  const distance = (step: Step) => Math.abs(Math.abs(step.jumpNano) - Math.abs(jumpNano))
  return steps
    .filter((step) => step.atS >= fromS && step.atS <= untilS)
    .sort((a, b) => distance(a) - distance(b) || a.atS - b.atS)[0]
}
