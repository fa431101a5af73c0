import { type Delivery, deliver } from './model/delivery.ts'
import { Random } from './model/random.ts'
import { Recording } from './model/recording.ts'
import type { Break } from './model/truth.ts'
import { applyVariant, variantOf } from './model/variant.ts'
import type { Run } from './plan.ts'

export interface Broken {
  readonly breaks: readonly Break[]
  readonly deliveries: readonly Delivery[]
  /** After all recipes: what is sent. */
  readonly recording: Recording
}

/** Breaks a recording by the recipes of a run. The same run gives the same bytes everywhere. */
export function breakRecording(pristine: Recording, { seed, recipes, share }: Run): Broken {
  const recording = halved(pristine, seed)
  applyVariant(recording, variantOf(seed), new Random(`variant ${seed}`))
  const taken = new Set<string>()
  const breaks = recipes.flatMap((recipe) =>
    recipe.inject({ recording, share, taken, random: new Random(`${recipe.name} ${seed} ${share}`) }),
  )
  return { breaks, deliveries: deliver(recording, new Random(`delivery ${seed}`)), recording }
}

/** Recordings larger than this are halved: twice as many breaks are tried in the same time. */
const HALVED_FROM = 8000

/** Every other trace, by the seed the even or the odd ones. */
function halved(pristine: Recording, seed: number): Recording {
  if (pristine.spans.length < HALVED_FROM) return pristine.fresh()
  const order = new Map<string, number>()
  const spans = pristine.spans.filter(({ traceId }) => {
    const place = order.get(traceId) ?? order.size
    order.set(traceId, place)
    return place % 2 === seed % 2
  })
  return new Recording(pristine.name, spans).fresh()
}
