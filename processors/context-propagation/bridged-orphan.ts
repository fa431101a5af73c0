import { rpcNameOf } from '../../component/rpc-name.ts'
import { attributeKey, stringAttribute } from '../../otlp/attributes.ts'
import { Column } from '../../otlp/span-table.ts'
import { type CallFacts, Role } from './call-facts.ts'
import { namesService } from './callee-match.ts'

/** Rows of a trace that are looked at for one orphan. */
const MAX_CANDIDATES = 256
const PEER_KEYS = ['peer.service', 'server.address', 'net.peer.name', 'http.host'].map(attributeKey)

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
    if ((facts.roles[row]! & (Role.exit | Role.answered)) !== Role.exit) continue
    if (facts.serviceOf(row) === facts.serviceOf(orphan)) continue
    if (table.differenceNano(orphan, Column.start, row, Column.start) < -toleranceNano) continue
    if (table.differenceNano(row, Column.end, orphan, Column.end) < -toleranceNano) continue
    if (isSameRpc(facts, row, orphan) || namesPeer(facts, row, orphan)) return row
  }
  return -1
}

function isSameRpc(facts: CallFacts, row: number, other: number): boolean {
  const { all } = facts.registry
  const rpc = rpcNameOf(all[facts.operations[row]!]!.name)
  return rpc !== null && rpc === rpcNameOf(all[facts.operations[other]!]!.name)
}

function namesPeer(facts: CallFacts, row: number, other: number): boolean {
  const { service } = facts.registry.all[facts.operations[other]!]!
  const { table } = facts.batch
  return PEER_KEYS.some((key) => namesService((stringAttribute(table, row, key) ?? '').replace(/:\d+$/, ''), service))
}
