import type { TraceObserver, TraceRule, Verdicts } from '../../../component/trace-rule.ts'
import { attributeKey, stringAttribute } from '../../../otlp/attributes.ts'
import { operationKey } from '../../../otlp/operations.ts'
import type { ResourceRef } from '../../../otlp/resource.ts'
import { Column, ROW_WORDS, type SpanTable } from '../../../otlp/span-table.ts'
import { TraceState } from '../../../otlp/trace-index.ts'
import { widened } from '../../../otlp/widened.ts'
import { type CallFacts, Role } from '../call-facts.ts'
import type { ContextPropagationConfig } from '../config.ts'
import { DroppedContextJudge } from './dropped-judge.ts'
import {
  BELATED_RULE,
  type DroppedSummary,
  HONEST,
  type RootRow,
  RULE,
  type SampleGroup,
  type SampleKind,
  SUSPECTED,
  suspicionKey,
} from './dropped-summary.ts'
import { InstanceSamples, instanceHash } from './instance-samples.ts'

/** What is known of an operation: not asked yet, begins traces and may not, begins traces by design. */
const Roots = { unknown: 0, suspected: 1, byDesign: 2 } as const
/** Operations of which belated spans are counted. */
const MAX_BELATED = 1000
/** An operation may be of several in one instance. */
const KINDS: readonly SampleKind[] = ['served', 'kept', 'root', 'belated', 'detached']
const INSTANCE_STRIDE = 1 << 24
const RECEIVING = ['messaging.operation.type', 'messaging.operation', 'messaging.operation.name'].map(attributeKey)

/**
 * CTX-003 context_dropped_in_process: spans that begin a trace without link while their instance serves a request. Root
 * and request share no id, so samples of both are compared by time in the judge. Requests are sampled only in services
 * that have such roots, and no more once these have proved to come by themselves; and with them the spans of the same
 * operation that kept their context, since a request that has one of these lacks nothing.
 *
 * The same comparison tells steps of a request that name a request of before as theirs (CTX-005 context_reused) from
 * work that goes on after its request: that lies within other requests by chance only.
 */
export function droppedContext(
  config: ContextPropagationConfig,
  evidenceLimit: number,
): TraceRule<CallFacts, DroppedSummary> {
  return {
    rules: [RULE, BELATED_RULE],
    createObserver: () => new DroppedContextObserver(config),
    createJudge: () => new DroppedContextJudge(config, evidenceLimit),
  }
}

class DroppedContextObserver implements TraceObserver<CallFacts, DroppedSummary> {
  readonly #limit: number
  readonly #samples: InstanceSamples
  /** By service: 1 where spans begin traces that should perhaps not. */
  #armed = new Uint8Array(64)
  /** By operation, a value of `Roots`; and its spans and roots since the last summary. */
  #state = new Uint8Array(1024)
  #spans = new Uint32Array(1024)
  #roots = new Uint32Array(1024)
  /** By operation, spans since the last summary that hang below a request that was over. */
  readonly #belatedOf = new Map<number, number>()
  readonly #instances = new Map<string, { readonly id: number; readonly hash: number; readonly name: string }>()
  #resources = new WeakMap<ResourceRef, { readonly id: number; readonly hash: number; readonly name: string }>()
  /** Group number by instance and operation. */
  readonly #groups = new Map<number, number>()
  readonly #groupInfos: SampleGroup[] = []
  #facts: CallFacts | null = null
  #verdicts: Verdicts = new Map()

  constructor(config: ContextPropagationConfig) {
    this.#limit = config.max_operations
    this.#samples = new InstanceSamples(config.max_samples)
  }

