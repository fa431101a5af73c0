import { areEnough, arrives, type Break, evidenceKey } from './model/truth.ts'
import type { Outcome } from './run.ts'

type Finding = Outcome['findings'][number]

/** What is true of a run: what recipes broke in it, and what its unbroken form says already. */
export interface Expected {
  readonly breaks: readonly Break[]
  readonly baseline: Outcome
}

/** How the findings of one run that stand at its end hold against the truth, and all that was said until then. */
export interface RunScore extends Verdicts {
  readonly recipes: ReadonlyMap<string, RecipeScore>
  readonly statements: Verdicts
  /** What is wrong and was confirmed at some time, whether it was taken back or not. */
  readonly wronglyConfirmed: readonly Finding[]
}

export interface Verdicts {
  /** What nothing injected explains, and the unbroken recording does not have. */
  readonly wrong: readonly Finding[]
  /** The right ones, with what became of their cause. */
  readonly right: readonly { readonly finding: Finding; readonly recipe: string; readonly cause: CauseVerdict }[]
}

export type CauseVerdict = 'right' | 'undecided' | 'wrong'

export interface RecipeScore {
  readonly identifiable: number
  readonly identifiableFound: number
  readonly all: number
  readonly allFound: number
  /** The first identifiable break that was not found. */
  readonly missed: string | null
  /** Of the first publication of a right finding, since the end of the first broken span; null where none was. */
  readonly detectedAfterMs: number | null
}

export function scoreRun(outcome: Outcome, expected: Expected): RunScore {
  const judge = judgeOf(outcome, expected)
  const { breaks, baseline } = expected
  const standing = outcome.findings.filter(isStanding)
  const known = new Set(baseline.findings.map(({ id }) => id))
  const confirmed = outcome.findings.filter(({ id }) => outcome.confirmedMs.has(id) && !known.has(id))
  const recipes = [...new Set(breaks.map((one) => one.recipe))]
  return {
    recipes: new Map(recipes.map((name) => [name, scoreRecipe(name, breaks, standing, outcome)])),
    ...judged(standing, judge),
    statements: judged(outcome.statements, judge),
    wronglyConfirmed: judged(confirmed, judge).wrong,
  }
}

/** Null for what is not to be counted. */
type Judge = (finding: Finding) => { readonly recipe: string; readonly cause: CauseVerdict } | 'wrong' | null

function judgeOf(outcome: Outcome, { breaks, baseline }: Expected): Judge {
  const known = new Set(baseline.findings.filter(isStanding).map(placeKey))
  return (finding) => {
    const matching = breaks.filter((one) => matches(finding, one, outcome))
    // What was there before says nothing, unless it now rests on what was injected.
    const isBaseline = known.has(placeKey(finding)) || isKnownOffset(finding, outcome, baseline)
    if (matching.length === 0)
      return isBaseline || breaks.some((one) => isExcused(finding, one, outcome)) ? null : 'wrong'
    const causes = matching.flatMap((one) => one.causes)
    const cause = causes.includes(finding.cause) ? 'right' : finding.cause === 'undetermined' ? 'undecided' : 'wrong'
    return isBaseline && cause !== 'right' ? null : { recipe: matching[0]!.recipe, cause }
  }
}

function judged(findings: readonly Finding[], judge: Judge): Verdicts {
  const right: { finding: Finding; recipe: string; cause: CauseVerdict }[] = []
  const wrong: Finding[] = []
  for (const finding of findings) {
    const verdict = judge(finding)
    if (verdict === 'wrong') wrong.push(finding)
    else if (verdict !== null) right.push({ finding, ...verdict })
  }
  return { right, wrong }
}

