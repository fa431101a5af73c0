import { PRECEDENCE } from '../../findings/catalogue/precedence.ts'
import type { Operations } from '../../otlp/operations.ts'

/** The rules of this processor that compete for a span; a rule's number is its place here + 1. */
const ORDER = PRECEDENCE[0]!

/** A rule that had to leave spans of an operation to another. */
export interface OutrankedRow {
  readonly by: string
  readonly rule: string
  readonly service: string
  readonly name: string
}

/** Which rules would have spoken of spans that another claimed, by operation: bounded by operations times rules. */
export class Outranked {
  readonly #registry: Operations
  /** (operation, claimer, outranked) as one number. */
  readonly #seen = new Set<number>()
  #news: OutrankedRow[] = []

  constructor(registry: Operations) {
    this.#registry = registry
  }

  numberOf(rule: string): number {
    return ORDER.indexOf(rule) + 1
  }

  add(claimer: number, rule: string, operation: number): void {
    const number = this.numberOf(rule)
    if (claimer === 0 || claimer === number) return
    const key = (operation * 16 + claimer) * 16 + number
    if (this.#seen.has(key)) return
    this.#seen.add(key)
    const { service, name } = this.#registry.all[operation]!
    this.#news.push({ by: ORDER[claimer - 1]!, rule, service, name })
  }

  /** What has come to light since the last call. */
  take(): readonly OutrankedRow[] {
    const news = this.#news
    this.#news = []
    return news
  }
}