  observe(facts: CallFacts, _nowMs: number): void {
    this.#facts = facts
    this.#reserve(facts)
    const { table, traces } = facts.batch
    const { traceCount, firstRow, state } = traces!
    const { roles, operations, services } = facts
    const { words } = table
    for (let trace = 0; trace < traceCount; trace++) {
      const isLate = state[trace] === TraceState.late
      const end = firstRow[trace + 1]!
      for (let row = firstRow[trace]!; row < end; row++) {
        const role = roles[row]!
        const isSuspected = this.#state[operations[row]!] === Roots.suspected
        if (isSuspected) this.#spans[operations[row]!]!++
        if ((role & (Role.root | Role.entry)) === 0 && !isSuspected) continue
        const isArmed = this.#armed[services[words[row * ROW_WORDS + Column.resource]!]!] === 1
        if ((role & Role.entry) !== 0) {
          if (isArmed) this.#sample(facts, row, 'served')
        } else if ((role & Role.root) === 0) {
          if (isArmed) this.#sample(facts, row, 'kept')
        } else if (!isLate) this.#root(facts, row)
      }
    }
    for (const row of facts.belatedRows) this.#belated(facts, row, 'belated')
    // Where others are belated these may be.
    for (const row of facts.detachedRows)
      if (this.#belatedOf.has(operations[row]!)) this.#belated(facts, row, 'detached')
  }

  takeSummary(): DroppedSummary {
    const { columns, share } = this.#samples.take()
    const rows: RootRow[] = []
    const all = this.#facts?.registry.all ?? []
    for (let id = 0; id < all.length && id < this.#spans.length; id++) {
      if (this.#spans[id] === 0) continue
      const { service, name } = all[id]!
      const spans = this.#spans[id]!
      rows.push({ service, name, what: 'root', spans, roots: this.#roots[id]! })
      if (this.#belatedOf.has(id)) rows.push({ service, name, what: 'belated', spans, roots: this.#belatedOf.get(id)! })
    }
    for (const id of this.#belatedOf.keys()) this.#belatedOf.set(id, 0)
    this.#spans.fill(0)
    this.#roots.fill(0)
    const groups = new Map<number, SampleGroup>()
    for (const group of columns.groups) groups.set(group, this.#groupInfos[group]!)
    return { rows, groups, samples: columns, share }
  }

  learn(verdicts: Verdicts): void {
    this.#verdicts = verdicts
    const registry = this.#facts?.registry
    if (!registry) return
    this.#armed.fill(0)
    for (const [key, verdict] of verdicts) {
      if (verdict === HONEST) continue
      const service = registry.serviceId(key.slice(0, key.indexOf('\0')))
      if (service >= this.#armed.length) this.#armed = widened(this.#armed, service + 1)
      this.#armed[service] = 1
    }
  }

  #root(facts: CallFacts, row: number): void {
    const { table } = facts.batch
    const operation = facts.operations[row]!
    if (table.linkCount(row) > 0) return
    if (this.#state[operation] === Roots.unknown) {
      this.#state[operation] = isReceipt(table, row) ? Roots.byDesign : Roots.suspected
      if (this.#state[operation] === Roots.suspected) this.#spans[operation]!++
    }
    if (this.#state[operation] === Roots.byDesign) return
    this.#roots[operation]!++
    const { service, name } = facts.registry.all[operation]!
    const verdict = this.#verdicts.get(operationKey(service, name))
    if (verdict === HONEST) return
    this.#armed[facts.serviceOf(row)] = 1
    this.#sample(facts, row, 'root')
    if (verdict === undefined || verdict === SUSPECTED) return
    if (facts.claim(row, RULE)) facts.mark(row, RULE, verdict)
  }

  #belated(facts: CallFacts, row: number, what: 'belated' | 'detached'): void {
    const operation = facts.operations[row]!
    if (this.#state[operation] === Roots.unknown) {
      this.#state[operation] = Roots.suspected
      this.#spans[operation]!++
    }
    const count = this.#belatedOf.get(operation)
    if (count === undefined && this.#belatedOf.size >= MAX_BELATED) return
    this.#belatedOf.set(operation, (count ?? 0) + 1)
    const { service, name } = facts.registry.all[operation]!
    const verdict = this.#verdicts.get(suspicionKey(service, name, 'belated'))
    if (verdict === HONEST) return
    this.#armed[facts.serviceOf(row)] = 1
    this.#sample(facts, row, what)
    if (verdict === undefined || verdict === SUSPECTED) return
    if (facts.claim(row, BELATED_RULE)) facts.mark(row, BELATED_RULE, verdict)
  }

  #sample(facts: CallFacts, row: number, what: SampleKind): void {
    const instance = this.#instanceOf(facts.batch.table.resourceOf(row))
    if (!instance) return
    const operation = facts.operations[row]!
    const key = (instance.id * INSTANCE_STRIDE + operation) * KINDS.length + KINDS.indexOf(what)
    let group = this.#groups.get(key)
    if (group === undefined) {
      if (this.#groupInfos.length >= this.#limit) return
      const { service, name, kind } = facts.registry.all[operation]!
      group = this.#groupInfos.push({ service, instance: instance.name, name, kind, what }) - 1
      this.#groups.set(key, group)
    }
    this.#samples.add(group, instance.hash, facts.batch.table, row)
  }

  #instanceOf(resource: ResourceRef): { readonly id: number; readonly hash: number; readonly name: string } | null {
    const known = this.#resources.get(resource)
    if (known) return known
    const key = `${resource.serviceName}\0${resource.instance}`
    let instance = this.#instances.get(key)
    if (!instance) {
      if (this.#instances.size >= this.#limit) return null
      instance = { id: this.#instances.size, hash: instanceHash(key), name: resource.instance }
      this.#instances.set(key, instance)
    }
    this.#resources.set(resource, instance)
    return instance
  }

  #reserve(facts: CallFacts): void {
    const services = facts.registry.serviceNames.length
    if (services > this.#armed.length) this.#armed = widened(this.#armed, services)
    const operations = facts.registry.all.length
    if (operations <= this.#state.length) return
    this.#state = widened(this.#state, operations)
    this.#spans = widened(this.#spans, operations)
    this.#roots = widened(this.#roots, operations)
  }
}

/** Taking messages from a broker: by the semantic conventions a root of its own, before any message is handled. */
function isReceipt(table: SpanTable, row: number): boolean {
  return RECEIVING.some((key) => /^(receive|poll|fetch)$/.test(stringAttribute(table, row, key) ?? ''))
}
