import { EarliestEvidence } from '../../../component/evidence.ts'
import type { FindingReport } from '../../../component/finding.ts'
import type { TraceJudge, Verdicts } from '../../../component/trace-rule.ts'
import type { ContextPropagationConfig } from '../config.ts'
import { inHundredths } from '../how-sure.ts'
import { CountBefore } from './count-before.ts'
import { InstanceCounts } from './instance-counts.ts'
import { mismatchOf, type OrphanCause, type OrphanStatistics, orphanCauseOf, usualCaller } from './orphan-cause.ts'
import { OrphanHistory } from './orphan-history.ts'
import { evidenceKey, type OrphanRow, type OrphanSummary, RULE } from './orphan-summary.ts'
import { type Siblings, SpansWithParent } from './spans-with-parent.ts'

/** Hardly anything overturns what has outlived the grace for late spans. */
const CONFIRMED = 0.99

/** How sure a cause must be to outlast the trouble. */
const LASTING = 0.95
/**
 * Of orphans of which nothing else is known one in eleven is taken back, since its parent comes late or belongs to what
 * another gateway sees. Each span of the operation that had its parent in time is a case more that was not.
 */
const PRIOR_STAYING = 5
const PRIOR_ORPHANS = 5.5
/**
 * Orphans spoken of whose parents came nevertheless count against these, and against all that stayed: processes whose spans
 * last or wait for that long go on to do so.
 */
const PRIOR_LASTING = 9

/** Callers, or operations around the parent, that are told apart for one operation. */
const MAX_CONTEXTS = 64

/** All that is known of an operation that has had orphans. */
class OrphanedOperation implements OrphanStatistics {
  readonly key: string
  readonly service: string
  readonly name: string
  withParent = 0
  orphans = 0
  retracted = 0
  belated = 0
  confirmed = 0
  disproved = 0
  localParents = 0
  looksCut = 0
  entry = false
  between = 0
  within = 0
  untold = 0
  readonly contexts = new Map<string, { spans: number; orphans: number }>()
  readonly #instances = new InstanceCounts()
  readonly history = new OrphanHistory()
  firstUnixNano = 0n
  lastUnixNano = 0n
  decided: OrphanCause = { cause: 'undetermined', confidence: 1 }
  /** Orphans by the time that they have waited for their parents. */
  readonly #waiting: CountBefore
  /** Orphans that have waited for longer than parents that come late do, and still wait. */
  waited = 0
  spokenOf = false
  /** The counts of the last report: nothing new, nothing said. */
  #reported = ''
  readonly evidence: EarliestEvidence

  constructor(row: OrphanRow, evidenceLimit: number, provisionalAfterMs: number) {
    this.key = row.key
    this.service = row.service
    this.name = row.name
    this.#waiting = new CountBefore(provisionalAfterMs)
    this.evidence = new EarliestEvidence(evidenceLimit)
  }

  get standing(): number {
    return this.orphans - this.retracted
  }

  get instances(): OrphanStatistics['instances'] {
    return this.#instances.all
  }

