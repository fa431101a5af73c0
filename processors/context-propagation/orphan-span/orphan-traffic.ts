import { PairTally } from '../../../component/pair-tally.ts'
import type { ResourceRef } from '../../../otlp/resource.ts'
import { Column, ROW_WORDS } from '../../../otlp/span-table.ts'
import { widened } from '../../../otlp/widened.ts'
import { type CallFacts, Role } from '../call-facts.ts'
import { SLICE_MS } from './orphan-history.ts'

/** How long after its last orphan an operation is counted closely. */
const ARMED_MS = 600_000
/** Rows of a trace that are looked at for what was under way around an orphan. */
const MAX_CANDIDATES = 256
/** Service instances that are told apart. */
const MAX_INSTANCES = 20_000
/** Callers remembered by operation; beyond it new ones are not told from strangers. */
const MAX_CALLERS = 100_000
const CALLER_STRIDE = 1 << 24
/** Nothing was under way around a span. Other contexts are a service or an operation, told apart by their last bit. */
const NOWHERE = 0

/** By operation, what passed of it in each slice of time, and below what. */
export interface OrphanTrafficRow {
  readonly slices: readonly (readonly [slice: number, traces: number, orphaned: number])[]
  /** For entries the services that called, else the operations around the parent; '' where there is none. */
  readonly contexts: readonly (readonly [context: string, spans: number, orphans: number])[]
  /** By service instance, what does not enter from outside: its parents are of the same one. */
  readonly instances: readonly (readonly [instance: string, spans: number, orphans: number])[]
}

interface OpenRow {
  readonly instances: [string, number, number][]
  readonly slices: [number, number, number][]
  readonly contexts: [string, number, number][]
}

/** Closer counts of operations that have orphans; nothing is kept of others. */
export class OrphanTraffic {
  readonly #toleranceNano: number
  #armedUntilMs = new Float64Array(1024)
  /** By operation, the number of the last trace in which it was counted, and counted as orphaned. */
  #counted = new Uint32Array(1024)
  #orphaned = new Uint32Array(1024)
  #trace = 0
  /** Operations with each service that called them. */
  readonly #callers = new Set<number>()
  readonly #slices = new PairTally()
  readonly #orphanSlices = new PairTally()
  readonly #contexts = new PairTally()
  readonly #orphanContexts = new PairTally()
  readonly #instances = new PairTally()
  readonly #orphanInstances = new PairTally()
  readonly #instanceNames: string[] = []
  readonly #instanceIds = new Map<string, number>()
  readonly #resources = new WeakMap<ResourceRef, number>()

  constructor(toleranceMs: number) {
    this.#toleranceNano = toleranceMs * 1e6
  }

  isArmed(operation: number, nowMs: number): boolean {
    return nowMs < this.#armedUntilMs[operation]!
  }

  nextTrace(): void {
    this.#trace = (this.#trace + 1) >>> 0
  }

  /** A span whose parent is here, or has passed (`parent` below 0). */
  whole(facts: CallFacts, row: number, parent: number): void {
    this.#countTrace(facts, row, facts.operations[row]!)
    if (parent >= 0) this.#countContext(facts, row, parent)
    this.#countInstance(this.#instances, facts, row)
  }

  /** `usualCaller` is a service that called the operation before, or −1. */
  orphan(facts: CallFacts, row: number, first: number, end: number, usualCaller: number, nowMs: number): void {
    const operation = facts.operations[row]!
    if (usualCaller >= 0) this.#learnCaller(operation, usualCaller)
    if (!this.isArmed(operation, nowMs)) this.#countBefore(facts, operation, first)
    this.#armedUntilMs[operation] = nowMs + ARMED_MS
    this.#countTrace(facts, row, operation)
    if (this.#orphaned[operation] !== this.#trace) {
      this.#orphaned[operation] = this.#trace
      this.#orphanSlices.add(operation, sliceOf(facts, row))
    }
    // What is behind a call is not of the service that called, though that one may call the same operation itself.
    const isBehind = facts.missingParents.get(row) === 'behind'
    this.#orphanContexts.add(operation, isBehind ? NOWHERE : this.#contextAround(facts, row, first, end))
    this.#countInstance(this.#orphanInstances, facts, row)
  }

