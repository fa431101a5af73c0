import { type ShardCounts, takeCounts } from '../../component/shard-counts.ts'
import type { Verdicts } from '../../component/trace-rule.ts'
import { widened } from '../../otlp/widened.ts'
import type { LifetimeFacts } from './lifetime-facts.ts'
import type { EarlyDurations, EarlyRow } from './lifetime-summary.ts'
import { LogHistogram } from './log-histogram.ts'

/** What the judge says of an operation: nothing, or for what reason its spans end too early. */
export const Early = { no: 0, async: 1, response: 2 } as const

/** Spans that ended too early of one operation: 4.6 KiB. */
class EarlyTally {
  count = 0
  readonly reported = new LogHistogram()
  readonly effective = new LogHistogram()

  add(reportedNano: number, effectiveNano: number): void {
    this.count++
    this.reported.record(reportedNano)
    this.effective.record(effectiveNano)
  }

  get row(): EarlyDurations {
    return { count: this.count, reported: this.reported.counts, effective: this.effective.counts }
  }
}

/** Counts by operation since the last summary, in arrays; and what the judge last said of each operation. */
export class OperationTallies {
  readonly #maxEarly: number
  spans = new Uint32Array(1024)
  /** Calls whose wait can be compared with the span that served them. */
  calls = new Uint32Array(1024)
  #early = new Uint8Array(1024)
  #async = new Map<number, EarlyTally>()
  #response = new Map<number, EarlyTally>()
  #verdicts: Verdicts = new Map()
  /** Early spans that were not counted, since too many operations had some. */
  #overflowed = 0

  constructor(maxEarly: number) {
    this.#maxEarly = maxEarly
  }

  earlyOf(operation: number): number {
    return this.#early[operation]!
  }

  addAsync(operation: number, reportedNano: number, effectiveNano: number): void {
    this.#tallyOf(this.#async, operation)?.add(reportedNano, effectiveNano)
  }

  addResponse(operation: number, reportedNano: number, effectiveNano: number): void {
    this.#tallyOf(this.#response, operation)?.add(reportedNano, effectiveNano)
  }

  /** Makes room for the operations of a batch. */
  reserve({ registry }: LifetimeFacts): void {
    const operations = registry.all.length
    const before = this.spans.length
    if (operations <= before) return
    this.spans = widened(this.spans, operations)
    this.calls = widened(this.calls, operations)
    this.#early = widened(this.#early, operations)
    if (this.#verdicts.size > 0) this.#apply(registry.keys, before)
  }

  take({ registry }: LifetimeFacts): {
    spans: ShardCounts
    calls: ShardCounts
    early: readonly EarlyRow[]
    overflowed: number
  } {
    const { shard, keys } = registry
    const early: EarlyRow[] = []
    for (const id of new Set([...this.#async.keys(), ...this.#response.keys()]))
      early.push({
        key: keys[id]!,
        async: this.#async.get(id)?.row ?? null,
        response: this.#response.get(id)?.row ?? null,
      })
    const overflowed = this.#overflowed
    this.#async = new Map()
    this.#response = new Map()
    this.#overflowed = 0
    return {
      spans: takeCounts(shard, keys, this.spans),
      calls: takeCounts(shard, keys, this.calls),
      early,
      overflowed,
    }
  }

  learn(facts: LifetimeFacts | null, verdicts: Verdicts): void {
    const isNews = verdicts.size > 0 || this.#verdicts.size > 0
    this.#verdicts = verdicts
    if (!isNews) return
    this.#early.fill(Early.no)
    if (facts && verdicts.size > 0) this.#apply(facts.registry.keys, 0)
  }

  #apply(keys: readonly string[], from: number): void {
    for (let id = from; id < Math.min(keys.length, this.#early.length); id++) {
      const cause = this.#verdicts.get(keys[id]!)
      if (cause !== undefined) this.#early[id] = cause === 'ended_before_response' ? Early.response : Early.async
    }
  }

  #tallyOf(tallies: Map<number, EarlyTally>, operation: number): EarlyTally | null {
    let tally = tallies.get(operation)
    if (tally) return tally
    if (tallies.size >= this.#maxEarly) {
      this.#overflowed++
      return null
    }
    tally = new EarlyTally()
    tallies.set(operation, tally)
    return tally
  }
}
