import { operationKey } from '../../../otlp/operations.ts'
import type { OrphanRow } from '../orphan-span/orphan-summary.ts'

/** A share of orphans that is most of them. */
const MOST = 0.7
/** Headless orphans that stand beside others, of all: from there on the unseen parent calls several services. */
const BESIDE = 0.05
/** Operations that a service elsewhere calls; a single one that misses its parents is a stream that never ended. */
const SEVERAL = 2

/**
 * The top of a trace without a head is in a process that nothing arrives of, and that one may as well send its spans
 * elsewhere as not at all: of its callees' orphans nothing is known to be broken. An intermediary before the first service
 * looks different: it calls that one only, and whatever is called from there is here.
 */
export class HeadlessOrphans {
  readonly #limit: number
  readonly #byOperation = new Map<string, { orphans: number; alone: number; beside: number }>()
  #headlessOperations = 0
  #alone = 0
  #beside = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  add({ key, orphans, alone, beside }: OrphanRow): void {
    this.#alone += alone
    this.#beside += beside
    const tally = this.#tallyOf(key)
    if (!tally) return
    if (alone + beside > 0 && tally.alone + tally.beside === 0) this.#headlessOperations++
    tally.orphans += orphans
    tally.alone += alone
    tally.beside += beside
  }

  /** Whether the parents of most orphans of an operation may be in a process that is not seen. `answersMissing`: others are not seen either. */
  mayBeElsewhere(service: string, name: string, answersMissing: boolean): boolean {
    const tally = this.#byOperation.get(operationKey(service, name))
    if (!tally || this.#headlessOperations < SEVERAL) return false
    const isIntermediary = !answersMissing && this.#beside < (this.#alone + this.#beside) * BESIDE
    return tally.beside + (isIntermediary ? 0 : tally.alone) > tally.orphans * MOST
  }

  #tallyOf(key: string) {
    let tally = this.#byOperation.get(key)
    if (!tally && this.#byOperation.size < this.#limit) {
      tally = { orphans: 0, alone: 0, beside: 0 }
      this.#byOperation.set(key, tally)
    }
    return tally
  }
}
