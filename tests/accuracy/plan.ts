import { Random } from './model/random.ts'
import { BREAKS, LOOK_ALIKES, VIEWS } from './recipes/index.ts'
import type { Recipe } from './recipes/recipe.ts'

export const SHARES = [1, 0.3, 0.05] as const
/** Recipes in one run, of rules that differ: two causes of one rule at once are no cause. */
const AT_ONCE = 3

/** One broken recording. */
export interface Run {
  readonly recording: string
  readonly seed: number
  readonly recipes: readonly Recipe[]
  readonly share: number
}

/** What is measured on: recordings and seeds. */
export interface Material {
  readonly recordings: readonly string[]
  readonly firstSeed: number
  readonly seeds: number
}

/**
 * What the page publishes. GW-001, the clocks, CTX-003 and CTX-005 were mended by its recordings too, with other seeds, and
 * clocks, lifetimes and the context rules were tried on fleet/healthy with other breaks.
 */
export const PUBLISHED: Material = {
  recordings: ['hotel-load100', 'onlineboutique-clockdrift', 'fleet/healthy'],
  firstSeed: 6001,
  seeds: 6,
}

/** Other recordings, and other seeds: what detectors were mended by. */
export const TUNING: Material = {
  recordings: ['hotel-load50', 'onlineboutique-cpu-fault', 'fleet/runtime'],
  firstSeed: 1,
  seeds: 2,
}

/** Each recipe alone and among three, at each share; look-alikes alone. */
export function planRuns({ recordings, firstSeed, seeds }: Material): Run[] {
  const runs: Run[] = []
  for (let seed = firstSeed; seed < firstSeed + seeds; seed++)
    for (const recording of recordings)
      for (const share of SHARES) {
        for (const recipe of [...BREAKS, ...VIEWS, ...LOOK_ALIKES])
          runs.push({ recording, seed, recipes: [recipe], share })
        const random = new Random(`threes ${seed} ${recording} ${share}`)
        for (const recipes of threes(random)) runs.push({ recording, seed, recipes, share })
      }
  return runs
}

/** All breaks in groups of three whose rules differ; each is in one group at least. */
function threes(random: Random): Recipe[][] {
  const groups: Recipe[][] = []
  let waiting = random.shuffled(BREAKS)
  while (waiting.length > 0) {
    const group: Recipe[] = []
    for (const recipe of [...waiting, ...random.shuffled(BREAKS)])
      if (group.length < AT_ONCE && group.every((one) => one.rule !== recipe.rule)) group.push(recipe)
    waiting = waiting.filter((recipe) => !group.includes(recipe))
    groups.push(group)
  }
  return groups
}

/** Recordings in which nothing was broken on purpose, as they are. */
export const HEALTHY: readonly string[] = [
  'hotel-load50',
  'hotel-load100',
  'onlineboutique-clockdrift',
  'onlineboutique-cpu-fault',
  'otel-demo',
  'fleet/healthy',
]
