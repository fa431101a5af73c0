import { groupBy, type Recording } from '../model/recording.ts'
import type { Span } from '../model/span.ts'
import { type Break, FEWEST_FOR_CAUSE } from '../model/truth.ts'

/**
 * The children that lost spans leave behind, each a truth of CTX-001 at its service and operation. Where nothing at all
 * is left of the services that lost them, these may as well send their spans elsewhere. A child whose header another
 * recipe cuts, or that it hangs below another span, misses no parent.
 */
export function orphansOf(recipe: string, causes: readonly string[], lost: readonly Span[], all: Recording): Break[] {
  const services = new Set(lost.map((span) => span.service))
  const identifiable = all.spans.some((span) => !span.lost && services.has(span.service))
  const arriving = arrivingIds(all)
  const orphans = [...lost].flatMap((span) => span.children).filter((child) => !child.lost)
  return [...groupBy(orphans, (span) => `${span.service}\0${span.name}`).values()].map((spans) => ({
    recipe,
    rules: ['CTX-001'],
    causes: spans.length < FEWEST_FOR_CAUSE ? [...causes, 'undetermined'] : causes,
    place: { service: spans[0]!.service, operation: spans[0]!.name, edge: null },
    occurrences: spans.map((span) => ({
      spans: [span],
      identifiable,
      stands: () => span.parentId !== '' && !arriving().has(span.traceId + span.parentId),
    })),
  }))
}

/** The ids of all spans that arrive, looked at when nothing changes any more. */
function arrivingIds(recording: Recording): () => ReadonlySet<string> {
  let ids: Set<string> | null = null
  return () => {
    ids ??= new Set(recording.spans.filter(({ lost }) => !lost).map(({ traceId, spanId }) => traceId + spanId))
    return ids
  }
}
