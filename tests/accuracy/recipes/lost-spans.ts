import { Kind, type Span } from '../model/span.ts'
import { orphansOf } from './orphans.ts'
import { type Ground, pickOperation, pickService, type Recipe, someOf } from './recipe.ts'

const KEY = 'service and operation of the orphans'
const ALL =
  'every orphan that is left behind and still names a parent that does not arrive when the other recipes of the run are through, unless nothing arrives any more of the service that lost its spans: it may send them elsewhere'

/** Spans of one service that are lost here and there. */
export const dropSpans: Recipe = {
  name: 'dropped spans',
  rule: 'CTX-001',
  what: "spans of one service lost at random; at share 1 all of that service's",
  causes: '`undetermined`; at share 1 also `parent_not_exported` and `sampling_mismatch`, which look the same',
  key: KEY,
  identifiable: ALL,
  inject(ground) {
    const spans = pickService(ground, hasChildren)
    if (spans === null) return []
    const causes = ['undetermined', ...wholly(ground.share, ['parent_not_exported', 'sampling_mismatch'])]
    return lose(ground, this.name, causes, someOf(ground, spans))
  },
}

/** A service that decides by itself which traces to keep, so that all its spans of a trace are there or none. */
export const samplingMismatch: Recipe = {
  name: 'sampling mismatch',
  rule: 'CTX-001',
  what: 'a service in the middle samples on its own: in that share of the traces all its spans are gone, what it called remains',
  causes: '`sampling_mismatch`; at share 1 also `parent_not_exported` and `undetermined`',
  key: KEY,
  identifiable: ALL,
  inject(ground) {
    const spans = pickService(
      ground,
      (own) => own.some((span) => span.isExit) && own.every((span) => span.request.isEntry),
    )
    if (spans === null) return []
    const traces = new Set(someOf(ground, [...new Set(spans.map((span) => span.traceId))]))
    const causes = ['sampling_mismatch', ...wholly(ground.share, ['parent_not_exported', 'undetermined'])]
    return lose(
      ground,
      this.name,
      causes,
      spans.filter((span) => traces.has(span.traceId)),
    )
  },
}

/** One operation that is started and never ended. */
export const neverEnded: Recipe = {
  name: 'parent never ended',
  rule: 'CTX-001',
  what: 'spans of one operation that has children are never ended, so never exported',
  causes:
    '`parent_never_ended`; for a part of the spans also `undetermined`; for what stands alone between a CLIENT span and the callee also `parent_not_exported`',
  key: KEY,
  identifiable: ALL,
  inject(ground) {
    const spans = pickOperation(ground, (span) => span.children.length > 0)
    if (spans === null) return []
    const isBetween = spans.every(
      ({ parent, children }) => parent?.kind === Kind.client && children.every((child) => child.isEntry),
    )
    const causes = [
      'parent_never_ended',
      ...(isBetween ? ['parent_not_exported'] : []),
      ...(ground.share < 1 ? ['undetermined'] : []),
    ]
    return lose(ground, this.name, causes, someOf(ground, spans))
  },
}

/** How long a burst is. */
const BURST_MS = 12_000
/** Recordings shorter than this have no time beside the burst. */
const FROM_MS = 4 * BURST_MS

/** One process that loses spans for a while. */
export const burstLoss: Recipe = {
  name: 'burst loss',
  rule: 'CTX-001',
  what: 'one process loses that share of its spans for 12 s',
  causes: '`parent_dropped`; at a share of 0.05 also `undetermined`',
  key: KEY,
  identifiable: ALL,
  inject(ground) {
    const { recording, random, share } = ground
    const { startNano, endNano } = recording.times
    const startMs = Number(startNano / 1_000_000n)
    const endMs = Number(endNano / 1_000_000n)
    if (endMs - startMs < FROM_MS) return []
    const spans = pickService(ground, hasChildren)
    if (spans === null) return []
    const instance = random.pick([...new Set(spans.map((span) => span.source.instance))].sort())
    const fromMs = random.between(startMs + BURST_MS, endMs - 2 * BURST_MS)
    const inBurst = spans.filter((span) => {
      const ms = Number(span.endNano / 1_000_000n)
      return span.source.instance === instance && ms >= fromMs && ms < fromMs + BURST_MS
    })
    const causes = ['parent_dropped', ...(share < 0.1 ? ['undetermined'] : [])]
    return inBurst.length === 0 ? [] : lose(ground, this.name, causes, someOf(ground, inBurst))
  },
}

function hasChildren(spans: readonly Span[]): boolean {
  return spans.some((span) => span.children.length > 0)
}

function wholly(share: number, causes: readonly string[]): readonly string[] {
  return share >= 1 ? causes : []
}

function lose({ recording }: Ground, recipe: string, causes: readonly string[], spans: readonly Span[]) {
  for (const span of spans) span.lost = true
  return orphansOf(recipe, causes, spans, recording)
}
