import { MIN_CAUSE_CONFIDENCE } from '../../../component/finding.ts'
import { sureDespite, sureFrom } from '../how-sure.ts'
import type { InstanceCount } from './instance-counts.ts'
import type { OrphanHistory } from './orphan-history.ts'
import type { Siblings } from './spans-with-parent.ts'

/** What decides why spans of an operation miss their parents. */
export interface OrphanStatistics {
  /** Whether the spans are where work enters the service. */
  readonly entry: boolean
  readonly withParent: number
  /** Orphans that stand: late parents have been taken off. */
  readonly standing: number
  /** Of orphaned entries, those whose missing parent stood between a call and its callee, those that miss a span of a service that is seen, and those that tell nothing. */
  readonly between: number
  readonly within: number
  readonly untold: number
  /** By context, since the first orphan: spans and orphans. A context is the caller of an entry, else the operation around the parent. */
  readonly contexts: ReadonlyMap<string, { readonly spans: number; readonly orphans: number }>
  /** By service instance, since the first orphan; of what does not enter from outside. */
  readonly instances: ReadonlyMap<string, InstanceCount>
  readonly history: OrphanHistory
}

export interface OrphanCause {
  readonly cause: 'parent_not_exported' | 'parent_dropped' | 'sampling_mismatch' | 'parent_never_ended' | 'undetermined'
  readonly confidence: number
}

/** Orphans from which a cause is decided; with fewer a share says nothing. */
const DECIDE_FROM = 5
/** Spans of all siblings together, and orphans that tell something, that are enough. */
const ENOUGH = 5
/** Of spans that are lost at random a few in a row look like all: taken for a case against it. */
const IN_A_ROW = 1
/** A share that counts as all, and one that counts as none: a few traces are always cut by restarts. */
const ALL = 0.98
const NONE = 0.02
/** Share of orphans that must tell the same. */
const MOST = 0.9
/**
 * Each second it is asked again whether orphans come in a burst or in one instance only. What is looked at is mostly what
 * was looked at before, so that counts as so many chances to be wrong: the odds must be better by as much.
 */
const LOOKS = 2
/** How long an SDK waits for one export, and its queue may overflow meanwhile. */
const LONGEST_BURST_MS = 30_000
/** Share of orphans without a known caller around them from which its spans have gone whole. */
const GONE = 0.95
const UNDETERMINED: OrphanCause = { cause: 'undetermined', confidence: 1 }

/**
 * Why the spans of an operation are orphans. `siblings` sums up the other operations of the service that are entered the same
 * way (from outside, or from within).
 *
 *     all below one caller, whose call is here       somebody between makes parents and exports none
 *     all below one caller or operation, whose other spans are here, or all of this operation and none of its siblings
 *                                                    its parent never ends (a stream, a forgotten End)
 *     bursts, or one of several instances only       spans were dropped: a queue was full, a process ended
 *     a steady share, the caller's spans gone whole  the two sides sample differently
 *
 * Spans dropped one by one at random leave the caller's other spans in the trace: that is none of these.
 */
export function orphanCauseOf(operation: OrphanStatistics, siblings: () => Siblings): OrphanCause {
  const cause = likeliestCause(operation, siblings)
  if (cause === UNDETERMINED) return cause
  // Spans of one trace lose their parents together: as many traces bear it out.
  const { orphaned: traces } = operation.history
  const against = cause.cause === 'parent_never_ended' ? IN_A_ROW : 0
  return ifSure(cause.cause, cause.confidence, sureFrom(traces, traces + against))
}

function likeliestCause(operation: OrphanStatistics, siblings: Parameters<typeof orphanCauseOf>[1]): OrphanCause {
  if (isAllOfSome(operation)) {
    const cause = operation.entry ? causeOfAllEntries(operation) : causeOfAllWithin(operation)
    if (cause !== UNDETERMINED) return cause
  }
  if (shareOf(operation) >= ALL) return causeBySiblings(operation, siblings())
  const dropped = droppedOf(operation)
  return dropped === UNDETERMINED ? mismatchOf([operation]) : dropped
}

/** Operations that the same service calls: what one alone is too rare to tell. */
export function mismatchOf(operations: readonly OrphanStatistics[]): OrphanCause {
  let orphans = 0
  let strange = 0
  let known = 0
  let found = 0
  for (const { entry, contexts, between, within } of operations) {
    found += between + within
    for (const context of entry ? contexts.values() : []) {
      orphans += context.orphans
      if (context.spans > context.orphans) known += context.spans
      else strange += context.orphans
    }
  }
  if (found > orphans * (1 - GONE)) return UNDETERMINED
  if (orphans < DECIDE_FROM || known === 0 || strange < orphans * GONE) return UNDETERMINED
  const [usual] = [...operations].sort((a, b) => b.history.orphaned - a.history.orphaned)
  if (mayBeBeginningBurst(usual!)) return UNDETERMINED
  const { isSpread, oddsOfSteady } = usual!.history
  return isSpread
    ? ifSure('sampling_mismatch', sureFrom(strange, orphans), sureDespite(1 / oddsOfSteady))
    : UNDETERMINED
}

