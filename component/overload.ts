/**
 * How far analysis is shed when the event loop falls behind, so that forwarding keeps its pace: everything is analysed,
 * one trace in two, one in ten, none. `blindspot.degradation.stage` is the index.
 */
export const OVERLOAD_STAGES = ['full', 'half', 'tenth', 'off'] as const
export type OverloadStage = (typeof OVERLOAD_STAGES)[number]

const SHARE_ANALYSED = { full: 1, half: 1 / 2, tenth: 1 / 10, off: 0 } as const satisfies Record<OverloadStage, number>

/**
 * The stage, set by the gateway's watch on its event loop and read by whoever analyses. The share is of traces and told by
 * the trace id alone, so that a trace is analysed whole or not at all, by every stage and in every gateway.
 */
export class Overload {
  #stage: OverloadStage = 'full'
  /** Traces whose hash is below this are analysed; 2^32 takes all. */
  #threshold = 2 ** 32

  get stage(): OverloadStage {
    return this.#stage
  }

  set stage(stage: OverloadStage) {
    this.#stage = stage
    this.#threshold = SHARE_ANALYSED[stage] * 2 ** 32
  }

  /** Whether a trace is to be analysed, by the lowest 32 bits of its id. Once a trace; allocates nothing. */
  analyses(traceIdLow: number): boolean {
    // Ids are meant to be random but some generators count; the multiplication (Knuth's) spreads those too.
    return Math.imul(traceIdLow, 0x9e3779b1) >>> 0 < this.#threshold
  }
}
