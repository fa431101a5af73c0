import type { FindingReport } from '../../../component/finding.ts'
import type { TraceJudge, Verdicts } from '../../../component/trace-rule.ts'
import type { ContextPropagationConfig } from '../config.ts'
import { type DroppedCause, droppedCauseOf, droppedConfidence, isHonest, reusedCauseOf } from './dropped-decision.ts'
import { DroppedOperation } from './dropped-operation.ts'
import { BELATED_RULE, type DroppedSummary, HONEST, RULE, SUSPECTED, suspicionKey } from './dropped-summary.ts'
import { HeldInstance } from './held-instance.ts'
import { instanceHash, keepsInstance } from './instance-samples.ts'

/** How often what waits is looked at: each look orders all requests of an instance. */
const LOOK_MS = 5000
/** Samples that wait in all; beyond it new ones are dropped and counted. */
const MAX_HELD = 200_000
/** How long it takes until every shard samples the requests of a service: it learns of that with the next judgement. */
const ARMING_MS = 2000
/** Without another root for this long an operation is no reason to sample what its service serves. */
const SUSPECTED_FOR_MS = 120_000
/** How long honest roots are left alone. */
const HONEST_FOR_MS = 600_000

/** Compares roots with the requests that their instances served at that time, and decides by operation. */
export class DroppedContextJudge implements TraceJudge<DroppedSummary> {
  overflowed = 0
  readonly #evidenceLimit: number
  readonly #maxOperations: number
  readonly #operations = new Map<string, DroppedOperation>()
  readonly #instances = new Map<string, HeldInstance>()
  /** By service, since when all that it serves is sampled: roots of before have nothing to be compared with. */
  readonly #armedFromMs = new Map<string, number>()
  #held = 0
  #lookAtMs = 0
  #nowMs = 0

  constructor(config: ContextPropagationConfig, evidenceLimit: number) {
    this.#evidenceLimit = evidenceLimit
    this.#maxOperations = config.max_operations
  }

