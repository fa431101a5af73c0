import { attributeKey, stringAttribute } from '../../otlp/attributes.ts'
import type { SpanTable } from '../../otlp/span-table.ts'

/** Where a caller names its peer, best first. */
const PEER_KEYS = ['peer.service', 'server.address', 'net.peer.name', 'http.host', 'messaging.destination.name'].map(
  attributeKey,
)

/**
 * Groups of calls: an operation together with the peer that the caller names, since HTTP clients call all their spans
 * `GET`. Small numbers, bounded: beyond `limit` groups a peer is not told apart any more.
 */
export class Peers {
  readonly #limit: number
  readonly #operations: number[] = []
  readonly #peers: string[] = []
  readonly #groups = new Map<string, number>()
  /** By operation: the group without a peer + 1, so that calls that name none need no look-up by text. */
  readonly #withoutPeer: number[] = []

  constructor(limit: number) {
    this.#limit = limit
  }

  groupOf(table: SpanTable, row: number, operation: number): number {
    for (const key of PEER_KEYS) {
      const peer = stringAttribute(table, row, key)
      if (peer !== null && peer !== '') return this.#group(operation, hostOf(peer))
    }
    return this.#withoutPeer[operation] ?? this.#group(operation, '')
  }

  operationOf(group: number): number {
    return this.#operations[group]!
  }

  peerOf(group: number): string {
    return this.#peers[group]!
  }

  #group(operation: number, peer: string): number {
    const key = `${operation} ${peer}`
    const known = this.#groups.get(key)
    if (known !== undefined) return known
    if (peer !== '' && this.#groups.size >= this.#limit)
      return this.#withoutPeer[operation] ?? this.#group(operation, '')
    const group = this.#operations.push(operation) - 1
    this.#peers.push(peer)
    this.#groups.set(key, group)
    if (peer === '') this.#withoutPeer[operation] = group
    return group
  }
}

/** `cart:8080` is `cart`; a bracketed IPv6 address keeps its colons. */
function hostOf(peer: string): string {
  return peer.replace(/:\d+$/, '')
}
