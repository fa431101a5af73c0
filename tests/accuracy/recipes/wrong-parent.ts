import type { Span } from '../model/span.ts'
import { type Break, FEWEST } from '../model/truth.ts'
import { isBeyondChance } from './busy.ts'
import { pickOperation, type Recipe, someOf } from './recipe.ts'

const KEY = 'service and operation of the child'

/** ctx of the step before: the work hangs below a sibling that had ended. */
export const siblingParent: Recipe = {
  name: 'sibling as parent',
  rule: 'CTX-005',
  what: 'spans name as parent the sibling of the same process that ended last before they began',
  causes: '`sibling_parent`',
  key: KEY,
  identifiable: `the sibling had ended when the span began; at least ${FEWEST}`,
  inject(ground) {
    const spans = pickOperation(ground, (span) => earlierSibling(span) !== null)
    if (spans === null) return []
    const broken = someOf(ground, spans)
    const siblings = broken.map((span) => earlierSibling(span)!)
    for (const [i, span] of broken.entries()) span.claimParent(siblings[i]!.spanId, false)
    const occurrences = broken.map((span, i) => ({
      spans: [span],
      needs: [siblings[i]!],
      identifiable: broken.length >= FEWEST,
    }))
    return [truth(this.name, 'sibling_parent', broken[0]!, occurrences)]
  },
}

/** The share of the steps of an operation that end before their request does; where fewer do, it goes on by itself. */
const STEPS = 0.95

/** What a gateway remembers of spans that have left (`late_grace`): whose parent is older is an orphan by all it knows. */
const MEMORY_NANO = 60_000_000_000n

/** A context that outlives its request: the next requests hang below the one before. */
export const reusedContext: Recipe = {
  name: 'context reused',
  rule: 'CTX-005',
  what: 'spans of later requests name the trace and the parent of an earlier request: the one before, or always the first',
  causes: '`context_reused`',
  key: KEY,
  identifiable: `the earlier request had ended when the span began; at least ${FEWEST}; where each names the one before it, that it lies inside the request that it belongs to is no chance (in a process that is not always busy) and true of nineteen in twenty, else it is as good as asynchronous work`,
  inject(ground) {
    const spans = pickOperation(ground, (span) => span.isLocal)
    if (spans === null) return []
    const keepsFirst = ground.random.chance(0.5)
    const inOrder = [...spans].sort((a, b) => (a.startNano < b.startNano ? -1 : 1))
    const before = new Map<Span, { traceId: string; parent: Span }>()
    const lastOf = new Map<string, Span>()
    for (const span of inOrder) {
      const { instance } = span.source
      const last = lastOf.get(instance)
      if (last && last.traceId !== span.traceId) before.set(span, { traceId: last.traceId, parent: last.parent! })
      if (!last || !keepsFirst) lastOf.set(instance, span)
    }
    const broken = someOf(ground, [...before.keys()])
    const isOver = (span: Span) => before.get(span)!.parent.request.endNano < span.startNano
    const steps = broken.filter((span) => span.request.isServed && isOver(span))
    const within = steps.filter((span) => span.endNano <= span.request.endNano)
    const areSteps = within.length >= FEWEST && within.length >= steps.length * STEPS
    const areTelling = areSteps && isBeyondChance(ground.recording, within)
    const telling = new Set(keepsFirst ? broken.filter(isOver) : areTelling ? within : [])
    const occurrences = broken.map((span) => ({
      spans: [span],
      needs: [before.get(span)!.parent],
      identifiable: broken.length >= FEWEST && telling.has(span),
    }))
    for (const span of broken) {
      const { traceId, parent } = before.get(span)!
      span.moveTo(traceId)
      span.claimParent(parent.spanId, false)
    }
    if (broken.length === 0) return []
    const areForgotten = broken.some((span) => span.startNano - before.get(span)!.parent.endNano > MEMORY_NANO)
    return [truth(this.name, 'context_reused', broken[0]!, occurrences, areForgotten ? ['CTX-001'] : [])]
  },
}

function earlierSibling(span: Span): Span | null {
  if (!span.isLocal) return null
  let latest: Span | null = null
  for (const other of span.parent!.children) {
    if (other === span || other.source.instance !== span.source.instance || other.endNano > span.startNano) continue
    if (latest === null || other.endNano > latest.endNano) latest = other
  }
  return latest
}

/** That the work comes after the end of its parent is true as well, whoever says it. */
function truth(
  recipe: string,
  cause: string,
  { service, name }: Span,
  occurrences: Break['occurrences'],
  excused: readonly string[] = [],
): Break {
  return {
    recipe,
    rules: ['CTX-005'],
    causes: [cause],
    place: { service, operation: name, edge: null },
    occurrences,
    excused: ['LIFE-001', 'LIFE-002', 'LIFE-003', ...excused].map((rule) => ({ rule, service })),
  }
}
