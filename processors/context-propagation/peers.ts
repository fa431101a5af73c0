import { PairTally } from '../../component/pair-tally.ts'
import { attributeKey, authorityAttribute, internAuthority, stringAttribute } from '../../otlp/attributes.ts'
import { attributeChoice, BestAttribute } from '../../otlp/best-attribute.ts'
import { ByteInterner } from '../../otlp/byte-interner.ts'
import type { SpanTable } from '../../otlp/span-table.ts'
import { widened } from '../../otlp/widened.ts'
import type { CallFacts } from './call-facts.ts'
import { namesService } from './callee-match.ts'

/** Where a caller names its peer, best first. */
const PEER_KEYS = attributeChoice(
  // Before the address, which is the broker's.
  'messaging.destination.name',
  'messaging.destination',
  'peer.service',
  'server.address',
  'net.peer.name',
  'http.host',
  // Envoy, and Istio: `outbound|8080||cart.shop.svc.cluster.local`.
  'upstream_cluster.name',
  'upstream_cluster',
)
/** Where HTTP clients name it that do so nowhere else: `requests` of Python, for one. */
const URL_KEYS = ['url.full', 'http.url'].map(attributeKey)
/** Few enough that their bytes are still in the nearest cache when the last has come. */
const FETCHED_ROWS = 128
/** As BestAttribute has it. */
const NO_PEER = -1

/**
 * Groups of calls: an operation together with the peer that the caller names, since HTTP clients call all their spans
 * `GET`. Small numbers, bounded: beyond `limit` peers or groups the peer is not told apart any more.
 */
export class Peers {
  readonly #limit: number
  readonly #names: ByteInterner
  readonly #peer: BestAttribute
  readonly #hosts: (string | undefined)[] = []
  readonly #fetched = new Int32Array(FETCHED_ROWS)
  #operations = new Int32Array(256)
  #peers = new Int32Array(256)
  /** Group + 1 by operation and peer + 1. */
  readonly #groups = new PairTally()

  constructor(limit: number) {
    this.#limit = limit
    this.#names = new ByteInterner(limit)
    this.#peer = new BestAttribute(PEER_KEYS, this.#names)
  }

  /** The groups of all rows that have a role, + 1, into `groups`; 0 for the others. */
  groupsOf({ batch: { table }, operations, roles }: CallFacts, role: number, groups: Int32Array): void {
    const rows = this.#fetched
    let count = 0
    for (let row = 0; row < table.count; row++) {
      groups[row] = 0
      if ((roles[row]! & role) !== 0) rows[count++] = row
      if (count < rows.length && row < table.count - 1) continue
      this.#peer.fetch(table, rows, count, operations)
      for (let i = 0; i < count; i++) groups[rows[i]!] = this.groupOf(table, rows[i]!, operations[rows[i]!]!) + 1
      count = 0
    }
  }

  groupOf(table: SpanTable, row: number, operation: number): number {
    return this.#group(operation, this.#peerOf(table, row, operation))
  }

  operationOf(group: number): number {
    return this.#operations[group]!
  }

  /** The peer's host; '' where the caller names none. */
  peerOf(group: number): string {
    const peer = this.#peers[group]!
    if (peer === NO_PEER) return ''
    this.#hosts[peer] ??= hostOf(this.#names.text(peer))
    return this.#hosts[peer]
  }

  #peerOf(table: SpanTable, row: number, operation: number): number {
    let peer = this.#peer.idOf(table, row, operation)
    for (let i = 0; i < URL_KEYS.length && peer === NO_PEER; i++)
      peer = internAuthority(table, row, URL_KEYS[i]!, this.#names)
    return peer
  }

  #group(operation: number, peer: number): number {
    const known = this.#groups.of(operation, peer + 1)
    if (known !== 0) return known - 1
    if (peer !== NO_PEER && this.#groups.size >= this.#limit) return this.#group(operation, NO_PEER)
    return this.#add(operation, peer)
  }

  #add(operation: number, peer: number): number {
    const group = this.#groups.size
    if (group === this.#operations.length) this.#grow()
    this.#operations[group] = operation
    this.#peers[group] = peer
    this.#groups.add(operation, peer + 1, group + 1)
    return group
  }

  #grow(): void {
    this.#operations = widened(this.#operations, this.#operations.length + 1)
    this.#peers = widened(this.#peers, this.#operations.length)
  }
}

/** The peer's host as `peerOf` has it, of a single span. */
export function peerOfSpan(table: SpanTable, row: number): string {
  for (const key of PEER_KEYS.keys) {
    const peer = stringAttribute(table, row, key)
    if (peer !== null) return hostOf(peer)
  }
  for (const key of URL_KEYS) {
    const peer = authorityAttribute(table, row, key)
    if (peer !== null) return hostOf(peer)
  }
  return ''
}

/** Whether a span names that service as its peer, in whichever way. */
export function isPeer(table: SpanTable, row: number, service: string): boolean {
  const names = (peer: string | null) => peer !== null && namesService(hostOf(peer), service)
  return (
    PEER_KEYS.keys.some((key) => names(stringAttribute(table, row, key))) ||
    URL_KEYS.some((key) => names(authorityAttribute(table, row, key)))
  )
}

/** `cart:8080` is `cart`, and so is `outbound|8080||cart`; a bracketed IPv6 address keeps its colons. */
function hostOf(peer: string): string {
  return peer.replace(/^.*\|/, '').replace(/:\d+$/, '')
}