  take({ registry }: CallFacts): Map<number, OrphanTrafficRow> {
    const rows = new Map<number, OpenRow>()
    const rowOf = (operation: number) => {
      let row = rows.get(operation)
      if (!row) {
        row = { slices: [], contexts: [], instances: [] }
        rows.set(operation, row)
      }
      return row
    }
    const nameOf = (context: number) => {
      const id = (context >> 1) - 1
      if (context === NOWHERE) return ''
      return (context & 1) === 1 ? registry.serviceNames[id]! : registry.all[id]!.name
    }
    const orphaned = countsOf(this.#orphanSlices)
    for (const [key, traces] of countsOf(this.#slices)) {
      const [operation, slice] = key.split(' ').map(Number) as [number, number]
      rowOf(operation).slices.push([slice, traces, orphaned.get(key) ?? 0])
    }
    for (const [operation, context, spans, orphans] of sumsOf(this.#contexts, this.#orphanContexts))
      rowOf(operation).contexts.push([nameOf(context), spans, orphans])
    for (const [operation, instance, spans, orphans] of sumsOf(this.#instances, this.#orphanInstances))
      rowOf(operation).instances.push([this.#instanceNames[instance]!, spans, orphans])
    this.#slices.clear()
    this.#orphanSlices.clear()
    return rows
  }

  reserve(operations: number): void {
    if (operations <= this.#counted.length) return
    this.#armedUntilMs = widened(this.#armedUntilMs, operations)
    this.#counted = widened(this.#counted, operations)
    this.#orphaned = widened(this.#orphaned, operations)
  }

  #countTrace(facts: CallFacts, row: number, operation: number): void {
    if (this.#counted[operation] === this.#trace) return
    this.#counted[operation] = this.#trace
    this.#slices.add(operation, sliceOf(facts, row))
  }

  /** Of an entry the service that called it, else the operation around its parent in the same process. */
  #countContext(facts: CallFacts, row: number, parent: number): void {
    const operation = facts.operations[row]!
    if ((facts.roles[row]! & Role.entry) !== 0) {
      this.#learnCaller(operation, facts.serviceOf(parent))
      this.#contexts.add(operation, serviceContext(facts.serviceOf(parent)))
      return
    }
    const around = facts.batch.traces!.parentRow[parent]!
    const isKnown = around >= 0 && isSameProcess(facts, row, around)
    this.#contexts.add(operation, isKnown ? operationContext(facts.operations[around]!) : NOWHERE)
  }

  /**
   * The same of an orphan: what was under way when it began, of several what began last; for an entry in another service,
   * best in one that calls it, else in the same process.
   */
  #contextAround(facts: CallFacts, row: number, first: number, end: number): number {
    const isEntry = (facts.roles[row]! & Role.entry) !== 0
    const until = Math.min(end, first + MAX_CANDIDATES)
    let found = -1
    let foundRank = 0
    for (let other = first; other < until; other++) {
      if (other === row || isSibling(facts, row, other)) continue
      if (isEntry ? facts.serviceOf(other) === facts.serviceOf(row) : !isSameProcess(facts, row, other)) continue
      const rank = this.#rank(facts, row, other, isEntry)
      if (rank < foundRank || rank === 0) continue
      if (rank === foundRank && facts.batch.table.differenceNano(other, Column.start, found, Column.start) <= 0)
        continue
      found = other
      foundRank = rank
    }
    if (found < 0) return NOWHERE
    return isEntry ? serviceContext(facts.serviceOf(found)) : operationContext(facts.operations[found]!)
  }

  /** How well a span may stand around an orphan: 0 not at all. Between processes clocks differ. */
  #rank(facts: CallFacts, row: number, other: number, isEntry: boolean): number {
    const { table } = facts.batch
    const headNano = table.differenceNano(row, Column.start, other, Column.start)
    const tailNano = table.differenceNano(other, Column.end, row, Column.start)
    const holds = headNano >= 0 && tailNano >= 0
    if (!isEntry) return holds ? 1 : 0
    const isNear = headNano >= -this.#toleranceNano && tailNano >= -this.#toleranceNano
    const calls = this.#callers.has(facts.operations[row]! * CALLER_STRIDE + facts.serviceOf(other))
    if (calls) return holds ? 3 : isNear ? 2 : 0
    return holds ? 1 : 0
  }

  #countInstance(tally: PairTally, facts: CallFacts, row: number): void {
    if ((facts.roles[row]! & Role.entry) !== 0) return
    const resource = facts.batch.table.resourceOf(row)
    let id = this.#resources.get(resource)
    if (id === undefined) {
      id = this.#instanceIds.get(resource.instance)
      if (id === undefined) {
        if (this.#instanceNames.length >= MAX_INSTANCES) return
        id = this.#instanceNames.push(resource.instance) - 1
        this.#instanceIds.set(resource.instance, id)
      }
      this.#resources.set(resource, id)
    }
    tally.add(facts.operations[row]!, id)
  }

  #learnCaller(operation: number, service: number): void {
    if (this.#callers.size < MAX_CALLERS) this.#callers.add(operation * CALLER_STRIDE + service)
  }

  /** The traces of the batch before the first orphan's, so that a burst stands out from what was around it. */
  #countBefore(facts: CallFacts, operation: number, untilRow: number): void {
    const { traceCount, firstRow, parentRow } = facts.batch.traces!
    for (let trace = 0; trace < traceCount && firstRow[trace]! < untilRow; trace++) {
      let isCounted = false
      for (let row = firstRow[trace]!; row < firstRow[trace + 1]!; row++) {
        if (facts.operations[row] !== operation || parentRow[row]! < 0) continue
        this.#countContext(facts, row, parentRow[row]!)
        this.#countInstance(this.#instances, facts, row)
        if (!isCounted) this.#slices.add(operation, sliceOf(facts, row))
        isCounted = true
      }
    }
  }
}

function sliceOf({ batch: { table } }: CallFacts, row: number): number {
  return Math.floor(table.timeMs(row, Column.start) / SLICE_MS)
}

/** Misses the same parent. */
function isSibling({ batch: { table } }: CallFacts, row: number, other: number): boolean {
  const { words } = table
  const a = row * ROW_WORDS + Column.parentId
  const b = other * ROW_WORDS + Column.parentId
  return words[a] === words[b] && words[a + 1] === words[b + 1]
}

function isSameProcess({ batch: { table } }: CallFacts, row: number, other: number): boolean {
  return table.words[row * ROW_WORDS + Column.resource] === table.words[other * ROW_WORDS + Column.resource]
}

function countsOf(tally: PairTally): Map<string, number> {
  const counts = new Map<string, number>()
  tally.forEach((first, second, count) => {
    counts.set(`${first} ${second}`, count)
  })
  return counts
}

/** Of two tallies of whole spans and of orphans by the same pairs: all spans, and orphans. Both begin anew. */
function sumsOf(
  wholes: PairTally,
  orphans: PairTally,
): [first: number, second: number, spans: number, orphans: number][] {
  const lost = countsOf(orphans)
  const whole = countsOf(wholes)
  wholes.clear()
  orphans.clear()
  return [...new Set([...whole.keys(), ...lost.keys()])].map((key) => {
    const [first, second] = key.split(' ').map(Number) as [number, number]
    const count = lost.get(key) ?? 0
    return [first, second, (whole.get(key) ?? 0) + count, count]
  })
}

function serviceContext(service: number): number {
  return ((service + 1) << 1) | 1
}

function operationContext(operation: number): number {
  return (operation + 1) << 1
}
