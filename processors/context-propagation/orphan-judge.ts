import { EarliestEvidence } from '../../component/evidence.ts'
import type { FindingReport } from '../../component/finding.ts'
import type { TraceJudge, Verdicts } from '../../component/trace-rule.ts'
import { type OrphanCause, OrphanHistory, type OrphanStatistics, orphanCauseOf } from './orphan-cause.ts'
import { evidenceKey, keyOf, type OrphanRow, type OrphanSummary, RULE } from './orphan-summary.ts'

/** Confidence that a span is an orphan: its parent is not there, and whether it may still come. */
const CONFIDENCE = { provisional: 0.9, confirmed: 0.99 } as const

/** All that is known of one operation. */
class OrphanedOperation implements OrphanStatistics {
  readonly service: string
  readonly name: string
  withParent = 0
  orphans = 0
  retracted = 0
  confirmed = 0
  localParents = 0
  entry = false
  callerKnown = 0
  callerAbsent = 0
  readonly history = new OrphanHistory()
  firstUnixNano = 0n
  lastUnixNano = 0n
  decided: OrphanCause = { cause: 'undetermined', confidence: 1 }
  /** The counts of the last report: nothing new, nothing said. */
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

  add(row: OrphanRow, nowMs: number): void {
    this.history.add(nowMs, row.withParent, row.orphans)
    this.callerKnown += row.callerKnown
    this.callerAbsent += row.callerAbsent
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

  judge(summaries: readonly OrphanSummary[], nowMs: number): readonly FindingReport[] {
    for (const summary of summaries) for (const row of summary) this.#operation(row).add(row, nowMs)
    const reports: FindingReport[] = []
    for (const operation of this.#operations.values()) {
      if (operation.orphans === 0) continue
      const { orphans, retracted, confirmed, withParent } = operation
      const state = `${orphans} ${retracted} ${confirmed} ${withParent}`
      if (state === operation.reported) continue
      operation.reported = state
      const before = operation.decided.cause
      const decided = orphanCauseOf(operation, this.#siblingsOf(operation))
      // What was decided stands when the trouble is over and its share fades in what is healthy since.
      if (decided.cause !== 'undetermined') operation.decided = decided
      reports.push(this.#report(operation, before === operation.decided.cause ? null : before))
    }
    return reports
  }

  verdicts(): Verdicts {
    const verdicts = new Map<string, string>()
    for (const [key, operation] of this.#operations)
      if (operation.standing > 0) verdicts.set(key, operation.decided.cause)
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

  #siblingsOf(operation: OrphanedOperation): OrphanedOperation[] {
    return [...this.#operations.values()].filter(
      (other) => other !== operation && other.service === operation.service && other.entry === operation.entry,
    )
  }

  #report(operation: OrphanedOperation, supersedesCause: string | null): FindingReport {
    const { service, name, standing, withParent, confirmed, decided } = operation
    const allConfirmed = confirmed > 0
    return {
      rule: RULE,
      cause: decided.cause,
      place: { service, instance: null, operation: name, edge: null },
      level: 'error',
      confidence: allConfirmed ? CONFIDENCE.confirmed : CONFIDENCE.provisional,
      causeConfidence: decided.confidence,
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
