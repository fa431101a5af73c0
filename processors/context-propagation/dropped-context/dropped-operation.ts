import { EarliestEvidence } from '../../../component/evidence.ts'
import type { Evidence } from '../../../component/finding.ts'
import { type DroppedCause, Following, type RootStatistics } from './dropped-decision.ts'
import { RootRhythm } from './root-rhythm.ts'

/** Requests of as many operations are compared with the roots of one. */
const MAX_FOLLOWED = 50
/** Older roots count half as much once there are so many. */
const MAX_ROOTS = 4000

/** Whether a root began in one of some requests, and how likely it would have by chance. */
export interface Seen {
  readonly isInside: boolean
  readonly chance: number
}

/** All that is known of an operation whose spans begin traces. */
export class DroppedOperation implements RootStatistics {
  readonly service: string
  readonly name: string
  /** What is wrong with its spans. */
  readonly what: 'root' | 'belated'
  readonly evidence: EarliestEvidence
  /** Roots that came before the requests were sampled. */
  readonly earlyEvidence: EarliestEvidence
  kind = 0
  roots = 0
  inside = 0
  expectedInside = 0
  insideLacking = 0
  expectedLacking = 0
  contained = 0
  /** All spans and all roots of it, sampled or not; and the roots among the samples. */
  spans = 0
  allRoots = 0
  #sampled = 0
  #insideEver = 0
  /** When a root of it came last, by the gateway's clock. */
  seenMs = 0
  firstMs = 0
  lastMs = 0
  cause: DroppedCause['cause'] = 'undetermined'
  saidCount = 0
  saidFound = 0
  /** Until when its roots are left alone, since they come by themselves; 0 where they do not. */
  honestUntilMs = 0
  readonly #rhythm = new RootRhythm()
  readonly #following = new Map<string, Following>()

  readonly #evidenceLimit: number

  constructor(service: string, name: string, what: 'root' | 'belated', evidenceLimit: number) {
    this.service = service
    this.name = name
    this.what = what
    this.#evidenceLimit = evidenceLimit
    this.evidence = new EarliestEvidence(evidenceLimit)
    this.earlyEvidence = new EarliestEvidence(evidenceLimit)
  }

  /** Roots inside requests, those included that were not sampled. */
  get occurrences(): number {
    return Math.round(this.#insideEver * Math.max(1, this.allRoots / Math.max(1, this.#sampled)))
  }

  /** Roots that began inside of a request, and where there is room those that came before requests were sampled. */
  get allEvidence(): readonly Evidence[] {
    return [...this.evidence.list, ...this.earlyEvidence.list].slice(0, this.#evidenceLimit)
  }

  /** How many roots were found inside of requests; while it rises there is more to say. */
  get found(): number {
    return this.#insideEver
  }

  get follows(): boolean {
    for (const following of this.#following.values()) if (following.isProven) return true
    return false
  }

  /** Whether its roots come by a timer of their own, as far as can be told. */
  get isTimer(): boolean {
    return this.#rhythm.isOwn
  }

  /** A root of an instance, and the request that it began in. */
  beat(instance: string, rootMs: number, requestMs: number): void {
    this.#rhythm.add(instance, rootMs, requestMs)
  }

  sampled(): void {
    this.#sampled++
  }

  add(kind: number, startMs: number, all: Seen, lacking: Seen, isContained: boolean): void {
    if (this.roots >= MAX_ROOTS) {
      this.roots /= 2
      this.inside /= 2
      this.expectedInside /= 2
      this.insideLacking /= 2
      this.expectedLacking /= 2
      this.contained /= 2
    }
    this.kind = kind
    this.roots++
    this.expectedInside += all.chance
    this.expectedLacking += lacking.chance
    if (lacking.isInside) this.insideLacking++
    if (!all.isInside) return
    this.inside++
    if (isContained) this.contained++
    if (this.#insideEver === 0 || startMs < this.firstMs) this.firstMs = startMs
    this.lastMs = Math.max(this.lastMs, startMs)
    this.#insideEver++
  }

  /** So many of its roots, and of the requests of another operation, in one second of one instance. */
  addSecond(requests: string, roots: number, served: number): void {
    let following = this.#following.get(requests)
    if (!following) {
      if (this.#following.size >= MAX_FOLLOWED) return
      following = new Following()
      this.#following.set(requests, following)
    }
    following.add(roots, served)
  }

  /** Looks at its roots anew. */
  forget(): void {
    this.honestUntilMs = 0
    this.roots = 0
    this.inside = 0
    this.expectedInside = 0
    this.insideLacking = 0
    this.expectedLacking = 0
    this.contained = 0
    this.#rhythm.forget()
    this.#following.clear()
  }
}
