import { FEWEST } from '../model/truth.ts'
import { pickEdge, type Recipe, someOf } from './recipe.ts'

/** A callee, or somebody before it, that passes on traceparent only. */
export const lostTracestate: Recipe = {
  name: 'tracestate dropped',
  rule: 'CTX-008',
  what: 'spans carry `ot=th:…` (given to all traces that have none), and lose it from the callee on',
  causes: '`tracestate_dropped`',
  key: 'edge',
  identifiable: `all whose caller's span arrives; at least ${FEWEST}`,
  inject(ground) {
    const { recording, random } = ground
    const threshold = `ot=th:${random.pick(['8', 'c', 'e8'])}`
    for (const span of recording.spans) if (span.traceState === '') span.traceState = threshold
    const calls = pickEdge(ground)
    if (calls === null) return []
    const broken = someOf(ground, calls)
    for (const { entry } of broken) for (const span of entry.subtree()) span.traceState = ''
    const identifiable = broken.length >= FEWEST
    const { exit, entry } = calls[0]!
    return [
      {
        recipe: this.name,
        rules: ['CTX-008'],
        causes: ['tracestate_dropped'],
        place: { service: entry.service, operation: null, edge: { from: exit.service, to: entry.service } },
        occurrences: broken.map((call) => ({ spans: [call.entry], needs: [call.exit], identifiable })),
      },
    ]
  },
}
