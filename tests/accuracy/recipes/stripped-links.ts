import { cut } from './cut-header.ts'
import { pickEdge, type Recipe, someOf } from './recipe.ts'

/** A consumer that links to its producer by design, until the links get lost. */
export const strippedLinks: Recipe = {
  name: 'links stripped',
  rule: 'CTX-002',
  what: 'all calls of an edge begin a trace with a link to the caller, by design; that share loses the link',
  causes: 'any of CTX-002',
  key: 'edge',
  identifiable: 'as for a cut header; linked roots must not be found',
  inject(ground) {
    const calls = pickEdge(ground)
    if (calls === null) return []
    const broken = new Set(someOf(ground, calls))
    for (const call of calls) {
      if (broken.has(call)) continue
      call.entry.links = [{ traceId: call.exit.traceId, spanId: call.exit.spanId }]
      call.entry.beginTrace(ground.random.traceId())
    }
    const causes = [
      'stripped_on_the_way',
      'caller_does_not_inject',
      'callee_does_not_extract',
      'format_mismatch',
      'undetermined',
    ]
    return cut(this.name, causes, [...broken], ground.random)
  },
}
