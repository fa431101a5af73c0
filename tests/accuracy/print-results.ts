import { injectedTable } from './clock-section.ts'
import { shareOf } from './figures.ts'
import type { Result } from './measure.ts'
import { BREAKS, VIEWS } from './recipes/index.ts'
import { calibration, figuresOf } from './tally.ts'

/**
 * For whoever mends a detector: the figures of each class, how often what was said was right by how sure it was, and every
 * miss and every wrong finding with its run.
 */
export function printResults(results: readonly Result[]): void {
  const rows = [...BREAKS, ...VIEWS].map((recipe) => {
    const { runs, recall, recallOfAll, precision, cause, undecided } = figuresOf(recipe, results)
    const text = (share: { hits: number; of: number }) => `${shareOf(share).toFixed(3)} (${share.hits}/${share.of})`
    return [
      recipe.name,
      {
        rule: recipe.rule,
        runs,
        recall: text(recall),
        all: text(recallOfAll),
        precision: text(precision),
        cause: text(cause),
        undecided,
      },
    ]
  })
  console.table(Object.fromEntries(rows.filter(([, row]) => (row as { runs: number }).runs > 0)))
  printCalibration(
    'said',
    results.map(({ statements }) => statements),
  )
  printCalibration('standing', results)
  console.log(injectedTable(results))
  for (const { recording, seed, share, recipes, scores, right, wrong } of results) {
    const run = `${recording} seed ${seed} share ${share} [${recipes.join(' + ')}]`
    for (const [name, { missed, identifiable, identifiableFound }] of Object.entries(scores))
      if (missed !== null)
        console.log(`MISSED ${run} ${name}: ${identifiableFound} of ${identifiable} found, not ${missed}`)
    for (const { rule, cause, place, occurrences, population } of wrong)
      console.log(`WRONG ${run} ${rule} ${cause} at ${place}: ${occurrences} of ${population}`)
    for (const { rule, cause, place, occurrences, population, recipe, verdict } of right)
      if (verdict !== 'right')
        console.log(`CAUSE ${verdict} ${run} ${recipe}: ${rule} ${cause} at ${place}: ${occurrences} of ${population}`)
  }
}

function printCalibration(what: string, results: readonly Pick<Result, 'right' | 'wrong'>[]): void {
  for (const which of ['confidence', 'causeConfidence'] as const)
    for (const { from, to, mean, right } of calibration(results, which))
      console.log(
        `${what} ${which} ${from}–${to}: ${right.of}, mean ${mean.toFixed(3)}, right ${shareOf(right).toFixed(3)}`,
      )
}
