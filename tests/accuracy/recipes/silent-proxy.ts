import { groupBy } from '../model/recording.ts'
import { type Ground, pickEdge, type Recipe, someOf } from './recipe.ts'

/** A proxy that makes parent ids and exports nothing. */
export const silentProxy: Recipe = {
  name: 'proxy never exported',
  rule: 'CTX-001',
  what: 'a proxy before a service puts a span of its own between caller and callee and never exports it',
  causes: '`parent_not_exported`; for a part of the calls also `undetermined`',
  key: 'service and operation of the orphans',
  identifiable: 'every call that goes over the proxy and that no other recipe of the run hangs elsewhere',
  inject(ground: Ground) {
    const picked = pickEdge(ground)
    if (picked === null) return []
    const { service } = picked[0]!.entry
    const calls = [...ground.recording.edges().values()].flat().filter(({ entry }) => entry.service === service)
    const broken = someOf(ground, calls)
    for (const { entry } of broken) entry.claimParent(ground.random.spanId(), true)
    const causes = ['parent_not_exported', ...(ground.share < 1 ? ['undetermined'] : [])]
    return [...groupBy(broken, ({ entry }) => entry.name).values()].map((own) => ({
      recipe: this.name,
      rules: ['CTX-001'],
      causes,
      place: { service, operation: own[0]!.entry.name, edge: null },
      occurrences: own.map(({ entry }) => {
        const { parentId } = entry
        return { spans: [entry], identifiable: true, stands: () => entry.parentId === parentId }
      }),
    }))
  },
}