  /** What is said from now on is said of what had settled by then. */
  at(nowMs: number): void {
    this.history.at(nowMs)
    this.#instances.at(nowMs)
    // Which orphan a late parent was for is not kept: it may have been one that had just begun to wait.
    this.waited = Math.max(this.confirmed, this.#waiting.at(nowMs) - this.retracted)
  }

  /** How sure it is of confirmed orphans that no parent of theirs comes any more, by those that came nevertheless. */
  get sureOfConfirmed(): number {
    const lasting = this.confirmed + PRIOR_LASTING
    return Math.min(CONFIRMED, inHundredths(lasting / (lasting + this.disproved)))
  }

  /** How sure it is that parents which are not here yet do not come any more, by those that came in time, late, and never. */
  get sureToStay(): number {
    const inTime = this.withParent - this.orphans
    const lasting = this.confirmed + PRIOR_LASTING
    const staying = (inTime + PRIOR_STAYING) / (inTime + this.retracted + PRIOR_ORPHANS)
    return inHundredths((staying * lasting) / (lasting + this.belated))
  }

  /**
   * All of them may be CTX-004: until one has waited in vain for the call that it was cut from, nothing is said. Nor is it
   * while all of them may be spans whose parents come a little late.
   */
  get isHeld(): boolean {
    return (this.looksCut === this.orphans && this.confirmed === 0) || (!this.spokenOf && this.state === 'retracted')
  }

  get state(): FindingReport['state'] {
    if (this.standing === 0 || this.waited <= 0) return 'retracted'
    return this.confirmed > 0 ? 'confirmed' : 'provisional'
  }

  add(row: OrphanRow, nowMs: number): void {
    this.at(nowMs)
    this.#waiting.add(row.orphans, nowMs)
    for (const [slice, traces, orphaned] of row.slices) this.history.add(slice, traces, orphaned)
    for (const [context, spans, orphans] of row.contexts) addTo(this.contexts, context, spans, orphans)
    for (const [instance, spans, orphans] of row.instances) this.#instances.add(instance, spans, orphans, nowMs)
    this.between += row.between
    this.within += row.within
    this.untold += row.alone + row.beside + row.apart
    this.orphans += row.orphans
    this.retracted += row.retracted + row.disproved
    this.belated += row.belated + row.disproved
    this.confirmed += row.confirmed - row.disproved
    this.disproved += row.disproved
    this.localParents += row.localParents
    this.looksCut += row.looksCut
    this.entry ||= row.entry
    if (row.orphans > 0 && (this.firstUnixNano === 0n || row.firstUnixNano < this.firstUnixNano))
      this.firstUnixNano = row.firstUnixNano
    if (row.lastUnixNano > this.lastUnixNano) this.lastUnixNano = row.lastUnixNano
    this.evidence.addAll(row.evidence)
    if (row.lateParents.length > 0) {
      const late = new Set(row.lateParents)
      this.evidence.remove((e) => e.kind === 'span' && late.has(evidenceKey(e.traceId, e.relatedSpanId)))
    }
  }

  /** Whether there is anything new since the last call. */
  takeNews(): boolean {
    const state = `${this.orphans} ${this.retracted} ${this.confirmed} ${this.waited > 0} ${this.withParent}`
    const isNew = state !== this.#reported
    this.#reported = state
    return isNew
  }

  /**
   * What was all but certain stands when the trouble is over and its share fades in what is healthy since; then what was all
   * of a caller's calls looks like a burst.
   */
  decide(cause: OrphanCause): void {
    if (this.decided.confidence < LASTING) {
      this.decided = cause
      return
    }
    const isWeaker = cause.cause === 'undetermined' || (cause.cause === 'parent_dropped' && isOfAll(this.decided))
    if (!isWeaker) this.decided = cause
  }
}

function addTo(
  counts: Map<string, { spans: number; orphans: number }>,
  key: string,
  spans: number,
  orphans: number,
): void {
  const known = counts.get(key)
  if (known) {
    known.spans += spans
    known.orphans += orphans
  } else if (counts.size < MAX_CONTEXTS) counts.set(key, { spans, orphans })
}

function isOfAll({ cause }: OrphanCause): boolean {
  return cause === 'parent_not_exported' || cause === 'parent_never_ended'
}

/** The service whose spans are missing: of entries the one that calls them, of all else their own. */
function groupOf(operation: OrphanedOperation): string {
  return (operation.entry && usualCaller(operation)) || operation.service
}

/** Adds up the summaries of all shards and says what is orphaned and, from a few orphans on, why. */
export class OrphanJudge implements TraceJudge<OrphanSummary> {
  readonly #operations = new Map<string, OrphanedOperation>()
  readonly #withParent = new SpansWithParent()
  readonly #config: ContextPropagationConfig
  readonly #evidenceLimit: number

  constructor(config: ContextPropagationConfig, evidenceLimit: number) {
    this.#config = config
    this.#evidenceLimit = evidenceLimit
  }

