import type { TracesBatch } from '../../component/batch.ts'
import { markSpan } from '../../findings/mark-span.ts'
import type { Operations } from '../../otlp/operations.ts'
import { Column, ROW_WORDS, SpanFlag, SpanKind } from '../../otlp/span-table.ts'
import { Parent, TraceState } from '../../otlp/trace-index.ts'
import { widened } from '../../otlp/widened.ts'
import type { MissingParent } from './orphan-span/bridged-orphan.ts'
import { Outranked } from './outranked.ts'
import { RpcNumbers } from './rpc-numbers.ts'

/** What a span is in the traffic between services; bits of `CallFacts.roles`. */
export const Role = {
  /** Work enters the service here: a SERVER or CONSUMER span, or without kinds the first span of a service. */
  entry: 1,
  /** A call leaves the service here: a CLIENT or PRODUCER span, or without kinds a span with a child in another service. */
  exit: 2,
  /** An exit whose callee is in this trace. */
  answered: 4,
  /** It has no children at all. */
  leaf: 8,
  /** It has no parent id. */
  root: 16,
} as const

/**
 * How the spans of an operation without kinds were seen: below a span of their own service, or of another; or above the
 * same RPC in another service, as its caller. And of any operation, whether its calls have been answered.
 */
const Seen = { belowOwn: 1, belowOther: 2, calling: 4, answered: 8 } as const

/**
 * A batch of whole traces, read once for all rules on propagation. Assumes parents are resolved (trace_window). Kinds
 * are taken at their word where an SDK sets them; without them a change of service tells entry from exit.
 */
export class CallFacts {
  batch!: TracesBatch
  /** Operation id by row. */
  operations = new Int32Array(1024)
  /** Bits of `Role` by row. */
  roles = new Uint8Array(1024)
  /** Service id by resource of the table. */
  services: Int32Array = new Int32Array(0)
  /** The number of the rule that claimed a span first, 0 where none did: one span has one primary finding. */
  claimed = new Uint8Array(1024)
  /** Whether the gateway sees only a share of the traffic: then nothing is said on spans about what is missing. */
  seenInPart = false
  /** Whether trace ids of 128 bits have passed: then one whose high half is zero may have been cut on its way. */
  seesWideIds = false
  readonly outranked: Outranked
  /** Parents that a rule found under another trace id, each as trace id (4 words) and span id (2): nobody misses them. */
  readonly foundParents: number[] = []
  /** By row of an orphaned entry, where the parent is that it misses, if that can be told. */
  readonly missingParents = new Map<number, MissingParent>()
  /** Rows of spans that began when the request was over below which they hang. */
  readonly belatedRows: number[] = []
  /** Rows of spans whose parent has left before, so that it may have ended as well. */
  readonly detachedRows: number[] = []
  readonly registry: Operations
  /** By operation, bits of `Seen`: of spans without kinds, where they hang tells what they are when nothing is above. */
  #seen = new Uint8Array(1024)
  readonly #rpcs: RpcNumbers
  /** Traces seen so far, by whether all of them was there; late pieces are no traces. */
  readonly traces = { true: 0, false: 0, unknown: 0 }

  constructor(registry: Operations) {
    this.registry = registry
    this.#rpcs = new RpcNumbers(registry)
    this.outranked = new Outranked(registry)
  }

  /** Makes a span the primary finding of a rule; false where a rule before has it, to which this one then is related. */
  claim(row: number, rule: string): boolean {
    if (this.claimed[row] === 0) {
      this.claimed[row] = this.outranked.numberOf(rule)
      return true
    }
    this.outranked.add(this.claimed[row]!, rule, this.operations[row]!)
    return false
  }

  /** Says on a span what was found about it. */
  mark(row: number, rule: string, cause: string): void {
    if (!this.seenInPart) markSpan(this.batch, row, rule, cause)
  }