  judge(summaries: readonly DroppedSummary[], nowMs: number): readonly FindingReport[] {
    this.#nowMs = nowMs
    const share = Math.min(1, ...summaries.map((summary) => summary.share))
    for (const summary of summaries) {
      for (const { service, name, what, spans, roots } of summary.rows) {
        const operation = this.#operation(service, name, what)
        if (!operation) continue
        operation.spans += spans
        operation.allRoots += roots
        if (roots === 0) continue
        operation.seenMs = nowMs
        if (operation.honestUntilMs === 0 && !this.#armedFromMs.has(service))
          this.#armedFromMs.set(service, nowMs + ARMING_MS)
      }
      this.#hold(summary, share, nowMs)
    }
    if (nowMs < this.#lookAtMs) return []
    this.#lookAtMs = nowMs + LOOK_MS
    this.#look(nowMs)
    const reports = [...this.#operations.values()].flatMap((operation) => this.#report(operation, nowMs))
    this.#disarm()
    return reports
  }

  verdicts(): Verdicts {
    const verdicts = new Map<string, string>()
    for (const [key, operation] of this.#operations)
      if (operation.saidCount > 0) verdicts.set(key, operation.cause)
      else if (operation.honestUntilMs > 0) verdicts.set(key, HONEST)
      else if (this.#isSuspected(operation)) verdicts.set(key, SUSPECTED)
    return verdicts
  }

  #operation(service: string, name: string, what: 'root' | 'belated'): DroppedOperation | null {
    const key = suspicionKey(service, name, what)
    let operation = this.#operations.get(key)
    if (!operation) {
      if (this.#operations.size >= this.#maxOperations) return null
      operation = new DroppedOperation(service, name, what, this.#evidenceLimit)
      this.#operations.set(key, operation)
    }
    return operation
  }

  #hold({ samples, groups }: DroppedSummary, share: number, nowMs: number): void {
    for (let place = 0; place < samples.count; place++) {
      const group = groups.get(samples.groups[place]!)!
      const key = `${group.service}\0${group.instance}`
      if (!keepsInstance(instanceHash(key), share)) continue
      if (this.#held >= MAX_HELD) {
        this.overflowed++
        continue
      }
      let instance = this.#instances.get(key)
      if (!instance) {
        instance = new HeldInstance()
        this.#instances.set(key, instance)
      }
      this.#held++
      instance.add(group, samples, place, nowMs)
    }
  }

  #look(nowMs: number): void {
    this.#held = 0
    for (const [key, instance] of this.#instances) {
      instance.look(
        nowMs,
        (service) => this.#armedFromMs.get(service) ?? nowMs,
        ({ group }) => this.#operation(group.service, group.name, group.what === 'root' ? 'root' : 'belated'),
      )
      if (instance.held === 0) this.#instances.delete(key)
      this.#held += instance.held
    }
  }

  #isSuspected({ honestUntilMs, seenMs }: DroppedOperation): boolean {
    return honestUntilMs === 0 && seenMs + SUSPECTED_FOR_MS > this.#nowMs
  }

  /** Services whose roots are all honest, or long ago, are sampled no more. */
  #disarm(): void {
    const suspected = new Set<string>()
    for (const operation of this.#operations.values())
      if (operation.saidCount > 0 || this.#isSuspected(operation)) suspected.add(operation.service)
    for (const service of this.#armedFromMs.keys()) if (!suspected.has(service)) this.#armedFromMs.delete(service)
  }

  #report(operation: DroppedOperation, nowMs: number): readonly FindingReport[] {
    if (operation.honestUntilMs > 0 && nowMs >= operation.honestUntilMs) operation.forget()
    const wasSaid = operation.saidCount > 0
    const isBelated = operation.what === 'belated'
    // Asynchronous work comes with the requests as well, one by one: only that it lies within others is no chance.
    const confidence = operation.isTimer ? 0 : droppedConfidence(operation, !isBelated && operation.follows, wasSaid)
    if (confidence === 0 && isHonest(operation) && operation.honestUntilMs === 0)
      operation.honestUntilMs = nowMs + HONEST_FOR_MS
    const count = confidence > 0 ? operation.occurrences : 0
    if (count === operation.saidCount && (count === 0 || operation.found === operation.saidFound)) return []
    const before = operation.cause
    const decided = count > 0 ? causeOf(operation) : { cause: operation.cause, confidence: 1 }
    operation.cause = decided.cause
    operation.saidCount = count
    operation.saidFound = operation.found
    return [reportOf(operation, count, confidence, decided, wasSaid && before !== decided.cause ? before : null)]
  }
}

function causeOf(operation: DroppedOperation): DroppedCause {
  return operation.what === 'belated' ? reusedCauseOf(operation) : droppedCauseOf(operation)
}

function reportOf(
  operation: DroppedOperation,
  count: number,
  confidence: number,
  { cause, confidence: causeConfidence }: DroppedCause,
  supersedesCause: string | null,
): FindingReport {
  const { service, name, spans, allRoots } = operation
  const population = Math.max(spans, count)
  return {
    rule: operation.what === 'root' ? RULE : BELATED_RULE,
    cause,
    place: { service, instance: null, operation: name, edge: null },
    level: 'error',
    confidence: count > 0 ? confidence : 1,
    causeConfidence,
    state: count > 0 ? 'confirmed' : 'retracted',
    occurrences: count,
    population,
    firstUnixNano: nanoOf(operation.firstMs),
    lastUnixNano: nanoOf(operation.lastMs),
    message:
      operation.what === 'root'
        ? `${count} of ${population} spans "${name}" of ${service} begin a new trace although ${service} was serving a request.`
        : `${count} of ${population} spans "${name}" of ${service} hang below an earlier request than the one that was served: its context is used again.`,
    values: operation.what === 'root' ? { root_share: Math.min(1, allRoots / population) } : {},
    evidence: count > 0 ? operation.allEvidence : [],
    supersedesCause,
    related: [],
  }
}

function nanoOf(ms: number): bigint {
  return BigInt(Math.round(ms * 1000)) * 1000n
}
