import type { Span } from '../model/span.ts'
import { pickOperation, type Recipe, someOf } from './recipe.ts'

/** An exporter that sends again what had arrived. */
export const sentTwice: Recipe = {
  name: 'sent twice',
  rule: 'CTX-007',
  what: 'spans are exported twice, at once or 3 s later',
  causes: '`sent_twice`',
  key: 'service and operation',
  identifiable: 'the repeat comes at once, so while the trace is waiting',
  inject(ground) {
    const spans = pickOperation(ground, () => true)
    if (spans === null) return []
    const broken = someOf(ground, spans)
    for (const span of broken) span.againAfterMs = ground.random.chance(0.5) ? 0 : 3000
    const { service, name } = broken[0]!
    return [
      {
        recipe: this.name,
        rules: ['CTX-007'],
        causes: ['sent_twice'],
        place: { service, operation: name, edge: null },
        occurrences: broken.map((span) => ({ spans: [span], identifiable: span.againAfterMs === 0 })),
      },
    ]
  },
}

/** A generator of ids whose state was copied: other work of the same trace gets the id of an earlier span. */
export const reusedId: Recipe = {
  name: 'id reused',
  rule: 'CTX-007',
  what: 'spans get the id of another span of the same process and trace, and their children name it',
  causes: '`id_reused`',
  key: 'service and operation of either',
  identifiable: 'all whose twin arrives',
  inject(ground) {
    const spans = pickOperation(ground, (span) => twinOf(span) !== null)
    if (spans === null) return []
    const broken = someOf(ground, spans).filter((span) => twinOf(span)!.spanId !== span.spanId)
    const twins = broken.map((span) => twinOf(span)!)
    broken.forEach((span, i) => {
      span.spanId = twins[i]!.spanId
      for (const child of span.children) child.parentId = span.spanId
    })
    const names = new Set([...broken, ...twins].map((span) => span.name))
    const { service } = broken[0]!
    return [...names].map((name) => ({
      recipe: this.name,
      rules: ['CTX-007'],
      causes: ['id_reused'],
      place: { service, operation: name, edge: null },
      // Counted once, at the span that took the id.
      occurrences:
        name !== broken[0]!.name
          ? []
          : broken.map((span, i) => ({ spans: [span], needs: [twins[i]!], identifiable: true })),
    }))
  },
}

/** Another span below the same parent in the same process, that nobody names as parent. */
function twinOf(span: Span): Span | null {
  if (!span.isLocal) return null
  return span.parent!.children.find((other) => other !== span && other.isLocal && other.children.length === 0) ?? null
}