  judge(summaries: readonly OrphanSummary[], nowMs: number): readonly FindingReport[] {
    for (const summary of summaries) {
      this.#withParent.add(summary)
      for (const row of summary.orphaned) this.#operation(row).add(row, nowMs)
    }
    const orphaned = [...this.#operations.values()].filter(({ orphans }) => orphans > 0)
    for (const operation of orphaned) {
      operation.withParent = this.#withParent.of(operation.key)
      operation.at(nowMs)
    }
    const news = new Set(orphaned.filter((operation) => operation.takeNews()))
    if (news.size === 0) return []
    const before = new Map(orphaned.map((operation) => [operation, operation.decided.cause]))
    this.#decide(orphaned)
    return orphaned.flatMap((operation) => {
      const was = before.get(operation)!
      const isNew = was !== operation.decided.cause
      if (operation.isHeld || !(isNew || news.has(operation))) return []
      return [this.#report(operation, isNew ? was : null)]
    })
  }

  verdicts(): Verdicts {
    const verdicts = new Map<string, string>()
    for (const [key, operation] of this.#operations)
      if (operation.standing > 0) verdicts.set(key, operation.decided.cause)
    return verdicts
  }

  #operation(row: OrphanRow): OrphanedOperation {
    const { key } = row
    let operation = this.#operations.get(key)
    if (!operation) {
      operation = new OrphanedOperation(row, this.#evidenceLimit, this.#config.provisional_after)
      this.#operations.set(key, operation)
    }
    return operation
  }

  /** Decides by each operation alone, and then what that leaves open by those that it shares its service or its callers with. */
  #decide(orphaned: readonly OrphanedOperation[]): void {
    for (const operation of orphaned) operation.decide(orphanCauseOf(operation, () => this.#siblingsOf(operation)))
    const groups = Map.groupBy(orphaned, groupOf)
    for (const group of groups.values()) {
      const open = group.filter(({ decided }) => decided.cause === 'undetermined')
      // All that fell into the bursts of another operation was lost with it.
      const dropped = group.filter(({ decided }) => decided.cause === 'parent_dropped')
      const bursts = dropped.flatMap(({ history }) => history.bursts)
      if (bursts.length > 0)
        for (const operation of open) if (operation.history.isWithin(bursts)) operation.decide(dropped[0]!.decided)
      const mismatch = mismatchOf(open)
      for (const operation of open) operation.decide(mismatch)
    }
    const proxied = new Map<string, OrphanCause>()
    for (const { service, decided } of orphaned)
      if (decided.cause === 'parent_not_exported' && !proxied.has(service)) proxied.set(service, decided)
    for (const operation of orphaned) {
      const { entry, standing, withParent, service, decided } = operation
      if (!entry || standing < withParent || decided.cause !== 'undetermined') continue
      const cause = proxied.get(service)
      if (cause) operation.decide(cause)
    }
  }

  #siblingsOf({ key, service, entry }: OrphanedOperation): Siblings {
    const siblings = { standing: 0, withParent: 0 }
    for (const other of this.#withParent.siblingsOf(key, service, entry)) {
      siblings.standing += this.#operations.get(other)?.standing ?? 0
      siblings.withParent += this.#withParent.of(other)
    }
    return siblings
  }

  #report(operation: OrphanedOperation, supersedesCause: string | null): FindingReport {
    const { service, name, withParent, decided, state } = operation
    const standing = state === 'retracted' ? 0 : operation.standing
    operation.spokenOf = true
    return {
      rule: RULE,
      cause: decided.cause,
      place: { service, instance: null, operation: name, edge: null },
      level: 'error',
      confidence: state === 'confirmed' ? operation.sureOfConfirmed : operation.sureToStay,
      causeConfidence: decided.confidence,
      state,
      occurrences: standing,
      population: withParent,
      firstUnixNano: operation.firstUnixNano,
      lastUnixNano: operation.lastUnixNano,
      message: `${standing} of ${withParent} spans "${name}" of ${service} name a parent that never arrived.`,
      values: { orphaned_share: withParent === 0 ? 0 : standing / withParent, local_parents: operation.localParents },
      evidence: operation.evidence.list,
      supersedesCause,
      related: [],
    }
  }
}
