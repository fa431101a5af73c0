import { rpcNameOf } from '../../../component/rpc-name.ts'
import { operationKey } from '../../../otlp/operations.ts'
import { peerServiceOf } from '../callee-match.ts'
import { type CallTraffic, interfaceOf } from '../context-lost/call-traffic.ts'

/** A share of orphans, or of calls, that is most of them. */
const MOST = 0.7
/** Orphans by calls that were under way around them, from and up to which each call led to one. */
const ONE_EACH_FROM = 0.9
const ONE_EACH_UNTIL = 1.1

/** An exit whose calls lead to nobody who is seen. */
export interface UnseenCallee {
  /** The RPC that is called; null where it is none. */
  readonly rpc: string | null
  readonly calls: number
}

/** Whom the calls of an exit are for, where nobody who is seen ever answered one, and the caller says whom it means; else null. */
export function unseenCallee(traffic: CallTraffic, key: string): UnseenCallee | null {
  const exit = traffic.knownExit(key)
  if (!exit || exit.answeredBy.size > 0) return null
  const { service, rpc, peer, boundary, total } = exit
  const callee = { rpc, calls: total }
  if (boundary === 'messaging') return traffic.topics.has(peer) ? null : callee
  // Without kinds, work inside a service that is named like its RPCs is no call of anybody.
  if (rpc !== null)
    return traffic.servers.has(rpc) || traffic.interfaces.get(interfaceOf(rpc)) === service ? null : callee
  const named = peerServiceOf(peer)
  return named === null || traffic.services.has(named) ? null : callee
}

/** Orphaned entries of one operation around or before which the same calls were made, by the keys of their exits. */
export interface OrphansAmidCalls {
  readonly service: string
  readonly name: string
  /** Under way for most of the orphan's time. */
  readonly during: readonly string[]
  /** Begun before it: messages, and of orphaned messages all. */
  readonly before: readonly string[]
  count: number
}

/** The same for the same calls. */
export function amidCallsKey({ during, before }: OrphansAmidCalls): string {
  return [...during, '', ...before].join('\n')
}

interface Orphaned {
  orphans: number
  readonly amid: Map<string, OrphansAmidCalls>
}

/**
 * A call under way that leads to a service which nobody here has ever answered for: then what the orphan misses may be of
 * that service, which may as well send its spans elsewhere as not at all. An intermediary looks different: it passes on the
 * same RPC, and one call for each that it gets. What was only made before goes its way whatever its caller does next, so
 * most such calls must have led to an orphan.
 */
export class CallsOutOfSight {
  readonly #limit: number
  readonly #byOperation = new Map<string, Orphaned>()
  /** Orphans by the exits that were under way around them. */
  readonly #byExit = new Map<string, number>()

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Those that came with the rest of their trace: of the others it is not known what was under way. */
  addOrphans(key: string, orphans: number): void {
    const known = this.#byOperation.get(key)
    if (known) known.orphans += orphans
    else if (this.#byOperation.size < this.#limit) this.#byOperation.set(key, { orphans, amid: new Map() })
  }

  add(row: OrphansAmidCalls): void {
    const amid = this.#byOperation.get(operationKey(row.service, row.name))?.amid
    if (!amid) return
    const key = amidCallsKey(row)
    const known = amid.get(key)
    if (known) known.count += row.count
    else if (amid.size < this.#limit) amid.set(key, { ...row })
    for (const exit of row.during)
      if (this.#byExit.has(exit) || this.#byExit.size < this.#limit)
        this.#byExit.set(exit, (this.#byExit.get(exit) ?? 0) + row.count)
  }

  /** Whether the parents of most orphans of an operation may be in a service that is not seen; `unseen` is null for exits to others. */
  mayBeElsewhere(service: string, name: string, unseen: (exit: string) => UnseenCallee | null): boolean {
    const orphaned = this.#byOperation.get(operationKey(service, name))
    if (!orphaned) return false
    const rpc = rpcNameOf(name)
    const rows = [...orphaned.amid.values()]
    let elsewhere = 0
    for (const { during, before, count } of rows)
      if (
        during.some((exit) => this.#makes(rpc, exit, unseen(exit))) ||
        before.some((exit) => leadsTo(rows, exit, unseen(exit)))
      )
        elsewhere += count
    return elsewhere > orphaned.orphans * MOST
  }

  /** Whether the callee makes calls of its own, instead of passing on what it gets. */
  #makes(rpc: string | null, exit: string, callee: UnseenCallee | null): boolean {
    if (callee === null) return false
    if (rpc !== null && callee.rpc !== null) return rpc !== callee.rpc
    const each = (this.#byExit.get(exit) ?? 0) / callee.calls
    return each < ONE_EACH_FROM || each > ONE_EACH_UNTIL
  }
}

function leadsTo(rows: readonly OrphansAmidCalls[], exit: string, callee: UnseenCallee | null): boolean {
  if (callee === null) return false
  const orphans = rows.reduce((sum, { before, count }) => (before.includes(exit) ? sum + count : sum), 0)
  return orphans > callee.calls * MOST
}
