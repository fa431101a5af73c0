import { operationKey } from '../otlp/operations.ts'
import type { Edge, Evidence, FindingReport, FindingValue, Level, Place } from './finding.ts'
import { type OccurrenceRow, type OccurrenceSummary, OccurrenceTotal } from './occurrence-rule.ts'
import { ShardTotals } from './shard-counts.ts'
import type { TraceJudge, Verdicts } from './trace-rule.ts'

/** All occurrences of one cause at one place with one detail. */
export interface OccurrencePart {
  readonly cause: string
  readonly service: string
  readonly name: string
  readonly edge: Edge | null
  readonly detail: string
  readonly count: number
  /** Spans of the operation that could have been wrong; 0 where the rule does not count them. */
  readonly population: number
}

/** What a rule says of the parts of a place that count. */
export interface Statement {
  readonly level: Level
  readonly confidence: number
  readonly causeConfidence: number
  readonly population: number
  readonly message: string
  readonly values: Readonly<Record<string, FindingValue>>
}

export interface OccurrenceJudgeOptions {
  readonly rule: string
  readonly evidenceLimit: number
  /** Parts and operations kept; beyond it new ones are counted in `overflowed` only. */
  readonly maxPlaces: number
  /** Whether a part is taken for what it seems; the others are held until it is. */
  readonly counts?: (part: OccurrencePart) => boolean
  /** What is to be said of a place, from those of its parts that count; null for nothing, or nothing any more. */
  readonly says: (parts: readonly OccurrencePart[], count: number) => Statement | null
}

interface KnownPlace {
  readonly cause: string
  readonly service: string
  readonly name: string
  readonly edge: Edge | null
  readonly parts: Map<string, OccurrenceTotal>
  saidCount: number
  saidPopulation: number
}

/** Adds up the summaries of all shards by place (service, operation, edge) and cause, and says what the rule makes of it. */
export class OccurrenceJudge implements TraceJudge<OccurrenceSummary> {
  overflowed = 0
  readonly #options: OccurrenceJudgeOptions
  readonly #places = new Map<string, KnownPlace>()
  readonly #populations: ShardTotals
  #partCount = 0

  constructor(options: OccurrenceJudgeOptions) {
    this.#options = options
    this.#populations = new ShardTotals(options.maxPlaces)
  }

  judge(summaries: readonly OccurrenceSummary[], _nowMs: number): readonly FindingReport[] {
    for (const { populations, rows } of summaries) {
      this.#populations.add(populations)
      for (const row of rows) this.#takeIn(row)
    }
    return [...this.#places.values()].flatMap((place) => this.#report(place))
  }

  /** The cause by `operationKey` of each place of which something is said now. */
  verdicts(): Verdicts {
    const verdicts = new Map<string, string>()
    for (const { service, name, cause, saidCount } of this.#places.values())
      if (saidCount > 0) verdicts.set(operationKey(service, name), cause)
    return verdicts
  }

  #takeIn(row: OccurrenceRow): void {
    const { cause, service, name, edge } = row
    const key = JSON.stringify([cause, service, name, edge])
    let place = this.#places.get(key)
    const known = place?.parts.get(row.detail)
    if (!known && this.#partCount >= this.#options.maxPlaces) {
      this.overflowed += row.count
      return
    }
    if (!place) {
      place = { cause, service, name, edge, parts: new Map(), saidCount: 0, saidPopulation: 0 }
      this.#places.set(key, place)
    }
    const total = known ?? new OccurrenceTotal(this.#options.evidenceLimit)
    if (!known) {
      place.parts.set(row.detail, total)
      this.#partCount++
    }
    total.add(row.count, row.firstUnixNano, row.lastUnixNano)
    total.evidence.addAll(row.evidence)
  }

  #report(place: KnownPlace): readonly FindingReport[] {
    const { cause, service, name, edge } = place
    const population = this.#populations.of(operationKey(service, name))
    const sum = new OccurrenceTotal(this.#options.evidenceLimit)
    const parts: OccurrencePart[] = []
    for (const [detail, total] of place.parts) {
      const part = { cause, service, name, edge, detail, count: total.count, population }
      if (this.#options.counts?.(part) === false) continue
      parts.push(part)
      sum.add(total.count, total.firstUnixNano, total.lastUnixNano)
      sum.evidence.addAll(total.evidence.dated)
    }
    const statement = sum.count === 0 ? null : this.#options.says(parts, sum.count)
    const count = statement ? sum.count : 0
    const ofHowMany = statement?.population ?? 0
    if (count === place.saidCount && ofHowMany === place.saidPopulation) return []
    place.saidCount = count
    place.saidPopulation = ofHowMany
    const where: Place = { service, instance: null, operation: name, edge }
    return [reportOf(this.#options.rule, cause, where, statement ?? RETRACTED, sum, count)]
  }
}

const RETRACTED: Statement = {
  level: 'info',
  confidence: 1,
  causeConfidence: 1,
  population: 0,
  message: 'What was seen later explains it.',
  values: {},
}

function reportOf(
  rule: string,
  cause: string,
  place: Place,
  { level, confidence, causeConfidence, population, message, values }: Statement,
  sum: OccurrenceTotal,
  count: number,
): FindingReport {
  const evidence: readonly Evidence[] = count > 0 ? sum.evidence.list : []
  return {
    rule,
    cause,
    place,
    level,
    confidence,
    causeConfidence,
    state: count > 0 ? 'confirmed' : 'retracted',
    occurrences: count,
    population: Math.max(population, count),
    firstUnixNano: sum.firstUnixNano,
    lastUnixNano: sum.lastUnixNano,
    message,
    values,
    evidence,
    supersedesCause: null,
    related: [],
  }
}
