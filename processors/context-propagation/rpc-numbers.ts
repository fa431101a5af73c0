import { rpcNameOf } from '../../component/rpc-name.ts'
import type { Operations } from '../../otlp/operations.ts'
import { widened } from '../../otlp/widened.ts'

const UNKNOWN = 0
const NONE = -1

/** Which operations name the same RPC, or RPCs of one interface, as small numbers; names are read once an operation. */
export class RpcNumbers {
  readonly #registry: Operations
  readonly #numbers = new Map<string, number>()
  readonly #interfaces = new Map<string, number>()
  #ofOperation = new Int32Array(1024)
  /** By operation that is an RPC, what it belongs to: `shop.Cart` of `shop.Cart/Get`. */
  #interfaceOf = new Int32Array(1024)

  constructor(registry: Operations) {
    this.#registry = registry
  }

  /** Whether both are RPCs, and the same one. */
  areSame(operation: number, other: number): boolean {
    const number = this.#of(operation)
    return number !== NONE && number === this.#of(other)
  }

  isRpc(operation: number): boolean {
    return this.#of(operation) !== NONE
  }

  /** Whether both are RPCs of one interface. */
  areOfOneInterface(operation: number, other: number): boolean {
    return this.isRpc(operation) && this.isRpc(other) && this.#interfaceOf[operation] === this.#interfaceOf[other]
  }

  #of(operation: number): number {
    if (operation >= this.#ofOperation.length) this.#grow(operation)
    if (this.#ofOperation[operation] === UNKNOWN) this.#ofOperation[operation] = this.#read(operation)
    return this.#ofOperation[operation]!
  }

  #read(operation: number): number {
    const name = rpcNameOf(this.#registry.all[operation]!.name)
    if (name === null) return NONE
    this.#interfaceOf[operation] = numberIn(this.#interfaces, name.slice(0, name.indexOf('/')))
    return numberIn(this.#numbers, name)
  }

  #grow(operation: number): void {
    this.#ofOperation = widened(this.#ofOperation, operation + 1)
    this.#interfaceOf = widened(this.#interfaceOf, operation + 1)
  }
}

function numberIn(numbers: Map<string, number>, name: string): number {
  const known = numbers.get(name)
  if (known !== undefined) return known
  numbers.set(name, numbers.size + 1)
  return numbers.size
}
