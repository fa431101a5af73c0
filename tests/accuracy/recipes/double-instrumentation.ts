import { Kind, Span } from '../model/span.ts'
import { FEWEST } from '../model/truth.ts'
import { pickOperation, type Recipe, someOf } from './recipe.ts'

/** Interceptor and stats handler at once. */
export const doubleInstrumentation: Recipe = {
  name: 'double instrumentation',
  rule: 'CTX-006',
  what: 'each call of an operation makes a second span of the same name and kind, around the first or beside it',
  causes: '`two_handlers`',
  key: 'service and operation',
  identifiable: `SERVER and CONSUMER spans, beside each other only where a call of another service is their parent (below a span that receives they look like a batch of messages); CLIENT and PRODUCER where all calls are doubled and the second span is around the first or a callee answers one of the two (else they look like calls at the same time); at least ${FEWEST}; the two are still in one trace, below one another or one parent, and answered as before when the other recipes of the run are through`,
  inject(ground) {
    const { recording, random, share } = ground
    const isCall = (span: Span) => span.kind >= Kind.server && span.parent !== null
    const spans = pickOperation(ground, isCall)
    if (spans === null) return []
    const nested = random.chance(0.5)
    const broken = someOf(ground, spans)
    const twins = broken.map((span) => {
      const twin = new Span({ ...span, spanId: random.spanId() })
      twin.traceState = span.traceState
      const before = BigInt(Math.round(random.between(2_000, 60_000)))
      const after = BigInt(Math.round(random.between(2_000, 60_000)))
      twin.startNano = span.startNano - before
      twin.endNano = span.endNano + after
      span.parent!.adopt(twin)
      if (nested) {
        twin.adopt(span)
        span.claimParent(twin.spanId, false)
      }
      recording.spans.push(twin)
      return twin
    })
    const { service, name, kind } = broken[0]!
    const isEntry = kind === Kind.server || kind === Kind.consumer
    const isIdentifiable = (span: Span) =>
      broken.length >= FEWEST && (isEntry ? nested || span.isEntry : share >= 1 && (nested || isAnswered(span)))
    return [
      {
        recipe: this.name,
        rules: ['CTX-006'],
        causes: ['two_handlers'],
        place: { service, operation: name, edge: null },
        occurrences: broken.map((span, i) => ({
          spans: [span, twins[i]!],
          needs: [span, twins[i]!],
          stands: () => areStillTwins(span, twins[i]!, nested) && (isEntry || nested || isAnswered(span)),
          identifiable: isIdentifiable(span),
        })),
      },
    ]
  },
}

function areStillTwins(span: Span, twin: Span, nested: boolean): boolean {
  return span.traceId === twin.traceId && span.parentId === (nested ? twin.spanId : twin.parentId)
}

/** By another service, as far as spans on the wire tell. */
function isAnswered({ children, service, traceId, spanId }: Span): boolean {
  return children.some(
    (child) => child.service !== service && !child.lost && child.traceId === traceId && child.parentId === spanId,
  )
}
