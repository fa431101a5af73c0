import { SETTLED_AFTER_MS } from './orphan-history.ts'

/** Instances that are told apart for one operation. */
const MAX_INSTANCES = 64

/** What passed of an operation in one service instance. */
export interface InstanceCount {
  readonly spans: number
  readonly orphans: number
  /** Spans of a time whose orphans have all been seen. */
  readonly settled: number
}

/**
 * Spans and orphans by service instance, since the first orphan. Whole spans are seen seconds before the orphans of the
 * same moment: until those have come, an instance looks unharmed.
 */
export class InstanceCounts {
  readonly #counts = new Map<string, { spans: number; orphans: number; settled: number }>()
  /** At most one for each second and instance until it settles. */
  #fresh: { readonly instance: string; readonly spans: number; readonly sinceMs: number }[] = []

  get all(): ReadonlyMap<string, InstanceCount> {
    return this.#counts
  }

  add(instance: string, spans: number, orphans: number, nowMs: number): void {
    let count = this.#counts.get(instance)
    if (!count) {
      if (this.#counts.size >= MAX_INSTANCES) return
      count = { spans: 0, orphans: 0, settled: 0 }
      this.#counts.set(instance, count)
    }
    count.spans += spans
    count.orphans += orphans
    this.#fresh.push({ instance, spans, sinceMs: nowMs })
  }

  at(nowMs: number): void {
    const settled = this.#fresh.findIndex(({ sinceMs }) => sinceMs + SETTLED_AFTER_MS > nowMs)
    const upTo = settled < 0 ? this.#fresh.length : settled
    if (upTo === 0) return
    for (const { instance, spans } of this.#fresh.slice(0, upTo)) this.#counts.get(instance)!.settled += spans
    this.#fresh = this.#fresh.slice(upTo)
  }
}