function scoreRecipe(
  name: string,
  breaks: readonly Break[],
  standing: readonly Finding[],
  outcome: Outcome,
): RecipeScore {
  const own = breaks.filter((one) => one.recipe === name)
  const matching = standing.filter((finding) => own.some((one) => matches(finding, one, outcome)))
  const proven = new Set(matching.flatMap((finding) => finding.evidence.map(keyOfEvidence)))
  const score = { identifiable: 0, identifiableFound: 0, all: 0, allFound: 0, missed: null as string | null }
  let brokenAtNano: bigint | null = null
  for (const one of own)
    for (const occurrence of one.occurrences) {
      const isWhole = isWithoutSpans(one.rules[0]!)
      const found = isWhole ? matching.length > 0 : occurrence.spans.some((span) => proven.has(evidenceKey(span)))
      const identifiable = occurrence.identifiable && (isWhole ? areEnough(occurrence) : arrives(occurrence))
      score.all++
      if (found) score.allFound++
      if (identifiable) score.identifiable++
      if (identifiable && found) score.identifiableFound++
      if (identifiable && !found && score.missed === null) score.missed = evidenceKey(occurrence.spans[0]!)
      const { endNano } = occurrence.spans[0]!
      if (identifiable && (brokenAtNano === null || endNano < brokenAtNano)) brokenAtNano = endNano
    }
  const published = outcome.findings
    .filter((finding) => own.some((one) => matches(finding, one, outcome)))
    .map((finding) => outcome.publishedMs.get(finding.id) ?? Number.POSITIVE_INFINITY)
  const firstMs = Math.min(...published)
  const detectedAfterMs =
    brokenAtNano === null || !Number.isFinite(firstMs) ? null : firstMs - Number(brokenAtNano / 1_000_000n)
  return { ...score, detectedAfterMs }
}

export function isStanding({ state }: Finding): boolean {
  return state !== 'retracted' && state !== 'superseded'
}

/** Rules whose evidence are no spans that were broken, but a clock or the gateway. */
function isWithoutSpans(rule: string): boolean {
  return rule.startsWith('CLOCK-') || rule.startsWith('GW-')
}

function matches(finding: Finding, { rules, place }: Break, outcome: Outcome): boolean {
  if (!rules.includes(finding.rule)) return false
  if (finding.rule.startsWith('GW-')) return true
  if (finding.rule.startsWith('CLOCK-')) return concernsClock(finding, place.service, outcome)
  if (finding.service !== place.service) return false
  if (place.edge !== null && finding.edge !== null)
    return finding.edge.from === place.edge.from && finding.edge.to === place.edge.to
  return place.operation === null || finding.operation === null || finding.operation === place.operation
}

function isExcused(finding: Finding, { excused = [] }: Break, outcome: Outcome): boolean {
  return excused.some(
    ({ rule, service }) =>
      finding.rule === rule &&
      (rule.startsWith('CLOCK-') ? concernsClock(finding, service, outcome) : finding.service === service),
  )
}

/** A difference is between two clocks: it is said of the one that is not the reference, whichever is wrong. */
function concernsClock(finding: Finding, domain: string, { clocks }: Outcome): boolean {
  const reference = String(finding.values.reference)
  return [finding.service, reference].some((one) => membersOf(one, clocks).includes(domain))
}

function membersOf(domain: string, clocks: Outcome['clocks']): readonly string[] {
  return [domain, ...clocks.filter((row) => row.members.includes(domain)).flatMap((row) => row.members)]
}

/** What the clocks of the unbroken recording differ by; estimates of the same offset scatter by a fifth of the tolerance. */
const KNOWN_OFFSET_NANO = 800_000

/** A CLOCK-001 of two clocks that differ in the unbroken recording too, whatever it takes for its reference. */
function isKnownOffset(finding: Finding, { clocks }: Outcome, baseline: Outcome): boolean {
  if (finding.rule !== 'CLOCK-001') return false
  // A merged domain goes by the name of one member, which need not be the one that differs as it is.
  const offsets = (domain: string) => membersOf(domain, clocks).flatMap((member) => offsetsOf(member, baseline))
  const own = offsets(finding.service)
  const reference = offsets(String(finding.values.reference))
  return own.some((a) => reference.some((b) => Math.abs(a - b) > KNOWN_OFFSET_NANO))
}

function offsetsOf(domain: string, { clocks }: Outcome): readonly number[] {
  return clocks.filter((row) => row.members.includes(domain)).map((row) => row.offset_nano)
}

function placeKey({ rule, service, operation, edge }: Finding): string {
  return JSON.stringify([rule, service, operation, edge && [edge.from, edge.to]])
}

function keyOfEvidence(evidence: Finding['evidence'][number]): string {
  return 'span_id' in evidence ? `${evidence.trace_id} ${evidence.span_id}` : ''
}
