import { rpcNameOf } from '../../../component/rpc-name.ts'
import { answersTo, type KnownEntry, type KnownExit, peerServiceOf, serviceNameOf } from '../callee-match.ts'

/**
 * Exits by the names by which an entry may be meant, so that a fleet of many services does not compare each entry with
 * each exit: the rules of answersTo, read backwards.
 */
export class ExitIndex<Exit extends KnownExit> {
  readonly #exits = new Map<string, Set<Exit>>()

  /** Once for each exit. */
  add(exit: Exit): void {
    if (exit.boundary === 'messaging') {
      this.#put(`topic ${exit.peer}`, exit)
      return
    }
    const peer = peerServiceOf(exit.peer)
    if (peer !== null) this.#put(`peer ${peer}`, exit)
    const rpc = rpcNameOf(exit.name)
    if (rpc !== null) this.#put(`rpc ${rpc}`, exit)
  }

  /** Whenever a service is seen to answer an exit. */
  addAnswer(exit: Exit, service: string): void {
    this.#put(`answered ${service}`, exit)
  }

  /** The exits that a service has answered. */
  answeredBy(service: string): Iterable<Exit> {
    return this.#exits.get(`answered ${service}`) ?? []
  }

  /** Whether a service has answered anybody. */
  hasAnswered(service: string): boolean {
    return this.#exits.has(`answered ${service}`)
  }

  /** The exits whose calls may arrive at an entry, in an order that only their names decide. */
  callersOf(entry: KnownEntry): Exit[] {
    const keys = [`answered ${entry.service}`, `peer ${serviceNameOf(entry.service)}`, `topic ${entry.destination}`]
    const rpc = rpcNameOf(entry.name)
    if (rpc !== null) keys.push(`rpc ${rpc}`)
    const callers = new Set<Exit>()
    for (const key of keys) for (const exit of this.#exits.get(key) ?? []) if (answersTo(exit, entry)) callers.add(exit)
    return [...callers].sort((a, b) => (a.key < b.key ? -1 : 1))
  }

  #put(key: string, exit: Exit): void {
    const known = this.#exits.get(key)
    if (known) known.add(exit)
    else this.#exits.set(key, new Set([exit]))
  }
}
