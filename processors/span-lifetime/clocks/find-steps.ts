import { widened } from '../../../otlp/widened.ts'
import { medianError, medianOf, robustSigma } from './robust.ts'
import type { Samples, SampleWindow } from './sample-window.ts'

/** Samples in each of the four windows around a possible step. */
const RUN = 8
/** Less is not told from load; a smaller step is followed as a drift. */
const MIN_STEP_NANO = 0.5e6
/** No clock drifts faster, so more over a gap in the samples is a step; a free quartz drifts by 50e-6. */
export const MAX_DRIFT = 500e-6
/** Scatter of the samples, in which a jump must not hide. */
const SIGNIFICANCE = 6
/** Errors by which the medians of runs, and the slopes between them, may be wrong. */
const ERRORS = 3
/** Share of the way there and back: what is spent on one of the two alone moves an offset by half of it. */
const ONE_WAY = 0.5
/** Share of the calls that are looked at: more than for an offset, since a step must be placed in time. */
const LEAST_DELAYED = 0.5

export function steadiest(calls: number): number {
  return Math.ceil(calls * LEAST_DELAYED)
}

/** A jump of the offset between two clocks. */
export interface Step {
  readonly atS: number
  readonly jumpNano: number
}

/** A step with how far the calls before and after it are apart: it is somewhere between them. */
export interface SeenStep extends Step {
  readonly gapS: number
}

export interface FoundSteps {
  readonly steps: readonly SeenStep[]
  /** Before it there are too few calls to say whether there was one. */
  readonly fromS: number
}

/**
 * Steps of the offset within a window. Around each possible place stand four runs of samples, two before and two after;
 * a step is a jump between the inner ones that the slopes from the outer to the inner ones do not explain:
 *
 *     before −2   before −1 │ after +1   after +2
 *
 * so that a drift is none. Placed where the fewest samples lie on the wrong side of its middle.
 */
export function findSteps(window: SampleWindow): FoundSteps {
  const samples = window.leastDelayed(steadiest(window.calls))
  const { times, offsets } = samples
  const steps: SeenStep[] = []
  let lastAt = Number.NEGATIVE_INFINITY
  const sums = prefixSums(offsets)
  runs.begin(samples)
  const mean = (from: number) => (sums[from + RUN]! - sums[from]!) / RUN
  for (let i = 2 * RUN; i + 2 * RUN <= times.length; i++) {
    // Means are cheap and see every step, though not only steps.
    const rough = mean(i) - mean(i - RUN) - (mean(i + RUN) - mean(i) + mean(i - RUN) - mean(i - 2 * RUN)) / 2
    if (Math.abs(rough) < MIN_STEP_NANO / 2) continue
    const jumpNano = jumpAt(i)
    if (jumpNano === 0) continue
    // Places beside each other see the same step; the one that sees most of it has it.
    const isSame = i - lastAt < 2 * RUN
    if (isSame && Math.abs(jumpNano) <= Math.abs(steps.at(-1)!.jumpNano)) continue
    if (isSame) steps.pop()
    const place = placeOf(offsets, i)
    const [before, after] = [times[place - 1]!, times[place]!]
    steps.push({ atS: (before + after) / 2, jumpNano, gapS: after - before })
    lastAt = i
  }
  return { steps, fromS: times[2 * RUN] ?? Number.POSITIVE_INFINITY }
}

function prefixSums(values: Float64Array): Float64Array {
  const sums = new Float64Array(values.length + 1)
  for (let i = 0; i < values.length; i++) sums[i + 1] = sums[i]! + values[i]!
  return sums
}

const NO_VALUES = new Float64Array(0)

/**
 * What the runs of samples from each sample on show, found when it is asked for, since up to four places ask for the same.
 * Made once and filled again and again.
 */
class Runs {
  #samples: Samples = { times: NO_VALUES, offsets: NO_VALUES, delays: NO_VALUES }
  /** By the first sample of a run; NaN where it has not been found yet. */
  #medians = new Float64Array(512)
  #delays = new Float64Array(512)
  #sigmas = new Float64Array(512)
  #times = new Float64Array(512)

