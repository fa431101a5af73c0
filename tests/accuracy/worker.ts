import { parentPort } from 'node:worker_threads'
import { Laboratory } from './measure.ts'
import type { Run } from './plan.ts'
import { BREAKS, LOOK_ALIKES, VIEWS } from './recipes/index.ts'

/** A run as it can be sent to a thread; without recipes the recording as it is. */
export type Task = Omit<Run, 'recipes'> & { readonly recipes: readonly string[] }

const RECIPES = new Map([...BREAKS, ...VIEWS, ...LOOK_ALIKES].map((recipe) => [recipe.name, recipe]))
const laboratory = new Laboratory()

parentPort?.on('message', async (tasks: readonly Task[]) => {
  const results: unknown[] = []
  for (const { recipes, ...task } of tasks) {
    if (recipes.length > 0)
      results.push(await laboratory.measure({ ...task, recipes: recipes.map((name) => RECIPES.get(name)!) }))
    else results.push(await laboratory.healthy(task.recording, task.seed))
  }
  parentPort!.postMessage(results)
})
