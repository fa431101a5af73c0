import type { Span } from '../model/span.ts'
import { pickOperation, type Recipe, someOf } from './recipe.ts'

/** What clocks and SDKs scatter. */
const TOLERANCE_NANO = 2_000_000n

/** A span that is ended where its work begins. */
export const earlyEnd: Recipe = {
  name: 'ended early',
  rule: 'LIFE-003',
  what: 'spans of an operation with children in the same process end at 10, 30 or 60 % of their duration',
  causes: '`ended_before_async_work`, `ended_before_response`; `asynchronous_work` where LIFE-001 or LIFE-002 says it',
  key: 'service and operation of the span, or of its child for LIFE-001 and LIFE-002',
  identifiable:
    'a child in the same process begins before the new end and ends more than 2 ms after it (if all begin later, the parent may be a wrong one)',
  inject(ground) {
    const spans = pickOperation(ground, (span) => localChildren(span).length > 0)
    if (spans === null) return []
    const percent = ground.random.pick([10n, 30n, 60n])
    const broken = someOf(ground, spans)
    for (const span of broken) span.endNano = span.startNano + ((span.endNano - span.startNano) * percent) / 100n
    const { service, name } = broken[0]!
    const children = new Set(broken.flatMap(localChildren).map((child) => child.name))
    // Its events lie outside now, and children that begin after its end look like those of another.
    const excused = ['LIFE-005', 'CTX-005'].map((rule) => ({ rule, service }))
    const causes = ['ended_before_async_work', 'ended_before_response', 'asynchronous_work']
    const rules = ['LIFE-003', 'LIFE-001', 'LIFE-002']
    return [
      {
        recipe: this.name,
        rules,
        causes,
        place: { service, operation: name, edge: null },
        excused,
        occurrences: broken.map((span) => {
          const late = localChildren(span).filter((child) => child.endNano > span.endNano + TOLERANCE_NANO)
          return {
            spans: [span, ...late],
            needs: [span],
            identifiable: late.some((child) => child.startNano < span.endNano),
          }
        }),
      },
      ...[...children].map((child) => ({
        recipe: this.name,
        rules: ['LIFE-001', 'LIFE-002'],
        causes,
        place: { service, operation: child, edge: null },
        occurrences: [],
      })),
    ]
  },
}

function localChildren(span: Span): Span[] {
  return span.children.filter((child) => child.isLocal)
}
