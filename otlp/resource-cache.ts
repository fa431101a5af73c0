import { hashInt32 } from './hash.ts'
import type { HeadRanges } from './head-ranges.ts'
import { parseResource, parseScope, type ResourceRef, type ScopeRef } from './resource.ts'
import { sameBytes } from './same-bytes.ts'
import type { SpanTable } from './span-table.ts'
import { MalformedProtobuf } from './wire.ts'

/** Half of it are young, so that the resources of 10 000 services are parsed once; 40 MiB with what is parsed, at most. */
const RESOURCE_LIMITS: Limits = { count: 32_768, bytes: 16 * 1024 * 1024 }
const SCOPE_LIMITS: Limits = { count: 8192, bytes: 4 * 1024 * 1024 }

interface Limits {
  readonly count: number
  /** Of the heads; parsed attributes take about as much again. */
  readonly bytes: number
}

/**
 * Resources and scopes by the bytes of their heads, so that each is parsed once and equal bytes give the same object.
 * Heads are copied out of the request, which is never held by them. Bounded; what was not seen for longest goes first,
 * and only loses the sameness of the object.
 */
export class RefCache {
  readonly #resources: HeadCache<ResourceRef>
  readonly #scopes: HeadCache<ScopeRef>
  /** Number of the table being filled, for `IndexedRef.table`. */
  #table = 0

  constructor(resourceLimits = RESOURCE_LIMITS, scopeLimits = SCOPE_LIMITS) {
    this.#resources = new HeadCache(parseResource, resourceLimits)
    this.#scopes = new HeadCache(parseScope, scopeLimits)
  }

  /** Heads that were parsed because they were not cached. */
  get misses(): number {
    return this.#resources.misses + this.#scopes.misses
  }

  /** Heads that are cached now. */
  get size(): number {
    return this.#resources.size + this.#scopes.size
  }

  resource(head: Uint8Array): ResourceRef {
    return this.#resources.get(head, 0, head.length).ref
  }

  scope(head: Uint8Array): ScopeRef {
    return this.#scopes.get(head, 0, head.length).ref
  }

  /** From now on `resourceIndex` and `scopeIndex` are about another table. */
  beginTable(): void {
    this.#table++
  }

  /** The index of a resource in the table, which gets it if it has not. */
  resourceIndex(table: SpanTable, head: HeadRanges): number {
    return indexIn(table.resources, this.#resources, head, this.#table)
  }

  scopeIndex(table: SpanTable, head: HeadRanges): number {
    return indexIn(table.scopes, this.#scopes, head, this.#table)
  }
}

function indexIn<T extends WithHead>(refs: T[], cache: HeadCache<T>, head: HeadRanges, table: number): number {
  head.join()
  try {
    const entry = cache.get(head.bytes, head.start, head.end)
    if (entry.table !== table) {
      entry.table = table
      entry.index = refs.push(entry.ref) - 1
    }
    return entry.index
  } catch (error) {
    if (!(error instanceof MalformedProtobuf)) throw error
    throw new MalformedProtobuf(head.offsetInRequest(head.start + error.byteOffset), error.message)
  }
}

interface WithHead {
  readonly head: Uint8Array
}

/** A ref with its index in the table that is being filled, which saves a search for each message of a request. */
interface IndexedRef<T> {
  readonly ref: T
  table: number
  index: number
}

/**
 * Two generations: what is found in the old one moves to the young one; when that is half of the limit, it becomes the
 * old one, and what was not asked for meanwhile is gone. One ref a hash: another head of the same hash takes its place.
 */
class HeadCache<T extends WithHead> {
  misses = 0
  readonly #parse: (head: Uint8Array) => T
  readonly #limits: Limits
  #young = new Map<number, IndexedRef<T>>()
  #youngBytes = 0
  #old = new Map<number, IndexedRef<T>>()

  constructor(parse: (head: Uint8Array) => T, limits: Limits) {
    this.#parse = parse
    this.#limits = limits
  }

  get size(): number {
    return this.#young.size + this.#old.size
  }

  /** Throws MalformedProtobuf, with an offset from `start`, where the bytes are no such head. */
  get(bytes: Uint8Array, start: number, end: number): IndexedRef<T> {
    const hash = hashInt32(bytes, start, end)
    const young = this.#young.get(hash)
    if (young !== undefined && sameBytes(young.ref.head, bytes, start, end)) return young
    const old = this.#old.get(hash)
    const known = old !== undefined && sameBytes(old.ref.head, bytes, start, end)
    const entry = known ? old : this.#parsed(bytes, start, end)
    if (known) this.#old.delete(hash)
    this.#add(hash, entry)
    return entry
  }

  #parsed(bytes: Uint8Array, start: number, end: number): IndexedRef<T> {
    this.misses++
    // What Buffer calls slice is a view of the request, whose memory others get later.
    return { ref: this.#parse(Uint8Array.prototype.slice.call(bytes, start, end)), table: 0, index: 0 }
  }

  #add(hash: number, entry: IndexedRef<T>): void {
    if (
      this.#young.size * 2 >= this.#limits.count ||
      (this.#youngBytes + entry.ref.head.length) * 2 > this.#limits.bytes
    ) {
      this.#old = this.#young
      this.#young = new Map()
      this.#youngBytes = 0
    }
    this.#young.set(hash, entry)
    this.#youngBytes += entry.ref.head.length
  }
}
