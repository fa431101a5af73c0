import { PairTally } from '../../component/pair-tally.ts'
import type { TraceObserver, Verdicts } from '../../component/trace-rule.ts'
import { Column, ROW_WORDS } from '../../otlp/span-table.ts'
import { widened } from '../../otlp/widened.ts'
import type { ClockSummary } from './clocks/clock-samples.ts'
import { PairSamples } from './clocks/pair-samples.ts'
import { isCall } from './gave-up.ts'
import type { LifetimeFacts } from './lifetime-facts.ts'
import { WaitedWork } from './waited-work.ts'

/** A time this far from the gateway's is no time to order samples by; nor is one this much further than the other clock's. */
const PLAUSIBLE_S = 60
const FURTHER_S = 5
/** Judgements without a call after which a pair is no longer looked at. */
const QUIET_ROUNDS = 30

/** A pair that is looked at, and its two clocks in their order. */
class ObservedPair {
  readonly first: number
  readonly second: number
  readonly samples: PairSamples
  quietRounds = 0

  constructor(first: number, second: number, samples: PairSamples) {
    this.first = first
    this.second = second
    this.samples = samples
  }
}

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
  #pairs: ObservedPair[] = []
  /** By both sources, the smaller number first, the place in `#pairs` + 1. */
  readonly #places = new PairTally()
  #epoch = 0
  #refused = 0
  readonly #maxPairs: number
  readonly #waited = new WaitedWork()
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
    let haveQuiet = false
    for (const pair of this.#pairs) {
      const buckets = pair.samples.take()
      if (buckets.length > 0) {
        const { first, second } = pair.samples
        pairs.push({ first, second, buckets })
        pair.quietRounds = 0
      } else if (++pair.quietRounds >= QUIET_ROUNDS) haveQuiet = true
    }
    if (haveQuiet) this.#keep(this.#pairs.filter(({ quietRounds }) => quietRounds < QUIET_ROUNDS))
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
    this.#keep([])
  }

  /** From the second clock's view a call the other way round bounds the offset with both signs turned. */
  #call(facts: LifetimeFacts, row: number, parent: number, nowS: number): void {
    const { table } = facts.batch
    const startNano = table.differenceNano(row, Column.start, parent, Column.start)
    let endNano = table.differenceNano(row, Column.end, parent, Column.end)
    // A callee that lasted longer than its call was not waited for, or one of the clocks stepped meanwhile.
    if (startNano < endNano) return
    const extraNano = facts.ends.extra[row]!
    if (extraNano > 0)
      endNano += this.#waited.nano(facts.operations[row]!, table.durationNano(row), extraNano, startNano - endNano)
    const caller = facts.sourceOf(parent)
    const pair = this.#pair(facts, caller, facts.sourceOf(row))
    if (pair === null) return
    const isForward = pair.first === caller
    let timeS = table.timeMs(isForward ? parent : row, Column.start) / 1000
    const otherS = table.timeMs(isForward ? row : parent, Column.start) / 1000
    if (Math.abs(timeS - nowS) > Math.abs(otherS - nowS) + FURTHER_S) timeS = otherS
    if (Math.abs(timeS - nowS) > PLAUSIBLE_S) return
    const bucket = pair.samples.bucket(Math.floor(timeS))
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

  #pair({ clocks }: LifetimeFacts, caller: number, callee: number): ObservedPair | null {
    const place = this.#places.of(Math.min(caller, callee), Math.max(caller, callee))
    if (place !== 0) return this.#pairs[place - 1]!
    if (this.#pairs.length >= this.#maxPairs) {
      this.#refused++
      return null
    }
    const [from, to] = [clocks.sources[caller]!.key, clocks.sources[callee]!.key]
    // The order of the keys, so that all shards agree.
    const pair =
      from < to
        ? new ObservedPair(caller, callee, new PairSamples(from, to))
        : new ObservedPair(callee, caller, new PairSamples(to, from))
    this.#add(pair)
    return pair
  }

  #add(pair: ObservedPair): void {
    const place = this.#pairs.push(pair)
    this.#places.add(Math.min(pair.first, pair.second), Math.max(pair.first, pair.second), place)
  }

  /** Of the pairs that are looked at these alone. */
  #keep(pairs: readonly ObservedPair[]): void {
    this.#pairs = []
    this.#places.clear()
    for (const pair of pairs) this.#add(pair)
  }

  #grow(sources: number): void {
    this.#spans = widened(this.#spans, sources)
  }
}
