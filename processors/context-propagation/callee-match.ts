import type { Boundary } from '../../component/finding.ts'
import { rpcNameOf } from '../../component/rpc-name.ts'

export interface KnownExit {
  readonly key: string
  readonly service: string
  readonly name: string
  readonly peer: string
  readonly boundary: Boundary
  /** Name of the instrumentation scope. */
  readonly scope: string
  total: number
  unanswered: number
  /** By service. */
  readonly answeredBy: ReadonlyMap<string, unknown>
}

export interface KnownEntry {
  readonly key: string
  readonly service: string
  readonly name: string
  /** The topic or queue, for a message; '' else. */
  readonly destination: string
  readonly boundary: Boundary
  readonly scope: string
  total: number
  roots: number
}

/**
 * Whether calls of this exit may arrive at this entry, although they share no trace: such calls were answered by that
 * service before, or the caller names it as its peer, or both sides name the same RPC or the same topic. Where both name
 * an RPC it must be the same: a probe that asks for the callee's health is none of its calls.
 */
export function answersTo(exit: KnownExit, entry: KnownEntry): boolean {
  if (exit.service === entry.service) return false
  if (isForSeveral(exit, entry)) return exit.peer !== '' && exit.peer === entry.destination
  const called = exit.boundary === 'messaging' ? null : rpcNameOf(exit.name)
  const served = called === null ? null : rpcNameOf(entry.name)
  if (served !== null && served !== called) return false
  if (exit.answeredBy.size > 0) return exit.answeredBy.has(entry.service) && sameBoundary(exit, entry)
  if (exit.boundary === 'messaging' || entry.boundary === 'messaging')
    return exit.boundary === entry.boundary && exit.peer !== '' && exit.peer === entry.destination
  return namesService(exit.peer, entry.service) || served !== null
}

/** Whether calls of this exit are messages that other services take, as far as is known, and this one may as well. */
export function isForSeveral(exit: KnownExit, entry: KnownEntry): boolean {
  const areMessages = exit.boundary === 'messaging' && entry.boundary === 'messaging'
  return areMessages && exit.answeredBy.size > 0 && !exit.answeredBy.has(entry.service)
}

/** Whether the two sides are instrumented by libraries that speak different formats unless they are told otherwise. */
export function formatsDiffer(exit: KnownExit, entry: KnownEntry): boolean {
  return formatOf(exit.scope) !== formatOf(entry.scope)
}

/**
 * grpc-go's own plugin and OpenCensus speak grpc-trace-bin; everything else is taken to speak W3C, otelgrpc too, whose
 * scope has grpc-go's name in it.
 */
function formatOf(scope: string): 'grpc-trace-bin' | 'w3c' {
  if (scope.includes('otelgrpc')) return 'w3c'
  return /opencensus|ocgrpc|google\.golang\.org\/grpc|^grpc-go/i.test(scope) ? 'grpc-trace-bin' : 'w3c'
}

/** Whether a peer is named by a number only. */
export function isAddress(peer: string): boolean {
  return /^[\d.:[\]a-f]+$/i.test(peer)
}

/** Whether a peer's host name is that of a service: `cart`, `cart.shop.svc.cluster.local`, `cart-service`, `cartservice`. */
export function namesService(peer: string, service: string): boolean {
  return peerServiceOf(peer) === serviceNameOf(service)
}

/** The service that a peer's host name may be that of, as `serviceNameOf` names it; null for an address or nothing. */
export function peerServiceOf(peer: string): string | null {
  if (peer === '' || isAddress(peer)) return null
  return serviceNameOf(peer.split('.')[0]!)
}

/** A service's name without what deployments add to it. */
export function serviceNameOf(name: string): string {
  return name.toLowerCase().replace(/[-_]?(service|svc)$/, '')
}

function sameBoundary(exit: KnownExit, entry: KnownEntry): boolean {
  return exit.boundary === entry.boundary || exit.boundary === 'other' || entry.boundary === 'other'
}
