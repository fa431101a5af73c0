import { breakRecording } from './break-recording.ts'
import { type ClockErrors, residualErrors, shiftErrors } from './clock-errors.ts'
import { loadRecording } from './model/load.ts'
import type { Recording } from './model/recording.ts'
import type { Run } from './plan.ts'
import { type Outcome, runPipeline } from './run.ts'
import { type CauseVerdict, isStanding, type RecipeScore, scoreRun, type Verdicts } from './score.ts'

/** A finding in short. */
export interface Judged {
  readonly rule: string
  readonly state: string
  readonly cause: string
  readonly place: string
  readonly confidence: number
  readonly causeConfidence: number
  readonly occurrences: number
  readonly population: number
}

export interface Right extends Judged {
  readonly recipe: string
  readonly verdict: CauseVerdict
}

/** What became of a run, as plain data. */
export interface Result {
  readonly recording: string
  readonly seed: number
  readonly share: number
  readonly recipes: readonly string[]
  /** By recipe; those that found no place in the recording are not in it. */
  readonly scores: Readonly<Record<string, RecipeScore>>
  readonly right: readonly Right[]
  readonly wrong: readonly Judged[]
  /** The same of each finding as it was published, whenever it opened or changed. */
  readonly statements: { readonly right: readonly Right[]; readonly wrong: readonly Judged[] }
  /** Confirmed at some time, and taken back later or not: what an operator was told for sure and is not true. */
  readonly wronglyConfirmed: number
  /** Of a run in which only a clock was made wrong. */
  readonly clockErrors: ClockErrors | null
}

/** What was found in a recording as it is. */
export interface Healthy {
  readonly recording: string
  readonly findings: readonly Judged[]
  readonly clockErrors: ClockErrors
}

/** Runs the plan, one after the other; recordings and their unbroken runs are kept. */
export class Laboratory {
  readonly #recordings = new Map<string, Recording | null>()
  readonly #baselines = new Map<string, Promise<Outcome>>()

  has(name: string): boolean {
    return this.recording(name) !== null
  }

  recording(name: string): Recording | null {
    let recording = this.#recordings.get(name)
    if (recording === undefined) {
      recording = loadRecording(name)
      this.#recordings.set(name, recording)
    }
    return recording
  }

  /** Null where the recording is not on the machine. */
  async measure(run: Run): Promise<Result | null> {
    const pristine = this.recording(run.recording)
    if (pristine === null) return null
    const baseline = await this.#baseline(pristine, run)
    const { breaks, deliveries, recording } = breakRecording(pristine, run)
    const outcome = await runPipeline(deliveries)
    const { recipes, right, wrong, statements, wronglyConfirmed } = scoreRun(outcome, { breaks, baseline })
    return {
      recording: run.recording,
      seed: run.seed,
      share: run.share,
      recipes: run.recipes.map(({ name }) => name),
      scores: Object.fromEntries(recipes),
      ...verdictsInShort({ right, wrong }),
      statements: verdictsInShort(statements),
      wronglyConfirmed: wronglyConfirmed.length,
      clockErrors: run.recipes.length === 1 ? shiftErrors(recording, baseline.clocks, outcome.clocks) : null,
    }
  }

  /** What is found in a recording as it is, in the form of that seed. */
  async healthy(name: string, seed: number): Promise<Healthy | null> {
    const pristine = this.recording(name)
    if (pristine === null) return null
    const run: Run = { recording: name, seed, recipes: [], share: 1 }
    const { findings, clocks } = await this.#baseline(pristine, run)
    return {
      recording: name,
      findings: findings.filter(isStanding).map(inShort),
      clockErrors: residualErrors(breakRecording(pristine, run).recording, clocks),
    }
  }

  #baseline(pristine: Recording, run: Run): Promise<Outcome> {
    const key = `${run.recording} ${run.seed}`
    let baseline = this.#baselines.get(key)
    if (!baseline) {
      baseline = runPipeline(breakRecording(pristine, { ...run, recipes: [] }).deliveries)
      this.#baselines.set(key, baseline)
    }
    return baseline
  }
}

function verdictsInShort({ right, wrong }: Verdicts): Result['statements'] {
  return {
    right: right.map(({ finding, recipe, cause }) => ({ ...inShort(finding), recipe, verdict: cause })),
    wrong: wrong.map(inShort),
  }
}

function inShort(finding: Outcome['findings'][number]): Judged {
  const { rule, state, cause, service, operation, edge, confidence, cause_confidence, occurrences, population } =
    finding
  const place = edge ? `${edge.from} → ${edge.to}` : [service, operation].filter(Boolean).join(' ')
  return { rule, state, cause, place, confidence, causeConfidence: cause_confidence, occurrences, population }
}
