import { Laboratory, type Result } from './measure.ts'
import { type Material, PUBLISHED, planRuns } from './plan.ts'
import { BREAKS, VIEWS } from './recipes/index.ts'
import { type ClassFigures, figuresOf } from './tally.ts'

/** What CI runs in less than a minute: the recording that is cloned with the source, one seed, each recipe alone. */
export const SHORT: Material = { recordings: ['fleet/healthy'], firstSeed: PUBLISHED.firstSeed, seeds: 1 }

export async function runShortForm(): Promise<readonly ClassFigures[]> {
  const laboratory = new Laboratory()
  const results: Result[] = []
  for (const run of planRuns(SHORT)) {
    if (run.recipes.length > 1) continue
    const result = await laboratory.measure(run)
    if (result === null) throw new Error(`${run.recording} is not there`)
    results.push(result)
  }
  return [...BREAKS, ...VIEWS].map((recipe) => figuresOf(recipe, results))
}
