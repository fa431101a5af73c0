import type { Boundary } from '../../../component/finding.ts'
import type { Verdicts } from '../../../component/trace-rule.ts'
import type { CallSample } from './call-samples.ts'

export const RULE = 'CTX-002'

/** What is known for good of the calls out of a service by one operation to one peer. */
export interface ExitKind {
  readonly key: string
  readonly service: string
  readonly name: string
  /** The topic, or the peer's name as the caller knows it, without port; '' where it does not say. */
  readonly peer: string
  readonly boundary: Boundary
  readonly scope: string
}

/** The same of work that enters a service by one operation. */
export interface EntryKind {
  readonly key: string
  readonly service: string
  readonly name: string
  /** The topic or queue, for a message; '' else. */
  readonly destination: string
  readonly boundary: Boundary
  readonly scope: string
  /** The RPC that the name is of; null where it is of none. */
  readonly rpc: string | null
}

/** Columns by the numbers that a shard has for exits. There is a kind wherever there are calls. */
export interface ExitColumns {
  readonly kinds: readonly (ExitKind | undefined)[]
  readonly calls: Uint32Array
  readonly unanswered: Uint32Array
  /** Of these what came when its trace had left: whether it has been answered is not known here. */
  readonly late: Uint32Array
}

/** The same for entries. */
export interface EntryColumns {
  readonly kinds: readonly (EntryKind | undefined)[]
  readonly calls: Uint32Array
  /** Without parent and link. */
  readonly roots: Uint32Array
  /** Their call had left before, and was counted as unanswered. */
  readonly lateAnswers: Uint32Array
}

/** Names a call by its span; ids as `packedId` makes them. */
export interface CallId {
  readonly traceId: string
  readonly spanId: string
}

export interface CallSummary {
  /** Whose numbers these are; what a number stands for there never changes. */
  readonly shard: string
  /** What came since the last summary. */
  readonly exits: ExitColumns
  readonly entries: EntryColumns
  /** Of each exit and entry that answered it: both numbers, and how often. */
  readonly answers: Uint32Array
  /** Unanswered exits and parentless entries, of the kept share of time. */
  readonly exitSamples: readonly CallSample[]
  readonly rootSamples: readonly CallSample[]
  /** Messages of the topics that the judge wants to know all of, whoever took them. */
  readonly messageSamples: readonly CallSample[]
  /** Calls that are not in the same piece of the trace as their answer. */
  readonly answeredApart: readonly CallId[]
  readonly share: number
}

/** A verdict that all messages of a topic are wanted, in a form that no operation's key has. */
export function topicVerdict(topic: string): readonly [key: string, cause: string] {
  return [`\0topic\0${topic}`, topic]
}

export function wantedTopics(verdicts: Verdicts): ReadonlySet<string> {
  return new Set([...verdicts].filter(([key, topic]) => key === topicVerdict(topic)[0]).map(([, topic]) => topic))
}

export function exitKey(service: string, name: string, peer: string): string {
  return `${service}\0${name}\0${peer}`
}
