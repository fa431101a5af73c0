import { meanOf, medianError, medianOf, robustSigma, valueByRank } from './robust.ts'
import type { Samples, SampleWindow } from './sample-window.ts'

/** Calls from which an offset is estimated, and samples of least delay that remain of them. */
export const MIN_CALLS = 10
const MIN_SAMPLES = 6
/**
 * Share of the calls that count, those that waited least on the way, and how many at most: of many calls there are
 * enough that hardly waited at all.
 */
const LEAST_DELAYED = 0.25
const MAX_SAMPLES = 96
/**
 * Where few calls were seen, or many waited, what waited twice as long as the best says more of a queue than of a clock;
 * up to a millisecond more is what SDKs cut off times.
 */
const MOST_DELAYED = 2
const CUT_NANO = 1e6
/** Below this span of time a slope means nothing. */
const MIN_SLOPE_S = 4
/** Errors of the difference of two halves from which a slope is believed. */
const SLOPE_SIGNIFICANCE = 4
/** What a clock that nobody disciplines drifts by, where too little was seen to measure it. */
const USUAL_DRIFT = 50e-6
/**
 * Ways of up to 5 ms there and back are taken as equally long, as measured in clusters. Of what is beyond, a quarter is
 * uncertain: a callee that ends its span before it answers looks like a slow way back.
 */
const SYMMETRIC_DELAY_NANO = 5e6
const ASYMMETRY = 0.25
/** Calls around the very time of an estimate, and errors of their median from which they contradict it. */
const AROUND = 5
const CONTRADICTION = 3
/** Clocks are read in microseconds at best where SDKs cut times. */
const MIN_HALF_WIDTH_NANO = 1000
const Z95 = 1.96

/** Offset between two clocks (second minus first) at one time, with its slope. */
export interface OffsetFit {
  readonly offsetNano: number
  readonly slopeNanoPerS: number
  /** Half width of the 95 % interval. */
  readonly halfWidthNano: number
  /** What the calls of that very time contradict it by, more than by chance: a step was not found. In the half width, too. */
  readonly contradictedNano: number
  /** Typical way there and back of the calls that were least delayed. */
  readonly delayNano: number
  /** Offsets beyond these contradict a call that was seen. */
  readonly lowerNano: number
  readonly upperNano: number
}

/**
 * The offset at `atS`: the median over the calls of a window that were least delayed, along a line where the medians of
 * both halves of the window differ significantly. Assumes that least delayed calls take as long there as back; robust
 * against up to half of them being wrong. Null where too little was seen, or nothing within `reachS` by which the slope
 * that is needed to go further is known.
 */
export function fitOffset(window: SampleWindow, atS: number, reachS = Number.POSITIVE_INFINITY): OffsetFit | null {
  if (window.calls < MIN_CALLS || window.size < MIN_SAMPLES) return null
  const wanted = Math.max(2 * MIN_SAMPLES, Math.ceil(window.calls * LEAST_DELAYED))
  const { times, offsets, delays } = withoutQueued(window.leastDelayed(Math.min(MAX_SAMPLES, wanted)))
  const count = times.length
  const level = new Float64Array(count)
  const { slope, halfWidth: slopeHalfWidth, isMeasured } = slopeOf(times, offsets, level)
  let meanTime = 0
  for (let i = 0; i < count; i++) {
    level[i] = offsets[i]! - slope * (times[i]! - atS)
    meanTime += times[i]! / count
  }
  if (!isMeasured && Math.abs(atS - meanTime) > reachS) return null
  const offsetNano = medianOf(level)
  const sigma = robustSigma(level, offsetNano)
  const delayNano = medianOf(delays)
  const contradictedNano = contradictionNano(times, level, atS, offsetNano, sigma)
  const asymmetryNano = ASYMMETRY * Math.max(0, delayNano - SYMMETRIC_DELAY_NANO)
  return {
    offsetNano,
    slopeNanoPerS: slope,
    halfWidthNano: Math.max(
      MIN_HALF_WIDTH_NANO,
      Math.hypot(Z95 * medianError(sigma, count), slopeHalfWidth * Math.abs(atS - meanTime), asymmetryNano),
      contradictedNano,
    ),
    contradictedNano,
    delayNano,
    ...boundsAround(window, offsetNano, level, delays, delayNano, slope),
  }
}

