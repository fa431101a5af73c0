import { attributeKey, stringAttribute } from '../../../otlp/attributes.ts'
import { Column, ROW_WORDS, SpanKind } from '../../../otlp/span-table.ts'
import { Parent } from '../../../otlp/trace-index.ts'
import { type CallFacts, Role } from '../call-facts.ts'
import { isPeer } from '../peers.ts'

/** Rows of a trace that are looked at for one orphan. */
const MAX_CANDIDATES = 256
const DATABASE_KEYS = ['db.system.name', 'db.system'].map(attributeKey)

/**
 * The unanswered call of this trace that an orphaned entry must be the answer to, as its row, or −1: of another service,
 * around it in time, and for the same RPC or naming the orphan's service as its peer. Then caller and callee are both
 * here, and only what stands between them is not. `first` and `end` are where the trace lies; asked for orphans only.
 */
export function callOfOrphan(
  facts: CallFacts,
  orphan: number,
  first: number,
  end: number,
  toleranceNano: number,
): number {
  const { table } = facts.batch
  const { service } = facts.registry.all[facts.operations[orphan]!]!
  const until = Math.min(end, first + MAX_CANDIDATES)
  for (let row = first; row < until; row++) {
    if (!mayCall(facts, row)) continue
    if (facts.serviceOf(row) === facts.serviceOf(orphan)) continue
    if (table.differenceNano(orphan, Column.start, row, Column.start) < -toleranceNano) continue
    if (table.differenceNano(row, Column.end, orphan, Column.end) < -toleranceNano) continue
    if (facts.isSameRpc(row, orphan) || isPeer(table, row, service)) return row
  }
  return -1
}

/** What the rest of its trace tells of the parent that an entry misses. */
export type MissingParent =
  /** Only what stands between a call and its callee is missing. */
  | 'between'
  /** A span of a service whose other spans are here. */
  | 'within'
  /** A span behind a call that nobody in its trace answers, as it mostly is: not of the service that called. */
  | 'behind'
  /** Nothing above it is here: neither the root of the trace nor a process that lost some of its spans. All that is here hangs below it. */
  | 'alone'
  /** The same, with others like it. */
  | 'beside'
  /** The rest of the trace had gone on before this piece of it came. */
  | 'apart'

/** Knows of calls that nobody in their trace answers whether their answers are in other traces. */
export interface CallsElsewhere {
  isAnsweredElsewhere(facts: CallFacts, row: number): boolean
}

/**
 * From the root of a trace to an orphan leads a chain of spans, of which some are missing. It can leave the services that
 * are seen only by a call that nobody here answers, in this trace or another: one of `underWay`. So where the root is here
 * and no such call was under way, what is missing belongs to a service that is seen.
 */
export function isMissedWithin(
  facts: CallFacts,
  first: number,
  end: number,
  underWay: readonly number[],
  open: CallsElsewhere,
): boolean {
  if (end - first > MAX_CANDIDATES) return false
  const { parentRow } = facts.batch.traces!
  if (parentRow.subarray(first, end).every((parent) => parent !== Parent.none)) return false
  return underWay.every((row) => open.isAnsweredElsewhere(facts, row))
}

/**
 * The calls, as rows, that nobody in this trace answers and that were under way when an orphaned entry began; with
 * `orBefore` those too that were over, since what was called may have sent a message that waited.
 */
export function callsUnderWay(
  facts: CallFacts,
  orphan: number,
  first: number,
  end: number,
  toleranceNano: number,
  orBefore = false,
): number[] {
  const { table } = facts.batch
  const until = Math.min(end, first + MAX_CANDIDATES)
  const calls: number[] = []
  for (let row = first; row < until; row++) {
    if (row === orphan || !mayCallElsewhere(facts, row)) continue
    const nearNano = isOfOneClock(facts, row, orphan) || !isNamedAsCall(facts, row) ? 0 : toleranceNano
    if (table.differenceNano(orphan, Column.start, row, Column.start) < -nearNano) continue
    const mayWait = orBefore || table.kind(row) === SpanKind.producer
    if (!mayWait && table.differenceNano(row, Column.end, orphan, Column.start) < -nearNano) continue
    if (isBelow(facts, row, orphan) || isWorkInside(facts, row) || isRepeated(facts, row, first, end)) continue
    calls.push(row)
  }
  return calls
}

/** Without kinds work inside a service looks like a call that nobody answers, unless it is named like one. */
function isNamedAsCall(facts: CallFacts, row: number): boolean {
  return facts.batch.table.kind(row) !== SpanKind.unspecified || facts.isRpc(row)
}

function isOfOneClock({ batch: { table } }: CallFacts, row: number, other: number): boolean {
  return table.resourceOf(row) === table.resourceOf(other)
}

/** What an orphan called did not lead to it. */
function isBelow({ batch: { traces } }: CallFacts, row: number, orphan: number): boolean {
  let at = row
  for (let depth = 0; at >= 0 && at !== orphan && depth < MAX_CANDIDATES; depth++) at = traces!.parentRow[at]!
  return at === orphan
}

/** Without kinds, a step of what the service itself was asked for, named after the same interface. */
function isWorkInside(facts: CallFacts, row: number): boolean {
  const { table, traces } = facts.batch
  if (table.kind(row) !== SpanKind.unspecified) return false
  let at = traces!.parentRow[row]!
  for (let depth = 0; at >= 0 && depth < MAX_CANDIDATES; depth++) {
    if (facts.serviceOf(at) !== facts.serviceOf(row)) return false
    if ((facts.roles[at]! & Role.entry) !== 0) return facts.areOfOneInterface(row, at)
    at = traces!.parentRow[at]!
  }
  return false
}

/** A call that was sent twice has its answer below the other copy. */
function isRepeated({ roles, batch: { table } }: CallFacts, row: number, first: number, end: number): boolean {
  const { words } = table
  const at = row * ROW_WORDS + Column.spanId
  for (let other = first; other < end; other++) {
    const to = other * ROW_WORDS + Column.spanId
    if (other === row || words[at] !== words[to] || words[at + 1] !== words[to + 1]) continue
    if ((roles[other]! & Role.answered) !== 0) return true
  }
  return false
}

/** A call without an answer; without kinds, any span without children that is not where work entered. */
function mayCall(facts: CallFacts, row: number): boolean {
  const role = facts.roles[row]!
  if ((role & Role.exit) !== 0) return (role & Role.answered) === 0
  const isUnspecified = facts.batch.table.kind(row) === SpanKind.unspecified
  return isUnspecified && (role & (Role.leaf | Role.entry)) === Role.leaf
}

/** What may go on in another service: messages even when somebody has taken them, and no calls of a database. */
function mayCallElsewhere(facts: CallFacts, row: number): boolean {
  const { table } = facts.batch
  if (table.kind(row) === SpanKind.producer) return true
  return mayCall(facts, row) && DATABASE_KEYS.every((key) => stringAttribute(table, row, key) === null)
}
