import { ClockDomains, type ClockSource } from './clock-source.ts'
import { type DomainPair, hasEnough } from './domain-pair.ts'
import { PairSamples } from './pair-samples.ts'
import type { BucketData } from './sample-bucket.ts'

/** What one shard saw since its last summary. */
export interface ClockSummary {
  readonly sources: readonly { readonly source: ClockSource; readonly spans: number }[]
  readonly pairs: readonly {
    readonly first: string
    readonly second: string
    readonly buckets: readonly BucketData[]
  }[]
  /** Calls that were not looked at, since there were too many pairs of clocks. */
  readonly refusedPairs: number
}

export interface ClockLimits {
  readonly maxClocks: number
  readonly maxPairs: number
  /** Seconds of all tracks together. */
  readonly maxPoints: number
}

const SOURCE_MEMORY_S = 600
/** Spans are summed by domain every so many rounds. */
const COUNT_ROUNDS = 5
/** A pair without calls for so long gives its place to another when there is no room. */
const QUIET_S = 30

interface KnownSource {
  readonly source: ClockSource
  domain: string
  spans: number
  seenS: number
}

/**
 * The calls between clocks of the last 90 s, by pair of sources and put together by pair of domains: which attribute
 * names the clock of a source is known only once all sources are.
 */
export class ClockSamples {
  readonly #limits: ClockLimits
  readonly #sources = new Map<string, KnownSource>()
  readonly #pairs = new Map<string, PairSamples>()
  #domains = new ClockDomains()
  #domainPairs = new Map<string, DomainPair>()
  #spans = new Map<string, number>()
  /** Domains of several sources. */
  #shared = new Set<string>()
  #stale = true
  #round = 0
  refusedPairs = 0
  refusedClocks = 0

  constructor(limits: ClockLimits) {
    this.#limits = limits
  }

  /** Takes in a summary, and says of which seconds it brought calls. */
  add(summary: ClockSummary, nowS: number, onSecond: (second: number) => void): void {
    this.refusedPairs += summary.refusedPairs
    for (const { source, spans } of summary.sources) this.#addSource(source, spans, nowS)
    for (const { first, second, buckets } of summary.pairs) {
      const pair = this.#pair(first, second)
      if (pair === null) continue
      pair.merge(buckets)
      for (const bucket of buckets) onSecond(bucket.second)
    }
  }

  /** Forgets what is old, and names domains anew where sources or pairs came or went. */
  arrange(nowS: number): void {
    this.#forget(nowS)
    if (this.#stale) this.#arrange()
    if (this.#round++ % COUNT_ROUNDS === 0 || this.#spans.size === 0) this.#countSpans()
  }

  /** Those of which an offset can be estimated. */
  get pairs(): DomainPair[] {
    return [...this.#domainPairs.values()].filter(hasEnough)
  }

  get sources(): Iterable<string> {
    return this.#sources.keys()
  }

  domainOf(source: string): string | null {
    return this.#sources.get(source)?.domain ?? null
  }

  readonly spansOf = (domain: string): number => this.#spans.get(domain) ?? 0

  /** NaN where there are no calls. */
  firstSecond(): number {
    let first = Number.POSITIVE_INFINITY
    for (const pair of this.#pairs.values()) for (const { second } of pair.buckets) if (second < first) first = second
    return first === Number.POSITIVE_INFINITY ? Number.NaN : first
  }

  /** Whether a domain has several sources, whose times can be compared without an offset. */
  isShared(domain: string): boolean {
    return this.#shared.has(domain)
  }

  #countSpans(): void {
    this.#spans = new Map()
    this.#shared = new Set()
    for (const { domain, spans } of this.#sources.values()) {
      const known = this.#spans.get(domain)
      if (known !== undefined) this.#shared.add(domain)
      this.#spans.set(domain, (known ?? 0) + spans)
    }
  }

  #addSource(source: ClockSource, spans: number, nowS: number): void {
    const known = this.#sources.get(source.key)
    if (known) {
      known.spans += spans
      known.seenS = nowS
    } else if (this.#sources.size >= this.#limits.maxClocks) this.refusedClocks++
    else {
      this.#sources.set(source.key, { source, domain: this.#domains.nameOf(source), spans, seenS: nowS })
      this.#stale = true
    }
  }

  /** Null where there is no room for another pair: those that have samples keep their place while they are busy. */
  #pair(first: string, second: string): PairSamples | null {
    const key = pairKey(first, second)
    let pair = this.#pairs.get(key)
    if (!pair) {
      if (this.#pairs.size >= this.#limits.maxPairs) {
        this.refusedPairs++
        return null
      }
      pair = new PairSamples(first, second)
      this.#pairs.set(key, pair)
      this.#stale = true
    }
    return pair
  }

  #forget(nowS: number): void {
    const isFull = this.#pairs.size >= this.#limits.maxPairs
    for (const pair of this.#pairs.values()) {
      pair.prune(nowS)
      if (!pair.isEmpty && !(isFull && pair.latestSecond < nowS - QUIET_S)) continue
      this.#pairs.delete(pairKey(pair.first, pair.second))
      this.#stale = true
    }
    for (const { source, seenS } of this.#sources.values())
      if (seenS < nowS - SOURCE_MEMORY_S) {
        this.#sources.delete(source.key)
        this.#stale = true
      }
  }

  #arrange(): void {
    this.#stale = false
    this.#domains = new ClockDomains()
    for (const { source } of this.#sources.values()) this.#domains.add(source)
    for (const known of this.#sources.values()) known.domain = this.#domains.nameOf(known.source)
    const before = this.#domainPairs
    this.#domainPairs = new Map()
    for (const samples of [...this.#pairs.values()].sort(byName)) {
      const from = this.domainOf(samples.first)
      const to = this.domainOf(samples.second)
      if (from === null || to === null || from === to) continue
      const sign = from < to ? 1 : -1
      const [first, second] = sign === 1 ? [from, to] : [to, from]
      const key = pairKey(first, second)
      let pair = this.#domainPairs.get(key)
      if (!pair) {
        pair = { first, second, parts: [], live: before.get(key)?.live ?? null }
        this.#domainPairs.set(key, pair)
      }
      pair.parts.push({ samples, sign })
    }
  }
}

function pairKey(first: string, second: string): string {
  return `${first}\0${second}`
}

function byName(a: PairSamples, b: PairSamples): number {
  if (a.first !== b.first) return a.first < b.first ? -1 : 1
  return a.second < b.second ? -1 : 1
}
