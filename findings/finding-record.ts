import type { Evidence, FindingReport, Level } from '../component/finding.ts'
import type { Finding, FindingState } from '../component/finding-source.ts'
import { pageOf, type Rule } from './catalogue/rule.ts'
import { keyPlace } from './finding-key.ts'

/**
 * Reports that one finding is made of: mostly one. More when a detector tells places apart that the key does not (the
 * operations of an edge), each with its own totals.
 */
const MAX_PARTS = 64

const LEVEL_RANK = { info: 0, warn: 1, error: 2 } as const satisfies Record<Level, number>

/** A finding in the making: the last report of each of its parts, and the state that follows from them and from time. */
export class FindingRecord {
  readonly id: string
  readonly #rule: Rule
  readonly #cause: string
  readonly #evidenceLimit: number
  readonly #parts = new Map<string, FindingReport>()
  /** What is published now; null before the first report. */
  finding: Finding | null = null
  /** Occurrences that the metrics count for it: counted minus taken back. */
  standing = 0
  /** When its occurrences last grew, by the clock; what it resolves by. */
  grewAtMs = 0
  changedAtMs = 0

  constructor(rule: Rule, cause: string, id: string, evidenceLimit: number) {
    this.id = id
    this.#rule = rule
    this.#cause = cause
    this.#evidenceLimit = evidenceLimit
  }

  get partKeys(): Iterable<string> {
    return this.#parts.keys()
  }

  get isOpen(): boolean {
    return this.finding?.state === 'provisional' || this.finding?.state === 'confirmed'
  }

  /** Takes in what was last said of a part; false where there are too many parts already. */
  setPart(key: string, report: FindingReport): boolean {
    if (!this.#parts.has(key) && this.#parts.size >= MAX_PARTS) return false
    this.#parts.set(key, report)
    return true
  }

  /** A part that goes on under another finding. */
  removePart(key: string): void {
    this.#parts.delete(key)
  }

  /** Publishes what the parts say now; without parts it goes on as `supersededBy`. */
  update(nowMs: number, supersededBy: string | null): void {
    const before = this.finding
    if (this.#parts.size === 0) {
      const message = `What was found here goes on as finding ${supersededBy}, under another cause.`
      this.finding = { ...before!, state: 'superseded', supersededBy, occurrences: 0, evidence: [], message }
      this.changedAtMs = nowMs
      return
    }
    const merged = this.#merge()
    const hasNew = before === null || before.state === 'retracted' || merged.occurrences > before.occurrences
    if (hasNew) this.grewAtMs = nowMs
    const staysResolved = before?.state === 'resolved' && !hasNew && merged.state !== 'retracted'
    this.finding = staysResolved ? { ...merged, state: 'resolved' } : merged
    if (before?.state !== this.finding.state) this.changedAtMs = nowMs
  }

  resolve(nowMs: number): void {
    this.finding = { ...this.finding!, state: 'resolved' }
    this.changedAtMs = nowMs
  }

  #merge(): Finding {
    const all = [...this.#parts.values()]
    const standing = all.filter((part) => part.state !== 'retracted')
    const parts = standing.length > 0 ? standing : all
    const leading = parts.reduce((most, part) => (part.occurrences > most.occurrences ? part : most))
    const inKey = keyPlace(this.#rule, this.#cause, leading)
    const place = {
      ...inKey,
      operation: inKey.operation ?? same(parts.map((part) => part.place.operation)),
      instance: inKey.instance ?? same(parts.map((part) => part.place.instance)),
    }
    const occurrences = sum(parts.map((part) => part.occurrences))
    const populations = parts.map((part) => part.population)
    const population = this.#rule.population.per === 'edge' ? Math.max(...populations) : sum(populations)
    const { messageOfAll } = this.#rule
    return {
      id: this.id,
      rule: this.#rule.id,
      name: this.#rule.name,
      level: parts.map((part) => part.level).reduce(worse),
      cause: this.#cause,
      confidence: leading.confidence,
      // A cause that was too uncertain to be named was replaced by `undetermined`, which is always right.
      causeConfidence: leading.cause === this.#cause ? leading.causeConfidence : 1,
      state: stateOf(parts),
      supersededBy: null,
      place,
      occurrences,
      population,
      firstUnixNano: parts.map((part) => part.firstUnixNano).reduce(earlier),
      lastUnixNano: parts.map((part) => part.lastUnixNano).reduce(later),
      message: parts.length > 1 && messageOfAll ? messageOfAll(place, occurrences, population) : leading.message,
      page: pageOf(this.#rule),
      related: [...new Set(parts.flatMap((part) => part.related))].sort(),
      values: leading.values,
      evidence: this.#evidence(leading, parts),
    }
  }

  #evidence(leading: FindingReport, parts: readonly FindingReport[]): readonly Evidence[] {
    const others = parts.filter((part) => part !== leading).flatMap((part) => part.evidence)
    return [...leading.evidence, ...others].slice(0, this.#evidenceLimit)
  }
}

function stateOf(parts: readonly FindingReport[]): FindingState {
  if (parts.every((part) => part.state === 'retracted')) return 'retracted'
  return parts.some((part) => part.state === 'confirmed') ? 'confirmed' : 'provisional'
}

function same(values: readonly (string | null)[]): string | null {
  return values.every((value) => value === values[0]) ? values[0]! : null
}

function worse(a: Level, b: Level): Level {
  return LEVEL_RANK[b] > LEVEL_RANK[a] ? b : a
}

function earlier(a: bigint, b: bigint): bigint {
  if (b < a) return b
  return a
}

function later(a: bigint, b: bigint): bigint {
  if (b > a) return b
  return a
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0)
}
