import type { TraceObserver, Verdicts } from '../../component/trace-rule.ts'
import { Column, ROW_WORDS } from '../../otlp/span-table.ts'
import { widened } from '../../otlp/widened.ts'
import type { ClockSummary } from './clocks/clock-samples.ts'
import { PairSamples } from './clocks/pair-samples.ts'
import { isCall } from './gave-up.ts'
import type { LifetimeFacts } from './lifetime-facts.ts'

/** A time this far from the gateway's is no time to order samples by. */
const PLAUSIBLE_S = 60
/** Judgements without a call after which a pair is no longer looked at. */
const QUIET_ROUNDS = 30

/**
 * Reads off every call between two clocks what it says about their offset: a CLIENT span with the SERVER span that
 * served it; where an SDK sets no kinds, a span with its child in another service.
 */
export class ClockObserver implements TraceObserver<LifetimeFacts, ClockSummary> {
  #spans = new Float64Array(64)
  /**
   * Those that are looked at: the same from round to round, so that of too many some are known well instead of all a
   * little. A pair that is quiet for a while gives its place to another.
   */
  #pairs = new Map<number, PairSamples>()
  #quietRounds = new Map<number, number>()
  #epoch = 0
  #refused = 0
  readonly #maxPairs: number
  #facts: LifetimeFacts | null = null

  constructor(maxPairs: number) {
    this.#maxPairs = maxPairs
  }

  observe(facts: LifetimeFacts, nowMs: number): void {
    this.#facts = facts
    const { batch, sources, clocks } = facts
    const { table, traces } = batch
    const { words } = table
    const parentRow = traces!.parentRow
    if (clocks.sources.length > this.#spans.length) this.#grow(clocks.sources.length)
    const nowS = nowMs / 1000
    for (let row = 0; row < table.count; row++) {
      const at = row * ROW_WORDS
      const source = sources[words[at + Column.resource]!]!
      if (source < 0) continue
      this.#spans[source]!++
      const parent = parentRow[row]!
      if (parent < 0) continue
      const up = parent * ROW_WORDS
      const caller = sources[words[up + Column.resource]!]!
      if (caller < 0 || caller === source) continue
      if (isCall(words[up + Column.meta]! & 0xff, words[at + Column.meta]! & 0xff)) this.#call(facts, row, parent, nowS)
    }
  }

  takeSummary(): ClockSummary {
    const all = this.#facts?.clocks.sources ?? []
    const sources = []
    for (let id = 0; id < all.length; id++)
      if (this.#spans[id]! > 0) sources.push({ source: all[id]!, spans: this.#spans[id]! })
    const pairs = []
    for (const [key, pair] of this.#pairs) {
      const buckets = pair.take()
      if (buckets.length > 0) {
        pairs.push({ first: pair.first, second: pair.second, buckets })
        this.#quietRounds.set(key, 0)
      } else if (this.#quietOnceMore(key)) this.#pairs.delete(key)
    }
    this.#spans.fill(0)
    const refusedPairs = this.#refused
    this.#refused = 0
    return { sources, pairs, refusedPairs }
  }

  learn(verdicts: Verdicts): void {
    const clocks = this.#facts?.clocks
    clocks?.learn(verdicts)
    if (!clocks || clocks.epoch === this.#epoch) return
    // Sources have other numbers now.
    this.#epoch = clocks.epoch
    this.#pairs.clear()
    this.#quietRounds.clear()
  }

  #quietOnceMore(key: number): boolean {
    const rounds = (this.#quietRounds.get(key) ?? 0) + 1
    if (rounds < QUIET_ROUNDS) {
      this.#quietRounds.set(key, rounds)
      return false
    }
    this.#quietRounds.delete(key)
    return true
  }

  /** From the second clock's view a call the other way round bounds the offset with both signs turned. */
  #call(facts: LifetimeFacts, row: number, parent: number, nowS: number): void {
    const { table } = facts.batch
    const startNano = table.differenceNano(row, Column.start, parent, Column.start)
    const endNano = table.differenceNano(row, Column.end, parent, Column.end)
    // A callee that lasted longer than its call was not waited for, or one of the clocks stepped meanwhile.
    if (startNano < endNano) return
    const caller = facts.sourceOf(parent)
    const callee = facts.sourceOf(row)
    const isForward = facts.clocks.sources[caller]!.key < facts.clocks.sources[callee]!.key
    const pair = isForward ? this.#pair(facts, caller, callee) : this.#pair(facts, callee, caller)
    if (pair === null) return
    let timeS = table.timeMs(isForward ? parent : row, Column.start) / 1000
    if (Math.abs(timeS - nowS) > PLAUSIBLE_S) timeS = table.timeMs(isForward ? row : parent, Column.start) / 1000
    if (Math.abs(timeS - nowS) > PLAUSIBLE_S) return
    const bucket = pair.bucket(Math.floor(timeS))
    const isLeast = isForward ? bucket.add(timeS, endNano, startNano) : bucket.add(timeS, -startNano, -endNano)
    if (!isLeast) return
    bucket.example = {
      kind: 'span',
      traceId: table.traceIdHex(row),
      spanId: table.spanIdHex(row),
      relatedSpanId: table.spanIdHex(parent),
      values: { apparent_offset_seconds: (startNano + endNano) / 2e9, delay_seconds: (startNano - endNano) / 1e9 },
    }
  }

  #pair(facts: LifetimeFacts, first: number, second: number): PairSamples | null {
    const key = first * 65536 + second
    let pair = this.#pairs.get(key)
    if (!pair) {
      if (this.#pairs.size >= this.#maxPairs) {
        this.#refused++
        return null
      }
      pair = new PairSamples(facts.clocks.sources[first]!.key, facts.clocks.sources[second]!.key)
      this.#pairs.set(key, pair)
    }
    return pair
  }

  #grow(sources: number): void {
    this.#spans = widened(this.#spans, sources)
  }
}
