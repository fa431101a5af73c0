import { rpcNameOf } from '../../component/rpc-name.ts'
import type { Operations } from '../../otlp/operations.ts'
import { widened } from '../../otlp/widened.ts'

const UNKNOWN = 0
const NONE = -1

/** Which operations name the same RPC, as small numbers; names are read once an operation. */
export class RpcNumbers {
  readonly #registry: Operations
  readonly #numbers = new Map<string, number>()
  #ofOperation = new Int32Array(1024)

  constructor(registry: Operations) {
    this.#registry = registry
  }

  /** Whether both are RPCs, and the same one. */
  areSame(operation: number, other: number): boolean {
    const number = this.#of(operation)
    return number !== NONE && number === this.#of(other)
  }

  #of(operation: number): number {
    if (operation >= this.#ofOperation.length) this.#grow(operation)
    if (this.#ofOperation[operation] === UNKNOWN) this.#ofOperation[operation] = this.#read(operation)
    return this.#ofOperation[operation]!
  }

  #read(operation: number): number {
    const name = rpcNameOf(this.#registry.all[operation]!.name)
    if (name === null) return NONE
    const known = this.#numbers.get(name)
    if (known !== undefined) return known
    this.#numbers.set(name, this.#numbers.size + 1)
    return this.#numbers.size
  }

  #grow(operation: number): void {
    this.#ofOperation = widened(this.#ofOperation, operation + 1)
  }
}
