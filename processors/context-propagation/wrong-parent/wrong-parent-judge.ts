import type { FindingReport } from '../../../component/finding.ts'
import { OccurrenceJudge, type OccurrencePart, type Statement } from '../../../component/occurrence-judge.ts'
import type { TraceJudge, Verdicts } from '../../../component/trace-rule.ts'
import type { ContextPropagationConfig } from '../config.ts'
import { pairKey, RULE, type WrongParentSummary } from './wrong-parent-summary.ts'

/** Of the spans below a sibling, at most this many may be there rightfully: work that is handed over begins when it will. */
const RIGHTFUL = 0.1
/** Spans below reused parents, against the square of their number: a loop keeps its parent, requests bring ever new ones. */
const REUSE_PER_PARENT = 2

/** Says of an operation that it hangs below its siblings, or below parents of long ago. */
export class WrongParentJudge implements TraceJudge<WrongParentSummary> {
  readonly #minOccurrences: number
  readonly #maxPairs: number
  readonly #rightful = new Map<string, number>()
  readonly #judge: OccurrenceJudge

  constructor(config: ContextPropagationConfig, evidenceLimit: number) {
    this.#minOccurrences = config.min_occurrences
    this.#maxPairs = config.max_operations
    this.#judge = new OccurrenceJudge({
      rule: RULE,
      evidenceLimit,
      maxPlaces: config.max_operations,
      counts: (part) => part.cause !== 'sibling_parent' || this.#isSibling(part),
      says: (parts, count) => this.#says(parts, count),
    })
  }

  judge(summaries: readonly WrongParentSummary[], nowMs: number): readonly FindingReport[] {
    for (const { rightful } of summaries)
      for (const [key, count] of rightful) {
        const known = this.#rightful.get(key)
        if (known !== undefined || this.#rightful.size < this.#maxPairs) this.#rightful.set(key, (known ?? 0) + count)
      }
    return this.#judge.judge(
      summaries.map(({ occurrences }) => occurrences),
      nowMs,
    )
  }

  verdicts(): Verdicts {
    return this.#judge.verdicts()
  }

  #isSibling({ service, name, detail, count }: OccurrencePart): boolean {
    const rightful = this.#rightful.get(pairKey(service, name, detail)) ?? 0
    return count >= this.#minOccurrences && rightful <= count * RIGHTFUL
  }

  #says(parts: readonly OccurrencePart[], count: number): Statement | null {
    const { cause, service, name } = parts[0]!
    const population = Math.max(count, parts[0]!.population)
    const many = `${count} of ${population} spans "${name}" of ${service}`
    const common = { level: 'error', confidence: 0.9, causeConfidence: 0.9, population, values: {} } as const
    if (cause === 'sibling_parent') {
      const siblings = parts.map(({ detail }) => `"${detail}"`).sort()
      return { ...common, message: `${many} hang below ${siblings.join(', ')}, which had ended before they began.` }
    }
    if (count < this.#minOccurrences || count < REUSE_PER_PARENT * parts.length * parts.length) return null
    const parents = parts.length === 1 ? 'one span' : `${parts.length} spans`
    return {
      ...common,
      message: `${many} hang below ${parents} that had ended long before: a context is kept for ever.`,
    }
  }
}
