import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Clock, Timer } from '../component/clock.ts'
import { OVERLOAD_STAGES, type Overload } from '../component/overload.ts'
import type { Logger } from '../telemetry/logger.ts'

/** How often the delay is judged: long enough for a 99th percentile, short enough to help. */
const INTERVAL_MS = 2000
/** From here on requests wait for analysis that could be left out. */
const OVERLOADED_MS = 200
const RELAXED_MS = 100
/** Analysis comes back slower than it goes, so that it does not swing. */
const RELAXED_INTERVALS = 5
/** How finely node looks; its figure contains this much even when nothing delays. */
const RESOLUTION_MS = 10

/** The 99th percentile of the event loop's delay since it was last asked, in milliseconds. */
export type DelaySampler = () => number

/** Node's own histogram of the event loop delay; the machine's time, so only for a live gateway. */
export function eventLoopDelaySampler(): DelaySampler {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  histogram.enable()
  return () => {
    const p99Ms = histogram.count === 0 ? 0 : histogram.percentile(99) / 1e6 - RESOLUTION_MS
    histogram.reset()
    return Math.max(0, p99Ms)
  }
}

/** Sheds analysis, one stage at a time, while the event loop falls behind, and brings it back when it has caught up. */
export class OverloadWatch {
  /** The last 99th percentile. */
  delayMs = 0
  readonly #overload: Overload
  readonly #sample: DelaySampler
  readonly #clock: Clock
  readonly #logger: Logger
  #timer: Timer | null = null
  #relaxed = 0

  constructor(overload: Overload, sample: DelaySampler, parts: { clock: Clock; logger: Logger }) {
    this.#overload = overload
    this.#sample = sample
    this.#clock = parts.clock
    this.#logger = parts.logger
  }

  /** The index of the stage, as `blindspot.degradation.stage` tells it. */
  get stageIndex(): number {
    return OVERLOAD_STAGES.indexOf(this.#overload.stage)
  }

  start(): void {
    // What the start itself took says nothing about the load.
    this.#sample()
    this.#timer = this.#clock.every(INTERVAL_MS, () => this.#judge())
  }

  stop(): void {
    this.#timer?.cancel()
  }

  #judge(): void {
    this.delayMs = this.#sample()
    this.#relaxed = this.delayMs < RELAXED_MS ? this.#relaxed + 1 : 0
    if (this.delayMs > OVERLOADED_MS) this.#move(1)
    else if (this.#relaxed >= RELAXED_INTERVALS) this.#move(-1)
  }

  #move(steps: 1 | -1): void {
    const stage = OVERLOAD_STAGES[this.stageIndex + steps]
    if (stage === undefined) return
    this.#overload.stage = stage
    this.#relaxed = 0
    const why = `event loop delay p99 ${Math.round(this.delayMs)} ms`
    if (steps > 0) this.#logger.warn(`the gateway is overloaded, analysis goes to stage "${stage}" (${why})`)
    else this.#logger.info(`analysis comes back to stage "${stage}" (${why})`)
  }
}
