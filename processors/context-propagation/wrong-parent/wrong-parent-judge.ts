import type { FindingReport } from '../../../component/finding.ts'
import { OccurrenceJudge, type OccurrencePart, type Statement } from '../../../component/occurrence-judge.ts'
import type { TraceJudge, Verdicts } from '../../../component/trace-rule.ts'
import type { ContextPropagationConfig } from '../config.ts'
import { sureFrom } from '../how-sure.ts'
import { ParentCounts } from './parent-counts.ts'
import { RULE, type WrongParentSummary } from './wrong-parent-summary.ts'

/** Of the spans below a sibling, at most this many may be there rightfully: work that is handed over begins when it will. */
const RIGHTFUL = 0.1
/** Spans below reused parents, against the square of their number: a loop keeps its parent, requests bring ever new ones. */
const REUSE_PER_PARENT = 2

/** Says of an operation that it hangs below its siblings, or below parents of long ago. */
export class WrongParentJudge implements TraceJudge<WrongParentSummary> {
  readonly #minOccurrences: number
  readonly #siblings: ParentCounts
  readonly #rightful: ParentCounts
  readonly #expected: ParentCounts
  readonly #judge: OccurrenceJudge

  constructor(config: ContextPropagationConfig, evidenceLimit: number) {
    this.#minOccurrences = config.min_occurrences
    this.#siblings = new ParentCounts(config.max_operations)
    this.#rightful = new ParentCounts(config.max_operations)
    this.#expected = new ParentCounts(config.max_operations)
    this.#judge = new OccurrenceJudge({
      rule: RULE,
      evidenceLimit,
      maxPlaces: config.max_operations,
      counts: (part) => part.cause !== 'sibling_parent' || this.#isSibling(part),
      says: (parts, count) => this.#says(parts, count),
    })
  }

  judge(summaries: readonly WrongParentSummary[], nowMs: number): readonly FindingReport[] {
    for (const { occurrences, rightful, expected } of summaries) {
      for (const { cause, service, name, detail, count } of occurrences.rows)
        if (cause === 'sibling_parent') this.#siblings.add({ service, name, parent: detail, count })
      for (const row of rightful) this.#rightful.add(row)
      for (const row of expected) this.#expected.add(row)
    }
    return this.#judge.judge(
      summaries.map(({ occurrences }) => occurrences),
      nowMs,
    )
  }

  verdicts(): Verdicts {
    return this.#judge.verdicts()
  }

  /**
   * Many below one sibling are judged by themselves. Few are together with what hangs below other siblings, and whatever
   * is rightfully below others than those where such spans belong counts against them.
   */
  #isSibling({ service, name, detail, count }: OccurrencePart): boolean {
    const siblings = this.#siblings
    const isMany = (parent: string) => siblings.of(service, name, parent) >= this.#minOccurrences
    const isHandedOver = (parent: string) =>
      this.#rightful.of(service, name, parent) > siblings.of(service, name, parent) * RIGHTFUL
    if (count >= this.#minOccurrences) return !isHandedOver(detail)
    const together = siblings.sum(service, name, (parent) => !isMany(parent) || !isHandedOver(parent))
    const elsewhere = this.#rightful.sum(service, name, (parent) => this.#expected.of(service, name, parent) === 0)
    return together >= this.#minOccurrences && elsewhere <= together * RIGHTFUL
  }

  #says(parts: readonly OccurrencePart[], count: number): Statement | null {
    const { cause, service, name } = parts[0]!
    const population = Math.max(count, parts[0]!.population)
    const many = `${count} of ${population} spans "${name}" of ${service}`
    const common = { level: 'error', population, values: {} } as const
    if (cause === 'sibling_parent') {
      const siblings = parts.map(({ detail }) => `"${detail}"`).sort()
      const rightful = parts.reduce((sum, { detail }) => sum + this.#rightful.of(service, name, detail), 0)
      const sure = sureFrom(count, count + rightful)
      return {
        ...common,
        confidence: sure,
        causeConfidence: sure,
        message: `${many} hang below ${siblings.join(', ')}, which had ended before they began.`,
      }
    }
    if (count < this.#minOccurrences || count < REUSE_PER_PARENT * parts.length * parts.length) return null
    // A loop keeps one parent: each further one is a case that does not bear it out.
    const sure = sureFrom(count, count + parts.length - 1)
    const parents = parts.length === 1 ? 'one span' : `${parts.length} spans`
    return {
      ...common,
      confidence: sure,
      causeConfidence: sure,
      message: `${many} hang below ${parents} that had ended long before: a context is kept for ever.`,
    }
  }
}
