import type { Span } from './span.ts'

/** One injected break: the spans by which a detector may prove it, and what else it rests on. */
export interface Occurrence {
  /** Any of them as `span_id` in the evidence finds it. */
  readonly spans: readonly Span[]
  /** Must arrive as well, or nobody can tell. */
  readonly needs?: readonly Span[]
  /** Asked when all recipes of the run are through: whether it still is what it was, or another one has undone it. */
  readonly stands?: () => boolean
  /** Of each of these calls so many, or so many moments of them, must still be seen, or nobody can tell. */
  readonly enough?: readonly Needed[]
  /** Whether it can be told from what is healthy at all, judged on the unbroken trace. */
  readonly identifiable: boolean
}

/** Calls of which so many are needed; with moments, at so many different ones. */
export interface Needed {
  readonly entries: readonly Span[]
  readonly atLeast: number
  readonly momentOf?: (entry: Span) => number
}

/** Where a finding of it must be. */
export interface TruthPlace {
  readonly service: string
  /** Null where the place has no operation, or any will do. */
  readonly operation: string | null
  readonly edge: { readonly from: string; readonly to: string } | null
}

/** What a recipe did at one place, and what must be said of it. */
export interface Break {
  readonly recipe: string
  /** The rule it belongs to, and others that describe the same truth. */
  readonly rules: readonly string[]
  readonly causes: readonly string[]
  readonly place: TruthPlace
  readonly occurrences: readonly Occurrence[]
  /** Rules that may speak of this service as well, rightly, and are neither asked for nor wrong. */
  readonly excused?: readonly { readonly rule: string; readonly service: string }[]
}

/** Fewer at one place cannot be told from chance; detectors may ask for no more. */
export const FEWEST = 5

/** Fewer at one place say nothing about why: a share cannot be told from a burst. */
export const FEWEST_FOR_CAUSE = 10

/** The key that evidence has. */
export function evidenceKey(span: Span): string {
  return `${span.traceId} ${span.spanId}`
}

/** Whether the occurrence is still there, and what it rests on arrives, after all other breaks. */
export function arrives({ spans, needs = [], stands }: Occurrence): boolean {
  return spans.some((span) => !span.lost) && needs.every((span) => !span.lost) && (stands?.() ?? true)
}

/** Whether of the calls that it rests on enough arrive on both sides and in one trace, after all other breaks. */
export function areEnough({ enough = [] }: Occurrence): boolean {
  return enough.every(({ entries, atLeast, momentOf }) => {
    const seen = entries.filter(isSeenAsCall)
    return (momentOf ? new Set(seen.map(momentOf)).size : seen.length) >= atLeast
  })
}

function isSeenAsCall({ lost, parent, parentId, traceId }: Span): boolean {
  return !lost && parent !== null && !parent.lost && parentId === parent.spanId && traceId === parent.traceId
}