  read(batch: TracesBatch): void {
    const { table, traces } = batch
    if (!traces) throw new Error('context_propagation needs whole traces: put a trace_window before it')
    this.batch = batch
    this.#countTraces(traces.state)
    this.#reserve(table.count)
    this.services = this.registry.servicesOf(table)
    const { roles, operations, services, registry } = this
    const words = table.words
    const parentRow = traces.parentRow
    registry.ofRows(table, services, operations)
    for (let row = 0; row < table.count; row++)
      roles[row] = kindRole(words[row * ROW_WORDS + Column.meta]! & 0xff) | Role.leaf
    if (registry.all.length > this.#seen.length) this.#seen = widened(this.#seen, registry.all.length)
    for (let row = 0; row < table.count; row++) {
      const parent = parentRow[row]!
      const at = row * ROW_WORDS
      if (parent < 0) {
        if (parent === Parent.none) roles[row]! |= Role.root
        if ((words[at + Column.meta]! & 0xff) === SpanKind.unspecified && this.#mayEnter(row, parent))
          roles[row]! |= Role.entry
        continue
      }
      roles[parent]! &= ~Role.leaf
      const up = parent * ROW_WORDS
      const sameService = services[words[at + Column.resource]!] === services[words[up + Column.resource]!]
      if ((words[at + Column.meta]! & 0xff) === SpanKind.unspecified)
        this.#seen[operations[row]!]! |= sameService ? Seen.belowOwn : Seen.belowOther
      const parentExits = (roles[parent]! & Role.exit) !== 0
      if (sameService && !(parentExits && (roles[row]! & Role.entry) !== 0)) continue
      roles[row]! |= Role.entry
      roles[parent]! |= Role.exit | Role.answered
      this.#seen[operations[parent]!]! |= Seen.answered
      this.#answerAbove(parent)
      if (!sameService && (words[up + Column.meta]! & 0xff) === SpanKind.unspecified) this.#sawCall(parent, row)
    }
  }

  /** Some clients have a span for each attempt: what that calls answers the call around it. */
  #answerAbove(attempt: number): void {
    const { table, traces } = this.batch
    const above = traces!.parentRow[attempt]!
    if (above < 0 || table.kind(attempt) !== SpanKind.internal || table.kind(above) !== SpanKind.client) return
    if (this.serviceOf(above) === this.serviceOf(attempt)) this.roles[above]! |= Role.answered
  }

  /** Whether a span without kind and without its parent may be where work enters: not what only ever was work inside. */
  #mayEnter(row: number, parent: number): boolean {
    const flags = this.batch.table.get(row, Column.flags)
    if (parent !== Parent.none && (flags & SpanFlag.hasIsRemote) !== 0) return (flags & SpanFlag.isRemote) !== 0
    const seen = this.#seen[this.operations[row]!]! & ~Seen.answered
    return seen !== Seen.belowOwn && (seen & Seen.calling) === 0
  }

  /** A span without kind that another service answers with the same RPC is the caller's side of it, wherever it hangs. */
  #sawCall(call: number, answer: number): void {
    const operation = this.operations[call]!
    if (!this.isSameRpc(call, answer)) return
    this.#seen[operation]! |= Seen.calling
    if (this.batch.traces!.parentRow[call]! < 0) this.roles[call]! &= ~Role.entry
  }

  #countTraces(state: Uint8Array): void {
    for (let i = 0; i < state.length; i++) {
      if (state[i] === TraceState.complete) this.traces.true++
      else if (state[i] === TraceState.incomplete) this.traces.false++
      else if (state[i] === TraceState.unknown) this.traces.unknown++
    }
  }

  /** Whether two spans name the same RPC, each in its way. */
  isSameRpc(row: number, other: number): boolean {
    return this.#rpcs.areSame(this.operations[row]!, this.operations[other]!)
  }

  /** Whether a span names any RPC. */
  isRpc(row: number): boolean {
    return this.#rpcs.isRpc(this.operations[row]!)
  }

  /** Whether two spans name RPCs of one interface. */
  areOfOneInterface(row: number, other: number): boolean {
    return this.#rpcs.areOfOneInterface(this.operations[row]!, this.operations[other]!)
  }

  /** Whether calls like this one have been answered in their own traces. */
  isAnsweredAtTimes(row: number): boolean {
    return (this.#seen[this.operations[row]!]! & Seen.answered) !== 0
  }

  /** Whether a trace id has lost its high half, as far as can be seen. */
  looksCut(row: number): boolean {
    const { words } = this.batch.table
    const at = row * ROW_WORDS
    return this.seesWideIds && (words[at]! | words[at + 1]!) === 0
  }

  /** The service of a row, as its id. */
  serviceOf(row: number): number {
    return this.services[this.batch.table.words[row * ROW_WORDS + Column.resource]!]!
  }

  #reserve(rows: number): void {
    if (rows > this.roles.length) {
      const capacity = Math.max(rows, this.roles.length * 2)
      this.operations = new Int32Array(capacity)
      this.roles = new Uint8Array(capacity)
      this.claimed = new Uint8Array(capacity)
    }
    this.claimed.fill(0, 0, rows)
    this.belatedRows.length = 0
    this.detachedRows.length = 0
    if (this.missingParents.size > 0) this.missingParents.clear()
  }
}

function kindRole(kind: number): number {
  if (kind === SpanKind.server || kind === SpanKind.consumer) return Role.entry
  if (kind === SpanKind.client || kind === SpanKind.producer) return Role.exit
  return 0
}
