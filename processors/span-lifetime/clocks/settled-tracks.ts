import type { ClockOffset } from './clock-graph.ts'
import type { ClockLimits } from './clock-samples.ts'
import { ClockTrack, type TrackPoint } from './clock-track.ts'
import { REACH_S } from './domain-pair.ts'
import { HISTORY_S } from './pair-samples.ts'

/** A second is settled when its traces have mostly left the window and a step in it would have been seen. */
const SETTLE_S = 12
/** Of many pairs only every so many seconds are settled, so that a round takes a bounded time; no estimate looks further. */
const PAIRS_A_ROUND = 256
const MAX_STRIDE_S = REACH_S
/** Late calls: which seconds around they change, after how long without further ones, and how many a round. */
const LATE_REACH_S = 2
const LATE_QUIET_S = 3
const RESETTLED_A_ROUND = 8
/** Points of one track. */
const MAX_TRACK_POINTS = 8192

/**
 * The offsets of all domains second by second, each estimated when its calls have come, and again when late ones or a step
 * that was found say more. Bounded: the oldest points go first, and of tracks the one that ended first.
 */
export class SettledTracks {
  readonly #maxTracks: number
  readonly #maxPoints: number
  readonly #tracks = new Map<string, ClockTrack>()
  /** The last second that stands; NaN before the first. */
  #untilS = Number.NaN
  /** Seconds to settle again, with when that was said. */
  readonly #changed = new Map<number, number>()
  /** How many seconds may be settled again now. */
  #again = 0
  #forgottenPoints = 0
  #forgottenTracks = 0

  constructor({ maxClocks, maxPoints }: ClockLimits) {
    this.#maxTracks = maxClocks
    this.#maxPoints = maxPoints
  }

  get all(): ClockTrack[] {
    return [...this.#tracks.values()]
  }

  at(domain: string | null, second: number): TrackPoint | null {
    return (domain !== null && this.#tracks.get(domain)?.at(second)) || null
  }

  get limits(): Readonly<Record<string, number>> {
    return { forgotten_clock_points: this.#forgottenPoints, forgotten_clock_tracks: this.#forgottenTracks }
  }

  /** A call came late: it says more about a second that stands, and about those beside it. */
  lateCall(second: number, nowS: number): void {
    if (second <= this.#untilS) this.#change(second - LATE_REACH_S, second + LATE_REACH_S, nowS)
  }

  /** A step came, went or moved: no estimate may reach across it. */
  step(atS: number, nowS: number): void {
    this.#change(Math.floor(atS - REACH_S), Math.ceil(atS + REACH_S), nowS)
  }

  /** Settles the seconds whose turn it is by what the offsets of all domains are at a time. */
  settle(
    pairs: number,
    firstSecond: () => number,
    nowS: number,
    offsetsAt: (timeS: number) => ReadonlyMap<string, ClockOffset>,
  ): void {
    if (Number.isNaN(this.#untilS)) this.#untilS = firstSecond() - 1
    const until = Math.floor(nowS) - SETTLE_S
    const strideS = Math.min(MAX_STRIDE_S, Math.max(1, Math.ceil(pairs / PAIRS_A_ROUND)))
    for (let second = Math.max(this.#untilS + 1, until - HISTORY_S); second <= until; second++)
      if (second % strideS === 0) this.#set(second, offsetsAt(second + 0.5))
    if (until > this.#untilS) this.#untilS = until
    this.#again = Math.min(RESETTLED_A_ROUND, this.#again + RESETTLED_A_ROUND / strideS ** 2)
    for (const [second, changedS] of [...this.#changed].sort((a, b) => a[0] - b[0])) {
      if (second < nowS - HISTORY_S) this.#changed.delete(second)
      else if (second % strideS !== 0) this.#changed.delete(second)
      else if (this.#again >= 1 && nowS - changedS >= LATE_QUIET_S) {
        this.#changed.delete(second)
        const offsets = offsetsAt(second + 0.5)
        // What rested on calls of both sides of a step may rest on none now.
        for (const [domain, track] of this.#tracks) if (!offsets.has(domain)) track.remove(second)
        this.#set(second, offsets)
        this.#again--
      }
    }
  }

  #change(from: number, until: number, nowS: number): void {
    for (let second = from; second <= Math.min(until, this.#untilS); second++) this.#changed.set(second, nowS)
  }

  #set(second: number, offsets: ReadonlyMap<string, ClockOffset>): void {
    const share = Math.floor(this.#maxPoints / Math.max(1, this.#tracks.size, offsets.size))
    const limit = Math.max(1, Math.min(MAX_TRACK_POINTS, share))
    for (const [domain, offset] of offsets)
      this.#forgottenPoints += this.#track(domain).set({ ...offset, second }, limit)
  }

  #track(domain: string): ClockTrack {
    let track = this.#tracks.get(domain)
    if (!track) {
      if (this.#tracks.size >= this.#maxTracks) this.#forgetOldest()
      track = new ClockTrack(domain)
      this.#tracks.set(domain, track)
    }
    return track
  }

  /** A sixteenth at once, so that looking for them costs little. */
  #forgetOldest(): void {
    const lastSecond = (track: ClockTrack) => track.points.at(-1)?.second ?? Number.NEGATIVE_INFINITY
    const byAge = this.all.sort((a, b) => lastSecond(a) - lastSecond(b))
    for (const { domain } of byAge.slice(0, Math.ceil(this.#maxTracks / 16))) {
      this.#tracks.delete(domain)
      this.#forgottenTracks++
    }
  }
}
