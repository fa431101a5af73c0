/** What decides why spans of an operation miss their parents. */
export interface OrphanStatistics {
  /** Whether the spans are where work enters the service. */
  readonly entry: boolean
  readonly withParent: number
  /** Orphans that stand: late parents have been taken off. */
  readonly standing: number
  /** Orphans whose usual caller (a service) is known, and of these those with no span of it in their trace. */
  readonly callerKnown: number
  readonly callerAbsent: number
  readonly history: OrphanHistory
}

export interface OrphanCause {
  readonly cause: 'parent_not_exported' | 'parent_dropped' | 'sampling_mismatch' | 'parent_never_ended' | 'undetermined'
  readonly confidence: number
}

/** Orphans from which a cause is decided; with fewer a share says nothing. */
const DECIDE_FROM = 10
/** Spans of all siblings together that are enough to compare with. */
const SIBLINGS_FROM = 5
/** A share that counts as all, and one that counts as none: a few traces are always cut by restarts. */
const ALL = 0.98
const NONE = 0.02
const UNDETERMINED: OrphanCause = { cause: 'undetermined', confidence: 1 }

/**
 * Why the spans of an operation are orphans. `siblings` are the other operations of the service that are entered the same
 * way (from outside, or from within).
 *
 *     all of this operation, none of its siblings    its parent never ends (a stream, a forgotten End)
 *     all of all entries of the service              somebody between makes parents and exports none
 *     a burst                                        spans were dropped: a queue was full, a process ended
 *     a steady share, the caller's spans gone whole  the two sides sample differently
 *
 * Spans dropped one by one at random leave the caller's other spans in the trace: that is none of these.
 */
export function orphanCauseOf(operation: OrphanStatistics, siblings: readonly OrphanStatistics[]): OrphanCause {
  if (operation.standing < DECIDE_FROM) return UNDETERMINED
  if (shareOf(operation) >= ALL) {
    const others = siblings.reduce(
      (sum, { standing, withParent }) => ({
        standing: sum.standing + standing,
        withParent: sum.withParent + withParent,
      }),
      { standing: 0, withParent: 0 },
    )
    if (others.withParent < SIBLINGS_FROM) return UNDETERMINED
    if (shareOf(others) <= NONE) return { cause: 'parent_never_ended', confidence: 0.85 }
    if (operation.entry && shareOf(others) >= ALL) return { cause: 'parent_not_exported', confidence: 0.9 }
    return UNDETERMINED
  }
  if (operation.history.isBurst()) return { cause: 'parent_dropped', confidence: 0.85 }
  const callersGone =
    operation.callerKnown >= operation.standing * 0.8 && operation.callerAbsent >= operation.callerKnown * 0.95
  if (operation.entry && callersGone && operation.history.isSteady())
    return { cause: 'sampling_mismatch', confidence: 0.85 }
  return UNDETERMINED
}

function shareOf({ standing, withParent }: Pick<OrphanStatistics, 'standing' | 'withParent'>): number {
  return withParent === 0 ? 0 : standing / withParent
}

/** Length of a slice of the history: two export intervals, so that both sides of a trace fall into one. */
const SLICE_MS = 10_000
/** Ten minutes of slices are kept. */
const MAX_SLICES = 60
/** Spans that make a slice count. */
const SLICE_FROM = 5
/** Of a burst, at most this share of the slices may be affected. */
const BURST_SLICES = 1 / 2

interface Slice {
  readonly index: number
  withParent: number
  orphans: number
}

/** How many spans of an operation, and how many orphans, came in each slice of time. */
export class OrphanHistory {
  readonly #slices: Slice[] = []

  add(nowMs: number, withParent: number, orphans: number): void {
    const index = Math.floor(nowMs / SLICE_MS)
    let last = this.#slices.at(-1)
    if (last?.index !== index) {
      last = { index, withParent: 0, orphans: 0 }
      this.#slices.push(last)
      if (this.#slices.length > MAX_SLICES) this.#slices.shift()
    }
    last.withParent += withParent
    last.orphans += orphans
  }

  /** All orphans in a few slices that follow one another, and slices without any beside them. */
  isBurst(): boolean {
    const slices = this.#counting()
    const affected = slices.filter((slice) => slice.orphans > slice.withParent * NONE)
    if (slices.length < 3 || affected.length === 0 || affected.length > slices.length * BURST_SLICES) return false
    return affected.at(-1)!.index - affected[0]!.index < affected.length + 1
  }

  /** The same share in every slice, but for what chance explains: four standard deviations of a binomial. */
  isSteady(): boolean {
    const slices = this.#counting()
    if (slices.length < 3) return false
    const withParent = slices.reduce((sum, slice) => sum + slice.withParent, 0)
    const share = slices.reduce((sum, slice) => sum + slice.orphans, 0) / withParent
    const outside = slices.filter((slice) => {
      const tolerance = 4 * Math.sqrt((share * (1 - share)) / slice.withParent)
      return Math.abs(slice.orphans / slice.withParent - share) > tolerance
    })
    return outside.length <= slices.length * 0.1
  }

  #counting(): readonly Slice[] {
    return this.#slices.filter((slice) => slice.withParent >= SLICE_FROM)
  }
}
