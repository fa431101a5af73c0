import type { ShardTotals } from '../../component/shard-counts.ts'
import type { Verdicts } from '../../component/trace-rule.ts'
import { Kind } from './lifetime-kinds.ts'
import type { EarlyDurations, EarlyRow } from './lifetime-summary.ts'
import { LogHistogram } from './log-histogram.ts'

/** Spans that ended early from which an operation is judged, and the share of its spans that counts as always. */
const MIN_EARLY = 10
const PERSISTENT = 0.8

/** An operation whose spans persistently end long before their work. */
export interface EarlyOperation {
  readonly kind: typeof Kind.endedBeforeAsyncWork | typeof Kind.endedBeforeResponse
  readonly reported: LogHistogram
  readonly effective: LogHistogram
}

class Totals {
  count = 0
  readonly reported = new LogHistogram()
  readonly effective = new LogHistogram()

  add(durations: EarlyDurations): void {
    this.count += durations.count
    this.reported.merge(durations.reported)
    this.effective.merge(durations.effective)
  }
}

interface Known {
  /** Calls that had been counted before the first early span. */
  readonly callsBefore: number
  readonly async: Totals
  readonly response: Totals
}

/** LIFE-003: decides by operation, from all its spans, whether they end too early; remembers those with early spans. */
export class EarlyOperations {
  readonly #limit: number
  readonly #known = new Map<string, Known>()
  /** Of all operations: spans, and calls whose wait can be compared with the span that served them. */
  readonly #spans: ShardTotals
  readonly #calls: ShardTotals
  forgotten = 0

  constructor(limit: number, spans: ShardTotals, calls: ShardTotals) {
    this.#limit = limit
    this.#spans = spans
    this.#calls = calls
  }

  /** Before the calls of that summary are counted. */
  add({ key, async, response }: EarlyRow): void {
    if (!this.#spans.has(key)) return
    let known = this.#known.get(key)
    if (!known) {
      if (this.#known.size >= this.#limit) this.#forgetOne()
      known = { callsBefore: this.#calls.of(key), async: new Totals(), response: new Totals() }
      this.#known.set(key, known)
    }
    if (async) known.async.add(async)
    if (response) known.response.add(response)
  }

  /** Own work that is seen to go on says more than a caller that waits. */
  get(key: string): EarlyOperation | null {
    const known = this.#known.get(key)
    if (!known) return null
    const { async, response, callsBefore } = known
    const spans = this.#spans.of(key)
    const calls = this.#calls.of(key) - callsBefore
    if (isPersistent(async.count, spans))
      return { kind: Kind.endedBeforeAsyncWork, reported: async.reported, effective: async.effective }
    if (isPersistent(response.count, Math.max(calls, spans * PERSISTENT)))
      return { kind: Kind.endedBeforeResponse, reported: response.reported, effective: response.effective }
    return null
  }

  /** The one that ends too early least often. */
  #forgetOne(): void {
    let least = Number.POSITIVE_INFINITY
    let rarest = ''
    for (const [key, { async, response }] of this.#known) {
      const share = (async.count + response.count) / Math.max(1, this.#spans.of(key))
      if (share >= least) continue
      least = share
      rarest = key
    }
    this.#known.delete(rarest)
    this.forgotten++
  }

  verdicts(): Verdicts {
    const verdicts = new Map<string, string>()
    for (const key of this.#known.keys()) {
      const early = this.get(key)
      if (early)
        verdicts.set(key, early.kind === Kind.endedBeforeResponse ? 'ended_before_response' : 'ended_before_async_work')
    }
    return verdicts
  }
}

function isPersistent(early: number, all: number): boolean {
  return early >= MIN_EARLY && early >= all * PERSISTENT
}
