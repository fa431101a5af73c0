import type { Verdicts } from '../../component/trace-rule.ts'
import type { ResourceRef } from '../../otlp/resource.ts'
import { widened } from '../../otlp/widened.ts'
import { type ClockSource, clockSourceOf } from './clocks/clock-source.ts'

/** No clock is named. */
export const NO_CLOCK = -1
/** After so many judgements a table that is full is begun anew: instances come and go. */
const RESTARTED_AFTER = 60
/** Less than this is no news on a span. */
const MIN_APPLIED_NANO = 0.1e6
/** Uncertainties from which an offset is one, as for CLOCK-001. */
const APPLIED_SIGNIFICANCE = 3

/** An offset as the judge hands it to observers: domain, root, offset, slope, at, half width. */
type Verdict = readonly [string, string | null, number, number, number, number]

export function clockVerdict(...verdict: Verdict): string {
  return JSON.stringify(verdict)
}

/**
 * The clocks of a shard as small numbers, with what the judge last said of their offsets: to compare two times is a
 * look-up in typed arrays.
 */
export class ClockTable {
  readonly #maxSources: number
  sources: ClockSource[] = []
  /** Resources whose clock found no room. */
  overflowed = 0
  /** Judgements since the table was begun. */
  #rounds = 0
  #ids = new Map<string, number>()
  /** Counts up when sources get other numbers. */
  epoch = 0
  #names: string[] = []
  #nameIds = new Map<string, number>()
  #verdicts: Verdicts = new Map()
  /** By source: the verdict that the arrays hold, so that what did not change is not read again. */
  #applied: (string | undefined)[] = []
  /** By source: domain and root by name id, −1 for unknown. */
  #domain = new Int32Array(64).fill(-1)
  #root = new Int32Array(64).fill(-1)
  /** By source: offset (ns), slope (ns/s), time of both (s), half width (ns). */
  #offset = new Float64Array(64)
  #slope = new Float64Array(64)
  #at = new Float64Array(64)
  #halfWidth = new Float64Array(64)

  constructor(maxSources: number) {
    this.#maxSources = maxSources
  }

  /** The source of a resource, or NO_CLOCK. */
  sourceOf(resource: ResourceRef): number {
    const source = clockSourceOf(resource.attributes, resource.instance)
    return source === null ? NO_CLOCK : this.#idOf(source)
  }

  /** Whether two sources are known to show the same time. */
  sameDomain(a: number, b: number): boolean {
    return a === b ? a >= 0 : a >= 0 && b >= 0 && this.#domain[a]! >= 0 && this.#domain[a] === this.#domain[b]
  }

  /** Whether both offsets to one root are known. */
  comparable(a: number, b: number): boolean {
    return a >= 0 && b >= 0 && this.#root[a]! >= 0 && this.#root[a] === this.#root[b]
  }

  /** How far a source's clock is ahead of its root at that time; 0 where unknown. */
  offsetNano(source: number, timeS: number): number {
    if (source < 0 || this.#root[source]! < 0) return 0
    return this.#offset[source]! + this.#slope[source]! * (timeS - this.#at[source]!)
  }

  /** Whether a source's clock is known to differ from its root's by so much that it is worth saying. */
  isOff(source: number): boolean {
    if (source < 0 || this.#root[source]! < 0) return false
    return Math.abs(this.#offset[source]!) > Math.max(MIN_APPLIED_NANO, APPLIED_SIGNIFICANCE * this.#halfWidth[source]!)
  }

  halfWidthNano(source: number): number {
    return source < 0 ? 0 : this.#halfWidth[source]!
  }

  learn(verdicts: Verdicts): void {
    this.#verdicts = verdicts
    if (++this.#rounds >= RESTARTED_AFTER && this.sources.length >= this.#maxSources) this.#restart()
    for (let id = 0; id < this.sources.length; id++) this.#apply(id)
  }

  #idOf(source: ClockSource): number {
    const known = this.#ids.get(source.key)
    if (known !== undefined) return known
    if (this.sources.length >= this.#maxSources) {
      this.overflowed++
      return NO_CLOCK
    }
    const id = this.sources.push(source) - 1
    this.#ids.set(source.key, id)
    if (id >= this.#domain.length) this.#grow()
    this.#apply(id)
    return id
  }

  #apply(id: number): void {
    const text = this.#verdicts.get(this.sources[id]!.key)
    if (id < this.#applied.length && text === this.#applied[id]) return
    this.#applied[id] = text
    this.#domain[id] = -1
    this.#root[id] = -1
    if (text === undefined) return
    const [domain, root, offset, slope, at, halfWidth] = JSON.parse(text) as Verdict
    this.#domain[id] = this.#nameId(domain)
    if (root === null) return
    this.#root[id] = this.#nameId(root)
    this.#offset[id] = offset
    this.#slope[id] = slope
    this.#at[id] = at
    this.#halfWidth[id] = halfWidth
  }

  #nameId(name: string): number {
    let id = this.#nameIds.get(name)
    if (id === undefined) {
      id = this.#names.push(name) - 1
      this.#nameIds.set(name, id)
    }
    return id
  }

  /** Instances came and went: only what is asked for again is kept. Summaries name sources by key. */
  #restart(): void {
    this.#rounds = 0
    this.sources = []
    this.#applied = []
    this.#ids = new Map()
    this.epoch++
    this.#names = []
    this.#nameIds = new Map()
  }

  #grow(): void {
    const size = this.#domain.length * 2
    this.#domain = widened(this.#domain, size, -1)
    this.#root = widened(this.#root, size, -1)
    this.#offset = widened(this.#offset, size)
    this.#slope = widened(this.#slope, size)
    this.#at = widened(this.#at, size)
    this.#halfWidth = widened(this.#halfWidth, size)
  }
}
