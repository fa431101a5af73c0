import { MIN_CAUSE_CONFIDENCE } from '../../../component/finding.ts'
import { SpanKind } from '../../../otlp/span-table.ts'
import { sureFrom } from '../how-sure.ts'

/** Roots from which they are said to be dropped, and from which they are said to be honest. */
const MIN_DROPPED = 5
const MIN_HONEST = 10
/** The share of roots that must lie inside requests. */
const INSIDE = 0.95
/** What was said holds until fewer than this do. */
const STILL_INSIDE = 0.9
/** Log-likelihood of "inside as a rule" over "inside by chance" that counts as proof: e to the 14th is a million to one. */
const PROOF = 14
/** Standard deviations by which a share must stay below to be honest. */
const DEVIATIONS = 3

/** What is known of the roots of an operation. */
export interface RootStatistics {
  readonly roots: number
  /** Roots that began while their instance served a request, and how many of them would by chance. */
  readonly inside: number
  readonly expectedInside: number
  /** The same of requests without a step of this operation of their own. */
  readonly insideLacking: number
  readonly expectedLacking: number
  /** Of those inside, the ones that had also ended before the request did. */
  readonly contained: number
  /** SpanKind as on the wire. */
  readonly kind: number
}

/** How sure it is that the roots belong to requests; 0 where it is not. */
export function droppedConfidence(root: RootStatistics, follows: boolean, wasSaid: boolean): number {
  const { roots, inside, expectedInside, insideLacking, expectedLacking } = root
  if (roots < MIN_DROPPED || inside < roots * (wasSaid ? STILL_INSIDE : INSIDE)) return 0
  if (isProof(roots, inside, expectedInside) || isProof(roots, insideLacking, expectedLacking)) return 0.95
  return follows ? 0.85 : wasSaid ? 0.85 : 0
}

/**
 * Whether so many of the roots are inside by no chance. Where few of the steps of an operation lose their context, that
 * each root lies in one of the few requests that lack the step tells far more than that it lies in any.
 */
function isProof(roots: number, inside: number, expected: number): boolean {
  return roots * divergence(inside / roots, Math.max(expected / roots, 1e-6)) >= PROOF
}

/** Whether the roots come by themselves: jobs, pollers, calls from outside. */
export function isHonest({ roots, inside }: RootStatistics): boolean {
  if (roots < MIN_HONEST) return false
  const share = inside / roots
  return share + DEVIATIONS * Math.sqrt((share * (1 - share) + 1 / roots) / roots) < STILL_INSIDE
}

export interface DroppedCause {
  readonly cause: 'call_without_context' | 'detached_goroutine' | 'context_reused' | 'undetermined'
  readonly confidence: number
}

/** That an INTERNAL root was detached, whatever it did: calls have another kind. */
const BY_KIND = 0.9

/** A call that the request waits for lost the context; work that the request does not wait for was detached. */
export function droppedCauseOf({ inside, contained, kind }: RootStatistics): DroppedCause {
  const waitedFor = sureFrom(contained, inside)
  const wentOn = sureFrom(inside - contained, inside)
  if (kind === SpanKind.internal) return { cause: 'detached_goroutine', confidence: Math.max(BY_KIND, wentOn) }
  if (wentOn >= MIN_CAUSE_CONFIDENCE) return { cause: 'detached_goroutine', confidence: wentOn }
  if (waitedFor >= MIN_CAUSE_CONFIDENCE) return { cause: 'call_without_context', confidence: waitedFor }
  return { cause: 'undetermined', confidence: 1 }
}

/** Steps that lie within other requests than they name use the context of those again. */
export function reusedCauseOf({ inside, roots }: RootStatistics): DroppedCause {
  return { cause: 'context_reused', confidence: sureFrom(inside, roots) }
}

/** Kullback and Leibler's divergence of two shares, in nats; 0 where the first is not the larger. */
function divergence(share: number, chance: number): number {
  if (share <= chance) return 0
  const outside = share === 1 ? 0 : (1 - share) * Math.log((1 - share) / (1 - chance))
  return share * Math.log(share / chance) + outside
}

/** Seconds, and requests, from which two counts are compared. */
const MIN_SECONDS = 20
const MIN_REQUESTS = 50

/** Whether the roots of an operation come with the requests of another, one by one: counted by the second. */
export class Following {
  #seconds = 0
  #roots = 0
  #requests = 0
  #squaredRoots = 0
  #squaredRequests = 0
  #products = 0

  add(roots: number, requests: number): void {
    if (roots + requests === 0) return
    this.#seconds++
    this.#roots += roots
    this.#requests += requests
    this.#squaredRoots += roots * roots
    this.#squaredRequests += requests * requests
    this.#products += roots * requests
  }

  /** As many, within three in a hundred, and rising and falling together. */
  get isProven(): boolean {
    if (this.#seconds < MIN_SECONDS || this.#requests < MIN_REQUESTS) return false
    if (Math.abs(this.#roots - this.#requests) > this.#requests * 0.03) return false
    const n = this.#seconds
    const covariance = n * this.#products - this.#roots * this.#requests
    const variances = (n * this.#squaredRoots - this.#roots ** 2) * (n * this.#squaredRequests - this.#requests ** 2)
    return variances > 0 && covariance / Math.sqrt(variances) >= 0.9
  }
}
