import type { Verdicts } from '../../component/trace-rule.ts'
import { Kind } from './lifetime-kinds.ts'
import type { EarlyDurations, OperationRow } from './lifetime-summary.ts'
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
  spans: number
  calls: number
  readonly async: Totals
  readonly response: Totals
}

/** LIFE-003: decides by operation, from all its spans, whether they end too early; remembers those with early spans. */
export class EarlyOperations {
  readonly #limit: number
  readonly #known = new Map<string, Known>()
  forgotten = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  add(key: string, row: OperationRow, spans: number): void {
    let known = this.#known.get(key)
    if (!known) {
      if (!row.async && !row.response) return
      if (this.#known.size >= this.#limit) this.#forgetOne()
      known = { spans, calls: 0, async: new Totals(), response: new Totals() }
      this.#known.set(key, known)
    }
    known.spans = spans
    known.calls += row.calls
    if (row.async) known.async.add(row.async)
    if (row.response) known.response.add(row.response)
  }

  /** Own work that is seen to go on says more than a caller that waits. */
  get(key: string): EarlyOperation | null {
    const known = this.#known.get(key)
    if (!known) return null
    const { async, response, spans, calls } = known
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
    for (const [key, { async, response, spans }] of this.#known) {
      const share = (async.count + response.count) / Math.max(1, spans)
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
