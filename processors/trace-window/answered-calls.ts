import { Column } from '../../otlp/span-table.ts'

const ENTRIES = 1 << 15
/** Calls of an operation, or of a service, from which their share of answers is known. */
const CALLS_NEEDED = 20
/** Weight of the newest call in the running share. */
const WEIGHT = 1 / 32
/** An operation of which at least this share is answered is worth waiting for: some of its calls may be broken. */
const WORTH_WAITING_FOR = 0.2
/** An operation of which more than this share is answered: a call without an answer leaves a hole in the trace. */
const AS_A_RULE = 0.9

/**
 * Which client operations are answered by a span of another service: a trace in which such a call has no callee yet is
 * not complete, since the callee may export 5 s after the caller. What is not known yet is waited for, or its answer
 * would never be seen in time to be learned; an operation that is new is taken for what the service's calls are on the
 * whole. Direct-mapped by service and span name, so it is bounded by nature: operations that collide make a trace wait
 * longer or go earlier, nothing worse.
 */
export class AnsweredCalls {
  readonly #share = new Float32Array(ENTRIES * 2)
  readonly #calls = new Uint16Array(ENTRIES * 2)

  /** `at` is where the row of a CLIENT span begins. */
  observe(words: Uint32Array, at: number, answered: boolean): void {
    this.#learn(operationEntry(words, at), answered)
    this.#learn(serviceEntry(words, at), answered)
  }

  isWorthWaitingFor(words: Uint32Array, at: number): boolean {
    const operation = operationEntry(words, at)
    if (this.#calls[operation]! >= CALLS_NEEDED) return this.#share[operation]! >= WORTH_WAITING_FOR
    const service = serviceEntry(words, at)
    return this.#calls[service]! < CALLS_NEEDED || this.#share[service]! >= WORTH_WAITING_FOR
  }

  isAnsweredAsARule(words: Uint32Array, at: number): boolean {
    const operation = operationEntry(words, at)
    return this.#calls[operation]! >= CALLS_NEEDED && this.#share[operation]! > AS_A_RULE
  }

  #learn(entry: number, answered: boolean): void {
    const calls = this.#calls[entry]!
    if (calls < 0xffff) this.#calls[entry] = calls + 1
    this.#share[entry]! += ((answered ? 1 : 0) - this.#share[entry]!) * Math.max(WEIGHT, 1 / (calls + 1))
  }
}

/** The resource's slot stands for the service: it is stable while the service sends. */
function operationEntry(words: Uint32Array, at: number): number {
  return mix(words[at + Column.nameHash]! ^ Math.imul(words[at + Column.resource]! + 1, 0x9e3779b1))
}

function serviceEntry(words: Uint32Array, at: number): number {
  return ENTRIES + mix(Math.imul(words[at + Column.resource]! + 1, 0x9e3779b1))
}

function mix(hash: number): number {
  return (hash ^ (hash >>> 15)) & (ENTRIES - 1)
}