  begin(samples: Samples): void {
    this.#samples = samples
    const count = samples.offsets.length
    if (count > this.#medians.length) {
      this.#medians = widened(this.#medians, count)
      this.#delays = widened(this.#delays, count)
      this.#sigmas = widened(this.#sigmas, count)
      this.#times = widened(this.#times, count)
    }
    for (const found of [this.#medians, this.#delays, this.#sigmas, this.#times]) found.fill(Number.NaN, 0, count)
  }

  /** Of the offsets. */
  median(from: number): number {
    if (Number.isNaN(this.#medians[from])) this.#medians[from] = medianOf(this.#samples.offsets, from, from + RUN)
    return this.#medians[from]!
  }

  delay(from: number): number {
    if (Number.isNaN(this.#delays[from])) this.#delays[from] = medianOf(this.#samples.delays, from, from + RUN)
    return this.#delays[from]!
  }

  sigma(from: number): number {
    if (Number.isNaN(this.#sigmas[from]))
      this.#sigmas[from] = robustSigma(this.#samples.offsets, this.median(from), from, from + RUN)
    return this.#sigmas[from]!
  }

  /** Of the middle too: a drift is then exactly its slope. */
  time(from: number): number {
    if (Number.isNaN(this.#times[from])) this.#times[from] = medianOf(this.#samples.times, from, from + RUN)
    return this.#times[from]!
  }
}

/** One for all windows: each is read before the next begins. */
const runs = new Runs()

/** The unexplained jump before sample `i`; 0 where it is none. */
function jumpAt(i: number): number {
  const [before2, before1, after1, after2] = [i - 2 * RUN, i - RUN, i, i + RUN]
  const jump = runs.median(after1) - runs.median(before1)
  if (Math.abs(jump) < MIN_STEP_NANO) return 0
  // Before and after a step the runs agree with their neighbours better than with the other side.
  const beforeNano = Math.abs(runs.median(before1) - runs.median(before2))
  const afterNano = Math.abs(runs.median(after2) - runs.median(after1))
  if (!(Math.max(beforeNano, afterNano) < Math.abs(jump) / 2)) return 0
  const load = ONE_WAY * Math.max(runs.delay(before2), runs.delay(before1), runs.delay(after1), runs.delay(after2))
  if (Math.abs(jump) < load) return 0
  const sigma = medianOf([runs.sigma(before2), runs.sigma(before1), runs.sigma(after1), runs.sigma(after2)])
  const scatter = ERRORS * Math.hypot(medianError(runs.sigma(before1), RUN), medianError(runs.sigma(after1), RUN))
  const least = Math.max(MIN_STEP_NANO, SIGNIFICANCE * sigma, scatter, load)
  // A load that comes or goes looks like a slope, which must not make a jump larger than it is.
  if (Math.abs(jump) < least) return 0
  const left = slopeBetween(before2, before1, sigma)
  const right = slopeBetween(after1, after2, sigma)
  const error = Math.hypot(left.error, right.error) / 2
  const isMeasured = error < MAX_DRIFT * 1e9
  const apartS = runs.time(after1) - runs.time(before1)
  const unexplained = isMeasured ? jump - ((left.slope + right.slope) / 2) * apartS : jump
  const drifted = Math.min(error, MAX_DRIFT * 1e9) * apartS
  return Math.abs(unexplained) < least + drifted ? 0 : unexplained
}

/** Calls of one moment say nothing of a slope: its error is what the medians scatter by, over the time between them. */
function slopeBetween(from: number, to: number, sigma: number): { readonly slope: number; readonly error: number } {
  const seconds = Math.max(1e-3, runs.time(to) - runs.time(from))
  return {
    slope: (runs.median(to) - runs.median(from)) / seconds,
    error: (ERRORS * Math.SQRT2 * medianError(sigma, RUN)) / seconds,
  }
}

/** The index around `i` that parts the samples best by the middle between both sides. */
function placeOf(offsets: Float64Array, i: number): number {
  const before = medianOf(offsets, i - 2 * RUN, i - RUN)
  const after = medianOf(offsets, i + RUN, i + 2 * RUN)
  const middle = (before + after) / 2
  const rises = after > before
  let wrong = 0
  let least = 0
  let best = i - RUN
  for (let k = i - RUN; k < i + RUN; k++) {
    // Moving the cut behind sample k puts that sample on the side before the step.
    const isAfter = offsets[k]! > middle === rises
    wrong += isAfter ? 1 : -1
    if (wrong < least) {
      least = wrong
      best = k + 1
    }
  }
  return best
}