/** Moves the rest together; a few always remain. */
function withoutQueued({ times, offsets, delays }: Samples): Samples {
  const best = valueByRank(delays, MIN_SAMPLES - 1)
  const mostNano = Math.max(MOST_DELAYED * best, best + CUT_NANO)
  let kept = 0
  for (let i = 0; i < delays.length; i++) {
    if (delays[i]! > mostNano) continue
    times[kept] = times[i]!
    offsets[kept] = offsets[i]!
    delays[kept++] = delays[i]!
  }
  return { times: times.subarray(0, kept), offsets: offsets.subarray(0, kept), delays: delays.subarray(0, kept) }
}

/** What the calls around that time differ by from what all say, if that is no chance: then a step was not found yet. */
function contradictionNano(
  times: Float64Array,
  level: Float64Array,
  atS: number,
  offsetNano: number,
  sigma: number,
): number {
  let after = 0
  while (after < times.length && times[after]! < atS) after++
  const from = Math.max(0, Math.min(times.length - AROUND, after - (AROUND >> 1)))
  const differenceNano = Math.abs(medianOf(level, from, from + AROUND) - offsetNano)
  return differenceNano > CONTRADICTION * medianError(sigma, AROUND) ? differenceNano : 0
}

interface Slope {
  readonly slope: number
  /** Of the 95 % interval. */
  readonly halfWidth: number
  readonly isMeasured: boolean
}

const UNMEASURED: Slope = { slope: 0, halfWidth: USUAL_DRIFT * 1e9, isMeasured: false }

/**
 * Slope between the halves of the window by time with the half width of its 95 % interval; zero where their medians do
 * not differ for sure, which does not make it certain that there is none. `level` is to work in.
 */
function slopeOf(times: Float64Array, offsets: Float64Array, level: Float64Array): Slope {
  const count = times.length
  const middle = count >> 1
  if (middle < MIN_SAMPLES || times[count - 1]! - times[0]! < MIN_SLOPE_S) return UNMEASURED
  const seconds = meanOf(times, count - middle, count) - meanOf(times, 0, middle)
  if (seconds <= 0) return UNMEASURED
  const rough = (medianOf(offsets, count - middle, count) - medianOf(offsets, 0, middle)) / seconds
  // What a slope spreads over a half makes its median no less certain: only the scatter around the line does.
  for (let i = 0; i < count; i++) level[i] = offsets[i]! - rough * (times[i]! - times[0]!)
  const early = medianOf(level, 0, middle)
  const late = medianOf(level, count - middle, count)
  const difference = rough * seconds + late - early
  const error = Math.hypot(
    medianError(robustSigma(level, early, 0, middle), middle),
    medianError(robustSigma(level, late, count - middle, count), middle),
  )
  if (Math.abs(difference) <= SLOPE_SIGNIFICANCE * error)
    return { slope: 0, halfWidth: (Math.abs(difference) + Z95 * error) / seconds, isMeasured: true }
  return { slope: difference / seconds, halfWidth: (Z95 * error) / seconds, isMeasured: true }
}

/** The tightest bounds that agree with the estimate: a bound on its wrong side is of a call that was not waited for. */
function boundsAround(
  window: SampleWindow,
  offsetNano: number,
  level: Float64Array,
  delays: Float64Array,
  delayNano: number,
  slope: number,
): { lowerNano: number; upperNano: number } {
  let lowerNano = Number.NEGATIVE_INFINITY
  let upperNano = Number.POSITIVE_INFINITY
  for (let i = 0; i < level.length; i++) {
    const lower = level[i]! - delays[i]! / 2
    const upper = level[i]! + delays[i]! / 2
    if (lower <= offsetNano && lower > lowerNano) lowerNano = lower
    if (upper >= offsetNano && upper < upperNano) upperNano = upper
  }
  // The other bounds carry no time, so they hold only where the offset does not move.
  if (slope === 0) {
    for (const lower of window.lower) if (lower <= offsetNano && lower > lowerNano) lowerNano = lower
    for (const upper of window.upper) if (upper >= offsetNano && upper < upperNano) upperNano = upper
  }
  return {
    lowerNano: Math.max(lowerNano, offsetNano - delayNano),
    upperNano: Math.min(upperNano, offsetNano + delayNano),
  }
}
