import type { Step } from './find-steps.ts'
import { fitOffset, MIN_CALLS, type OffsetFit } from './offset-fit.ts'
import type { PairSamples } from './pair-samples.ts'
import { SampleWindow } from './sample-window.ts'

/** Seconds of samples on each side of a time from which its offset is estimated. */
export const REACH_S = 15
/** Seconds around a time in which there must be calls for it to have an offset, their mean too where no slope is known. */
const NEAR_S = 5

/** Two clock domains with all samples of their sources, either way round. */
export interface DomainPair {
  readonly first: string
  readonly second: string
  readonly parts: { readonly samples: PairSamples; readonly sign: 1 | -1 }[]
  live: OffsetFit | null
}

/** Of fewer calls nothing is estimated, and most pairs of a large system have few. */
export function hasEnough({ parts }: DomainPair): boolean {
  let calls = 0
  for (const { samples } of parts) calls += samples.calls
  return calls >= MIN_CALLS
}

/** One for all pairs: each is read before the next is filled. */
const window = new SampleWindow()

/** Its samples between two times; good until the next call. */
export function windowOf(pair: DomainPair, fromS: number, untilS: number): SampleWindow {
  window.clear()
  // The last seconds are mostly still to come: they wait for their traces.
  let latest = 0
  for (const { samples } of pair.parts) latest = Math.max(latest, samples.latestSecond)
  for (let second = Math.floor(fromS); second < untilS && second <= latest; second++)
    for (const { samples, sign } of pair.parts) {
      const bucket = samples.at(second)
      if (bucket) window.add(bucket, sign, fromS, untilS)
    }
  return window
}

function hasSamples(pair: DomainPair, fromS: number, untilS: number): boolean {
  for (let second = Math.floor(fromS); second < untilS; second++)
    for (const { samples } of pair.parts) if (samples.at(second)?.hasSample(fromS, untilS)) return true
  return false
}

/** As of now, from twice as long a past. `steps` are those of both clocks: no estimate reaches across one. */
export function liveFit(pair: DomainPair, steps: readonly Step[], atS: number): OffsetFit | null {
  const { fromS, untilS } = between(steps, atS, atS - 2 * REACH_S, atS + REACH_S)
  return fitOffset(windowOf(pair, fromS, untilS), atS)
}

/** From both sides of the time. */
export function settledFit(pair: DomainPair, steps: readonly Step[], atS: number): OffsetFit | null {
  const { fromS, untilS } = between(steps, atS, atS - REACH_S, atS + REACH_S)
  const isNear = hasSamples(pair, Math.max(fromS, atS - NEAR_S), Math.min(untilS, atS + NEAR_S))
  return isNear ? fitOffset(windowOf(pair, fromS, untilS), atS, NEAR_S) : null
}

function between(steps: readonly Step[], atS: number, earliestS: number, latestS: number) {
  let fromS = earliestS
  let untilS = latestS
  for (const step of steps) {
    if (step.atS <= atS && step.atS > fromS) fromS = step.atS
    if (step.atS > atS && step.atS < untilS) untilS = step.atS
  }
  return { fromS, untilS }
}
