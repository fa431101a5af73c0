import { type Share, shareOf } from './figures.ts'
import type { Result } from './measure.ts'
import { SHARES } from './plan.ts'
import type { Recipe } from './recipes/recipe.ts'
import type { RecipeScore } from './score.ts'

/** All runs of one recipe, added up. */
export interface ClassFigures {
  readonly recipe: Recipe
  /** Runs in whose recording it found a place. */
  readonly runs: number
  readonly recall: Share
  readonly recallOfAll: Share
  /** Recall of what is identifiable, by share, alone and among three. */
  readonly recallBy: readonly { readonly share: number; readonly alone: Share; readonly atOnce: Share }[]
  readonly precision: Share
  readonly cause: Share
  readonly undecided: number
  readonly detectedAfterMs: readonly number[]
}

export function figuresOf(recipe: Recipe, results: readonly Result[]): ClassFigures {
  const own = results.filter((result) => recipe.name in result.scores)
  const recallIn = (runs: readonly Result[]) =>
    sum(
      runs.map(({ scores }) => ({
        hits: scores[recipe.name]!.identifiableFound,
        of: scores[recipe.name]!.identifiable,
      })),
    )
  const right = own.flatMap((result) => result.right.filter((finding) => finding.recipe === recipe.name))
  // Alone, whatever is wrong is its doing; among others, what its own rule says.
  const wrong = own.flatMap((result) =>
    result.wrong.filter(({ rule }) => result.recipes.length === 1 || rule === recipe.rule),
  )
  return {
    recipe,
    runs: own.length,
    recall: recallIn(own),
    recallOfAll: sum(own.map(({ scores }) => allOf(scores[recipe.name]!))),
    recallBy: SHARES.map((share) => ({
      share,
      alone: recallIn(own.filter((result) => result.share === share && result.recipes.length === 1)),
      atOnce: recallIn(own.filter((result) => result.share === share && result.recipes.length > 1)),
    })),
    precision: { hits: right.length, of: right.length + wrong.length },
    cause: { hits: right.filter(({ verdict }) => verdict === 'right').length, of: right.length },
    undecided: right.filter(({ verdict }) => verdict === 'undecided').length,
    detectedAfterMs: own.flatMap(({ scores }) => scores[recipe.name]!.detectedAfterMs ?? []),
  }
}

function allOf({ allFound, all }: RecipeScore): Share {
  return { hits: allFound, of: all }
}

function sum(shares: readonly Share[]): Share {
  return shares.reduce((total, { hits, of }) => ({ hits: total.hits + hits, of: total.of + of }), { hits: 0, of: 0 })
}

/** The figures that are promised, and held by the short form. */
export const TARGETS = { recall: 0.98, precision: 0.98, cause: 0.95 } as const
export type Measure = keyof typeof TARGETS

/** Which of the targets a class misses. A class without a single break or finding misses nothing. */
export function missedTargets(figures: ClassFigures): readonly Measure[] {
  return (Object.keys(TARGETS) as Measure[]).filter((measure) => shareOf(figures[measure]) < TARGETS[measure])
}

/** Findings of one rule in all runs. */
export function precisionOfRule(rule: string, results: readonly Result[]): Share {
  const right = results.flatMap((result) => result.right).filter((finding) => finding.rule === rule).length
  const wrong = results.flatMap((result) => result.wrong).filter((finding) => finding.rule === rule).length
  return { hits: right, of: right + wrong }
}

export interface Bin {
  readonly from: number
  readonly to: number
  readonly mean: number
  readonly right: Share
}

const BINS = [
  [0.8, 0.9],
  [0.9, 0.95],
  [0.95, 1],
] as const

/** How often findings were right, or what was published of them until then, by how sure they said they were. */
export function calibration(
  results: readonly Pick<Result, 'right' | 'wrong'>[],
  of: 'confidence' | 'causeConfidence',
): readonly Bin[] {
  const said = results.flatMap(({ right, wrong }) =>
    of === 'confidence'
      ? [
          ...right.map((one) => ({ sure: one.confidence, isRight: true })),
          ...wrong.map((one) => ({ sure: one.confidence, isRight: false })),
        ]
      : right
          .filter(({ cause }) => cause !== 'undetermined')
          .map((one) => ({ sure: one.causeConfidence, isRight: one.verdict === 'right' })),
  )
  return BINS.map(([from, to]) => {
    const own = said.filter(({ sure }) => sure >= from && (sure < to || to === 1))
    return {
      from,
      to,
      mean: own.reduce((total, { sure }) => total + sure, 0) / own.length,
      right: { hits: own.filter(({ isRight }) => isRight).length, of: own.length },
    }
  })
}
