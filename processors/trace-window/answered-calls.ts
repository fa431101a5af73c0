import { Column } from '../../otlp/span-table.ts'

const ENTRIES = 1 << 15
const SHARE_FROM_WHICH_A_CALL_IS_OPEN = 0.9
const CALLS_NEEDED = 20
/** Weight of the newest call in the running share. */
const WEIGHT = 1 / 32

/**
 * Which client operations are answered by a span of another service as a rule: a trace in which such a call has no
 * callee yet is not complete. Keyed by service and span name through a direct-mapped table, so it is bounded by nature;
 * two operations that collide make a trace wait longer or go earlier, nothing worse.
 */
export class AnsweredCalls {
  readonly #share = new Float32Array(ENTRIES)
  readonly #calls = new Uint16Array(ENTRIES)

  /** `at` is where the row of a CLIENT span begins. */
  observe(words: Uint32Array, at: number, answered: boolean): void {
    const entry = entryOf(words, at)
    const calls = this.#calls[entry]!
    if (calls < 0xffff) this.#calls[entry] = calls + 1
    this.#share[entry]! += ((answered ? 1 : 0) - this.#share[entry]!) * Math.max(WEIGHT, 1 / (calls + 1))
  }

  isAnswered(words: Uint32Array, at: number): boolean {
    const entry = entryOf(words, at)
    return this.#calls[entry]! >= CALLS_NEEDED && this.#share[entry]! > SHARE_FROM_WHICH_A_CALL_IS_OPEN
  }
}

/** The resource's slot stands for the service: it is stable while the service sends. */
function entryOf(words: Uint32Array, at: number): number {
  const hash = words[at + Column.nameHash]! ^ Math.imul(words[at + Column.resource]! + 1, 0x9e3779b1)
  return (hash ^ (hash >>> 15)) & (ENTRIES - 1)
}
