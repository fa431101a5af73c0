import type { ClockOffset } from './clock-graph.ts'

/** The offset of a domain in one second. */
export interface TrackPoint extends ClockOffset {
  readonly second: number
}

/** How the offset of a domain went, second by second. Bounded: the oldest points go first. */
export class ClockTrack {
  readonly domain: string
  readonly points: TrackPoint[] = []

  constructor(domain: string) {
    this.domain = domain
  }

  at(second: number): TrackPoint | null {
    const i = this.#indexOf(second)
    return i < 0 ? null : this.points[i]!
  }

  remove(second: number): void {
    const i = this.#indexOf(second)
    if (i >= 0) this.points.splice(i, 1)
  }

  /** −1 where it has no point. */
  #indexOf(second: number): number {
    const { points } = this
    let from = 0
    let until = points.length - 1
    while (from <= until) {
      const middle = (from + until) >> 1
      const found = points[middle]!.second
      if (found === second) return middle
      if (found < second) from = middle + 1
      else until = middle - 1
    }
    return -1
  }

  /** Sets the point of a second, again if more is known about it; returns how many old ones were forgotten for it. */
  set(point: TrackPoint, limit: number): number {
    const { points } = this
    let i = points.length
    while (i > 0 && points[i - 1]!.second >= point.second) i--
    if (points[i]?.second === point.second) points[i] = point
    else points.splice(i, 0, point)
    if (points.length <= limit) return 0
    // A quarter at once, so that moving the rest costs little.
    const count = Math.ceil(limit / 4)
    points.splice(0, count)
    return count
  }
}