/** The caller of most spans that have their parent. */
export function usualCaller({ contexts }: OrphanStatistics): string {
  let usual = ''
  let most = 0
  for (const [context, { spans, orphans }] of contexts) {
    if (spans - orphans <= most) continue
    usual = context
    most = spans - orphans
  }
  return usual
}

/** Whether there are contexts without a single span that has its parent, and no others with orphans. */
function isAllOfSome({ contexts }: OrphanStatistics): boolean {
  let affected = 0
  for (const { spans, orphans } of contexts.values()) {
    if (orphans === 0) continue
    affected++
    if (orphans < spans * ALL) return false
  }
  return affected > 0
}

/** In bursts, or in one of several instances: whichever is surer. */
function droppedOf({ history, instances }: OrphanStatistics): OrphanCause {
  return ifSure('parent_dropped', sureDespite(LOOKS * Math.min(history.oddsOfSteady, oddsOfAllInstances(instances))))
}

/** How likely the other instances are to have been spared, if they lose spans as the one does that lost some. */
function oddsOfAllInstances(instances: OrphanStatistics['instances']): number {
  const affected = [...instances.values()].filter(({ orphans }) => orphans > 0)
  if (affected.length !== 1) return 1
  const { spans, orphans, settled } = affected[0]!
  const others = [...instances.values()].reduce((sum, instance) => sum + instance.settled, 0) - settled
  return Math.exp(-(orphans / spans) * others)
}

function causeOfAllEntries(operation: OrphanStatistics): OrphanCause {
  const { standing, between, within, untold } = operation
  const told = standing - untold
  if (between >= told * MOST) return notExported(between, told)
  return within >= told * MOST ? neverEndedOrBurst(operation, sureFrom(within, told)) : UNDETERMINED
}

/** Of a process that loses all for a while nothing is left around the orphans either. */
function causeOfAllWithin(operation: OrphanStatistics): OrphanCause {
  const affected = [...operation.contexts].filter(([, { orphans }]) => orphans > 0)
  const sure = sureFrom(
    sum(affected, ([, { orphans }]) => orphans),
    sum(affected, ([, { spans }]) => spans),
  )
  const isUnderWay = affected.some(([context, { orphans }]) => context !== '' && orphans >= ENOUGH)
  return isUnderWay ? ifSure('parent_never_ended', sure) : neverEndedOrBurst(operation, sure)
}

function neverEndedOrBurst(operation: OrphanStatistics, sure: number): OrphanCause {
  const dropped = droppedOf(operation)
  if (dropped !== UNDETERMINED) return dropped
  return mayBeBeginningBurst(operation) ? UNDETERMINED : ifSure('parent_never_ended', sure)
}

/** What had its parents before the first orphan, and has missed them all for no longer than an export may hang. */
function mayBeBeginningBurst({ withParent, contexts, history }: OrphanStatistics): boolean {
  const since = [...contexts.values()].reduce((sum, { spans }) => sum + spans, 0)
  return withParent - since >= ENOUGH && history.lastedMs < LONGEST_BURST_MS
}

function causeBySiblings({ entry }: OrphanStatistics, others: Siblings): OrphanCause {
  if (others.withParent < ENOUGH) return UNDETERMINED
  if (shareOf(others) <= NONE)
    return ifSure('parent_never_ended', sureFrom(others.withParent - others.standing, others.withParent))
  return entry && shareOf(others) >= ALL ? notExported(others.standing, others.withParent) : UNDETERMINED
}

function notExported(hits: number, of: number): OrphanCause {
  return ifSure('parent_not_exported', sureFrom(hits, of))
}

/** As sure as the weakest of what it rests on. */
function ifSure(cause: OrphanCause['cause'], ...grounds: readonly number[]): OrphanCause {
  const confidence = Math.min(...grounds)
  return confidence < MIN_CAUSE_CONFIDENCE ? UNDETERMINED : { cause, confidence }
}

function sum<T>(list: readonly T[], of: (item: T) => number): number {
  return list.reduce((total, item) => total + of(item), 0)
}

function shareOf({ standing, withParent }: Pick<OrphanStatistics, 'standing' | 'withParent'>): number {
  return withParent === 0 ? 0 : standing / withParent
}
