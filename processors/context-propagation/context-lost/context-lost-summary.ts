import type { Boundary } from '../../../component/finding.ts'
import type { CallSample } from './call-samples.ts'

export const RULE = 'CTX-002'

/** Calls out of a service, by operation and peer, since the last summary. */
export interface ExitRow {
  readonly key: string
  readonly service: string
  readonly name: string
  /** The topic, or the peer's name as the caller knows it, without port; '' where it does not say. */
  readonly peer: string
  readonly boundary: Boundary
  readonly scope: string
  readonly total: number
  readonly unanswered: number
  /** Of these what came when its trace had left: whether it has been answered is not known here. */
  readonly late: number
  /** Services that answered, over what, and how often. */
  readonly answeredBy: [service: string, boundary: Boundary, count: number][]
}

/** Work that entered a service, by operation, since the last summary. */
export interface EntryRow {
  readonly key: string
  readonly service: string
  readonly name: string
  /** The topic or queue, for a message; '' else. */
  readonly destination: string
  readonly boundary: Boundary
  readonly scope: string
  /** The RPC that the name is of; null where it is of none. */
  readonly rpc: string | null
  readonly total: number
  /** Without parent and link. */
  readonly roots: number
  /** Their call had left before, and was counted as unanswered. */
  readonly lateAnswers: number
}

/** Names a call by its span; ids as `packedId` makes them. */
export interface CallId {
  readonly traceId: string
  readonly spanId: string
}

export interface CallSummary {
  readonly exits: readonly ExitRow[]
  readonly entries: readonly EntryRow[]
  /** Unanswered exits and parentless entries, of the kept share of time. */
  readonly exitSamples: readonly CallSample[]
  readonly rootSamples: readonly CallSample[]
  /** Calls that are not in the same piece of the trace as their answer. */
  readonly answeredApart: readonly CallId[]
  readonly share: number
}

export function exitKey(service: string, name: string, peer: string): string {
  return `${service}\0${name}\0${peer}`
}
