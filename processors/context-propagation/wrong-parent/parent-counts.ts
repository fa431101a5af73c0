import { operationKey } from '../../../otlp/operations.ts'
import type { ParentRow } from './wrong-parent-summary.ts'

/** Below which operations of their service the spans of an operation hang, and how many below each. */
export class ParentCounts {
  readonly #limit: number
  #pairs = 0
  readonly #byOperation = new Map<string, Map<string, number>>()

  constructor(limit: number) {
    this.#limit = limit
  }

  add({ service, name, parent, count }: ParentRow): void {
    const key = operationKey(service, name)
    const known = this.#byOperation.get(key)?.get(parent)
    if (known === undefined) {
      if (this.#pairs >= this.#limit) return
      this.#pairs++
      if (!this.#byOperation.has(key)) this.#byOperation.set(key, new Map())
    }
    this.#byOperation.get(key)!.set(parent, (known ?? 0) + count)
  }

  of(service: string, name: string, parent: string): number {
    return this.#byOperation.get(operationKey(service, name))?.get(parent) ?? 0
  }

  /** The sum over the parents that count. */
  sum(service: string, name: string, counts: (parent: string) => boolean): number {
    let sum = 0
    for (const [parent, count] of this.#byOperation.get(operationKey(service, name)) ?? [])
      if (counts(parent)) sum += count
    return sum
  }
}
