/** Length of a slice in ms of the spans' own time: shorter than the pause between two crashes of a process. */
export const SLICE_MS = 2000
/**
 * What is whole leaves the window at once; what is not waits for an export (5 s) and for its parents (6 s), and may have
 * begun at the other end of the slice: until then a slice looks whole.
 */
export const SETTLED_AFTER_MS = 15_000
/** Ten minutes of slices are kept. */
export const MAX_SLICES = 300
/** A slice without orphans does not end a burst. */
const GAP_SLICES = 1
/** Slices with orphans from which a share is called steady. */
const STEADY_FROM = 3

interface Counts {
  traces: number
  orphaned: number
}

interface Slice extends Counts {
  /** When it was first heard of, by the gateway's clock. */
  readonly sinceMs: number
}

/** A stretch of time with orphans, from its first slice to its last. */
export interface Burst {
  readonly from: number
  readonly until: number
}

/** In how many traces an operation was, and in how many it was orphaned, by slices of time; since its first orphan. */
export class OrphanHistory {
  readonly #slices = new Map<number, Slice>()
  #nowMs = 0

  /** In any order. Counted are traces, since spans of one trace lose their parents together. */
  add(slice: number, traces: number, orphaned: number): void {
    const known = this.#slices.get(slice)
    if (known) {
      known.traces += traces
      known.orphaned += orphaned
      return
    }
    this.#slices.set(slice, { sinceMs: this.#nowMs, traces, orphaned })
    if (this.#slices.size > MAX_SLICES) this.#slices.delete(Math.min(...this.#slices.keys()))
  }

  /** What is said from now on is said of slices that had settled by then; what is added came by then. */
  at(nowMs: number): this {
    this.#nowMs = nowMs
    return this
  }

  get orphaned(): number {
    let sum = 0
    for (const { orphaned } of this.#slices.values()) sum += orphaned
    return sum
  }

  /** From the first orphan to the last. */
  get lastedMs(): number {
    const slices = [...this.#slices].filter(([, { orphaned }]) => orphaned > 0).map(([index]) => index)
    return slices.length === 0 ? 0 : (Math.max(...slices) - Math.min(...slices) + 1) * SLICE_MS
  }

  /** Stretches of slices with orphans, in order. */
  get bursts(): readonly Burst[] {
    const bursts: { from: number; until: number }[] = []
    for (const [index, { orphaned }] of this.#settled()) {
      if (orphaned === 0) continue
      const last = bursts.at(-1)
      if (last && index - last.until <= GAP_SLICES + 1) last.until = index
      else bursts.push({ from: index, until: index })
    }
    return bursts
  }

  /** The odds of a steady share against a burst: how much likelier it is to have made these orphans. */
  get oddsOfSteady(): number {
    return Math.exp(-this.#burstScore())
  }

  /** The same share for long enough to tell it from a burst. */
  get isSpread(): boolean {
    return this.#settled().filter(([, { orphaned }]) => orphaned > 0).length >= STEADY_FROM
  }

  /** Whether all orphans fell into these stretches. */
  isWithin(bursts: readonly Burst[]): boolean {
    return [...this.#slices].every(
      ([index, { orphaned }]) =>
        orphaned === 0 || bursts.some(({ from, until }) => index >= from - 1 && index <= until + 1),
    )
  }

  /**
   * Log-likelihood of "one share within the bursts, none outside" over "one share all the time", less what it takes to say
   * when each burst begins and ends. The first orphan is where counting began, so it tells nothing.
   */
  #burstScore(): number {
    const slices = this.#settled()
    const { bursts } = this
    const all = { traces: -1, orphaned: -1 }
    const within = { traces: -1, orphaned: -1 }
    for (const [index, { traces, orphaned }] of slices) {
      const isWithin = bursts.some(({ from, until }) => index >= from && index <= until)
      for (const sum of isWithin ? [all, within] : [all]) {
        sum.traces += traces
        sum.orphaned += orphaned
      }
    }
    return logLikelihood(within) - logLikelihood(all) - bursts.length * 2 * Math.log(Math.max(2, slices.length))
  }

  /**
   * In order. Whole traces are counted once the first orphan is known, and those of its time had left before it: until a
   * whole slice was seen, a slice with orphans had at least as many traces as the later ones have on average. Of one
   * before the first orphan nothing is added: that it was whole is what is to be found out.
   */
  #settled(): [number, Counts][] {
    const slices = [...this.#slices]
      .filter(([, { sinceMs }]) => sinceMs + SETTLED_AFTER_MS <= this.#nowMs)
      .sort(([a], [b]) => a - b)
    const counted = slices.findIndex(([, { traces, orphaned }]) => traces > orphaned) + 1
    const later = slices.slice(counted)
    if (counted === 0 || later.length === 0) return slices
    const usual = Math.round(later.reduce((sum, [, { traces }]) => sum + traces, 0) / later.length)
    return slices.map(([index, { traces, orphaned }], i) => [
      index,
      { traces: i < counted && orphaned > 0 ? Math.max(traces, usual) : traces, orphaned },
    ])
  }
}

/** Of that many orphaned traces at their own share. */
function logLikelihood({ traces, orphaned }: Counts): number {
  const whole = traces - orphaned
  if (orphaned <= 0 || whole <= 0) return 0
  return orphaned * Math.log(orphaned / traces) + whole * Math.log(whole / traces)
}
