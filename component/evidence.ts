import type { Evidence } from './finding.ts'

interface Dated {
  readonly unixNano: bigint
  readonly evidence: Evidence
}

/**
 * The earliest pieces of evidence, at most `limit`: by time, then by id, so that it does not matter in which order or on
 * which thread they were found.
 */
export class EarliestEvidence {
  readonly #limit: number
  #kept: Dated[] = []

  constructor(limit: number) {
    this.#limit = limit
  }

  get list(): readonly Evidence[] {
    return this.#kept.map((dated) => dated.evidence)
  }

  /** The same with its times, for another list. */
  get dated(): readonly Dated[] {
    return this.#kept
  }

  /** Whether evidence of this time could still be kept: ask before making it. */
  wants(unixNano: bigint): boolean {
    return this.#kept.length < this.#limit || unixNano <= this.#kept.at(-1)!.unixNano
  }

  add(unixNano: bigint, evidence: Evidence): void {
    const dated = { unixNano, evidence }
    let i = this.#kept.length
    while (i > 0 && compare(dated, this.#kept[i - 1]!) < 0) i--
    this.#kept.splice(i, 0, dated)
    if (this.#kept.length > this.#limit) this.#kept.pop()
  }

  /** Takes out what was disproved. */
  remove(matches: (evidence: Evidence) => boolean): void {
    this.#kept = this.#kept.filter((dated) => !matches(dated.evidence))
  }

  /** All that is kept, for a summary, and begins anew. */
  take(): readonly Dated[] {
    const kept = this.#kept
    this.#kept = []
    return kept
  }

  addAll(list: readonly Dated[]): void {
    for (const { unixNano, evidence } of list) if (this.wants(unixNano)) this.add(unixNano, evidence)
  }
}

export type DatedEvidence = Dated

function compare(a: Dated, b: Dated): number {
  if (a.unixNano !== b.unixNano) return a.unixNano < b.unixNano ? -1 : 1
  const left = idOf(a.evidence)
  const right = idOf(b.evidence)
  return left < right ? -1 : left > right ? 1 : 0
}

function idOf(evidence: Evidence): string {
  switch (evidence.kind) {
    case 'span':
      return evidence.traceId + evidence.spanId
    case 'metric':
      return evidence.metric + evidence.instance
  }
}
