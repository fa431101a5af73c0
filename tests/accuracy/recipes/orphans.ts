import { groupBy } from '../model/recording.ts'
import type { Span } from '../model/span.ts'
import type { Break } from '../model/truth.ts'

/** The children that lost spans leave behind, each a truth of CTX-001 at its service and operation. */
export function orphansOf(recipe: string, causes: readonly string[], lost: Iterable<Span>): Break[] {
  const orphans = [...lost].flatMap((span) => span.children).filter((child) => !child.lost)
  return [...groupBy(orphans, (span) => `${span.service}\0${span.name}`).values()].map((spans) => ({
    recipe,
    rules: ['CTX-001'],
    causes,
    place: { service: spans[0]!.service, operation: spans[0]!.name, edge: null },
    occurrences: spans.map((span) => ({ spans: [span], identifiable: true })),
  }))
}
