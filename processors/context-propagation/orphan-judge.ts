import { EarliestEvidence } from '../../component/evidence.ts'
import type { FindingReport } from '../../component/finding.ts'
import type { TraceJudge, Verdicts } from '../../component/trace-rule.ts'
import { evidenceKey, keyOf, type OrphanRow, type OrphanSummary, RULE } from './orphan-summary.ts'

/** Confidence that a span is an orphan: its parent is not there, and whether it may still come. */
const CONFIDENCE = { provisional: 0.9, confirmed: 0.99 } as const
/** Orphans from which the cause is decided by shares. */
const DECIDE_FROM = 10
/** A share that counts as all, and one that counts as none: a few traces are always cut by restarts. */
const ALL = 0.98
const NONE = 0.05

/** All that is known of one operation. */
class OrphanedOperation {
  readonly service: string
  readonly name: string
  withParent = 0
  orphans = 0
  retracted = 0
  confirmed = 0
  localParents = 0
  entry = false
  firstUnixNano = 0n
  lastUnixNano = 0n
  cause = 'undetermined'
  /** Orphans, retracted and confirmed at the last report: nothing new, nothing said. */
  reported = ''
  readonly evidence: EarliestEvidence

  constructor(row: OrphanRow, evidenceLimit: number) {
    this.service = row.service
    this.name = row.name
    this.evidence = new EarliestEvidence(evidenceLimit)
  }

  get standing(): number {
    return this.orphans - this.retracted
  }

  add(row: OrphanRow): void {
    this.withParent += row.withParent
    this.orphans += row.orphans
    this.retracted += row.retracted
    this.confirmed += row.confirmed
    this.localParents += row.localParents
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
}

/** Adds up the summaries of all shards and says what is orphaned and, from ten orphans on, why. */
export class OrphanJudge implements TraceJudge<OrphanSummary> {
  readonly #operations = new Map<string, OrphanedOperation>()
  readonly #evidenceLimit: number

  constructor(evidenceLimit: number) {
    this.#evidenceLimit = evidenceLimit
  }

  judge(summaries: readonly OrphanSummary[]): readonly FindingReport[] {
    for (const summary of summaries) for (const row of summary) this.#operation(row).add(row)
    const reports: FindingReport[] = []
    for (const operation of this.#operations.values()) {
      if (operation.orphans === 0) continue
      const state = `${operation.orphans} ${operation.retracted} ${operation.confirmed}`
      if (state === operation.reported) continue
      operation.reported = state
      const before = operation.cause
      operation.cause = this.#causeOf(operation)
      reports.push(this.#report(operation, before === operation.cause ? null : before))
    }
    return reports
  }

  verdicts(): Verdicts {
    const verdicts = new Map<string, string>()
    for (const [key, operation] of this.#operations) if (operation.standing > 0) verdicts.set(key, operation.cause)
    return verdicts
  }

  #operation(row: OrphanRow): OrphanedOperation {
    const key = keyOf(row)
    let operation = this.#operations.get(key)
    if (!operation) {
      operation = new OrphanedOperation(row, this.#evidenceLimit)
      this.#operations.set(key, operation)
    }
    return operation
  }

  /**
   * A parent that never ends is missed by all spans of one operation, while other operations of the service that enter
   * it the same way have their parents. Everything else is not decided yet.
   */
  #causeOf(operation: OrphanedOperation): string {
    if (operation.standing < DECIDE_FROM || operation.standing < operation.withParent * ALL) return 'undetermined'
    let othersWithParent = 0
    let othersOrphaned = 0
    for (const other of this.#operations.values()) {
      if (other === operation || other.service !== operation.service) continue
      othersWithParent += other.withParent
      othersOrphaned += other.standing
    }
    const othersAreFine = othersWithParent >= DECIDE_FROM && othersOrphaned <= othersWithParent * NONE
    return othersAreFine ? 'parent_never_ended' : 'undetermined'
  }

  #report(operation: OrphanedOperation, supersedesCause: string | null): FindingReport {
    const { service, name, standing, withParent, confirmed, cause } = operation
    const allConfirmed = confirmed > 0
    return {
      rule: RULE,
      cause,
      place: { service, instance: null, operation: name, edge: null },
      level: 'error',
      confidence: allConfirmed ? CONFIDENCE.confirmed : CONFIDENCE.provisional,
      causeConfidence: cause === 'undetermined' ? 1 : 0.85,
      state: standing === 0 ? 'retracted' : allConfirmed ? 'confirmed' : 'provisional',
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
