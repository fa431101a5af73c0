import { ShardTotals } from '../../../component/shard-counts.ts'
import type { OrphanSummary } from './orphan-summary.ts'

/** Totals of the other operations of a service. */
export interface Siblings {
  readonly standing: number
  readonly withParent: number
}

/** How many spans with a parent id there were of each operation, whether they miss it or not. */
export class SpansWithParent {
  readonly #entries = new ShardTotals()
  readonly #inner = new ShardTotals()
  readonly #entriesByService = new KeysByService(this.#entries.keys)
  readonly #innerByService = new KeysByService(this.#inner.keys)

  add({ entries, inner }: OrphanSummary): void {
    this.#entries.add(entries)
    this.#inner.add(inner)
  }

  of(key: string): number {
    return this.#entries.of(key) + this.#inner.of(key)
  }

  /** The other operations of a service that are entered the same way, by their keys. */
  siblingsOf(key: string, service: string, entry: boolean): readonly string[] {
    const keys = (entry ? this.#entriesByService : this.#innerByService).of(service)
    return keys.filter((other) => other !== key && (entry || !this.#entries.has(other)))
  }
}

/** Groups keys by service when it is asked for them: only where something is orphaned. */
class KeysByService {
  readonly #keys: readonly string[]
  readonly #byService = new Map<string, string[]>()
  #grouped = 0

  constructor(keys: readonly string[]) {
    this.#keys = keys
  }

  of(service: string): readonly string[] {
    for (; this.#grouped < this.#keys.length; this.#grouped++) {
      const key = this.#keys[this.#grouped]!
      const its = key.slice(0, key.indexOf('\0'))
      const known = this.#byService.get(its)
      if (known) known.push(key)
      else this.#byService.set(its, [key])
    }
    return this.#byService.get(service) ?? []
  }
}
