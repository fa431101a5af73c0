import { isRpcName } from '../../component/boundary.ts'
import type { Boundary } from '../../component/finding.ts'

export interface KnownExit {
  readonly key: string
  readonly service: string
  readonly name: string
  readonly peer: string
  readonly boundary: Boundary
  total: number
  unanswered: number
  readonly answeredBy: Map<string, number>
}

export interface KnownEntry {
  readonly key: string
  readonly service: string
  readonly name: string
  readonly boundary: Boundary
  total: number
  roots: number
}

/**
 * Whether calls of this exit may arrive at this entry, although they share no trace: such calls were answered by that
 * service before, or the caller names it as its peer, or both sides give the operation the same name as RPC systems do.
 */
export function answersTo(exit: KnownExit, entry: KnownEntry): boolean {
  if (exit.service === entry.service) return false
  if (exit.answeredBy.size > 0) return exit.answeredBy.has(entry.service) && sameBoundary(exit, entry)
  return namesService(exit.peer, entry.service) || (isRpcName(exit.name) && rpcName(exit.name) === rpcName(entry.name))
}

/** The name without the slash that some instrumentations put first: `/search.Search/Nearby` is `search.Search/Nearby`. */
function rpcName(name: string): string {
  return name.startsWith('/') ? name.slice(1) : name
}

/** Whether a peer's host name is that of a service: `cart`, `cart.shop.svc.cluster.local`, `cart-service`, `cartservice`. */
export function namesService(peer: string, service: string): boolean {
  if (peer === '' || /^[\d.:[\]a-f]+$/i.test(peer)) return false
  return bareName(peer.split('.')[0]!) === bareName(service)
}

function bareName(name: string): string {
  return name.toLowerCase().replace(/[-_]?(service|svc)$/, '')
}

function sameBoundary(exit: KnownExit, entry: KnownEntry): boolean {
  return exit.boundary === entry.boundary || exit.boundary === 'other' || entry.boundary === 'other'
}
