import { attributeKey, stringAttribute } from '../../../otlp/attributes.ts'
import { Column, SpanKind } from '../../../otlp/span-table.ts'
import { Parent } from '../../../otlp/trace-index.ts'
import { type CallFacts, Role } from '../call-facts.ts'
import { namesService } from '../callee-match.ts'

/** Rows of a trace that are looked at for one orphan. */
const MAX_CANDIDATES = 256
const PEER_KEYS = ['peer.service', 'server.address', 'net.peer.name', 'http.host'].map(attributeKey)
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
  const until = Math.min(end, first + MAX_CANDIDATES)
  for (let row = first; row < until; row++) {
    if (!mayCall(facts, row)) continue
    if (facts.serviceOf(row) === facts.serviceOf(orphan)) continue
    if (table.differenceNano(orphan, Column.start, row, Column.start) < -toleranceNano) continue
    if (table.differenceNano(row, Column.end, orphan, Column.end) < -toleranceNano) continue
    if (facts.isSameRpc(row, orphan) || namesPeer(facts, row, orphan)) return row
  }
  return -1
}

/** What the rest of its trace tells of the parent that an entry misses. */
export type MissingParent =
  /** Only what stands between a call and its callee is missing. */
  | 'between'
  /** A span of a service whose other spans are here. */
  | 'within'
  /** Nothing above it is here: neither the root of the trace nor a process that lost some of its spans. All that is here hangs below it. */
  | 'alone'
  /** The same, with others like it. */
  | 'beside'

/**
 * From the root of a trace to an orphan leads a chain of spans, of which some are missing. It can leave the services that
 * are seen only by a call that nobody here answers. So where the root is here and no such call was under way, what is
 * missing belongs to a service that is seen.
 */
export function isMissedWithin(
  facts: CallFacts,
  orphan: number,
  first: number,
  end: number,
  toleranceNano: number,
): boolean {
  if (end - first > MAX_CANDIDATES) return false
  const { table, traces } = facts.batch
  let hasRoot = false
  for (let row = first; row < end; row++) {
    if (traces!.parentRow[row] === Parent.none) hasRoot = true
    if (row === orphan || !mayCallElsewhere(facts, row)) continue
    const isMessage = table.kind(row) === SpanKind.producer
    if (table.differenceNano(orphan, Column.start, row, Column.start) < -toleranceNano) continue
    if (isMessage || table.differenceNano(row, Column.end, orphan, Column.start) >= -toleranceNano) return false
  }
  return hasRoot
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

function namesPeer(facts: CallFacts, row: number, other: number): boolean {
  const { service } = facts.registry.all[facts.operations[other]!]!
  const { table } = facts.batch
  return PEER_KEYS.some((key) => namesService((stringAttribute(table, row, key) ?? '').replace(/:\d+$/, ''), service))
}
