import { widenTraceIds } from '../model/variant.ts'
import { pickEdge, type Recipe, someOf } from './recipe.ts'

/** A client or a proxy that knows only 64 bits. */
export const cutTraceId: Recipe = {
  name: 'trace id cut to 64 bits',
  rule: 'CTX-004',
  what: 'the subtree of the callee goes on under the low half of the trace id (traces with narrow ids get wide ones first)',
  causes: '`truncated_to_64_bits`',
  key: 'edge',
  identifiable: "all whose caller's span arrives, in the trace whose id was cut",
  inject(ground) {
    widenTraceIds(ground.recording, ground.random)
    const calls = pickEdge(ground)
    if (calls === null) return []
    const broken = someOf(ground, calls)
    for (const { entry } of broken) entry.moveTo('0'.repeat(16) + entry.traceId.slice(16))
    const { exit, entry } = calls[0]!
    return [
      {
        recipe: this.name,
        rules: ['CTX-004'],
        causes: ['truncated_to_64_bits'],
        place: { service: entry.service, operation: null, edge: { from: exit.service, to: entry.service } },
        occurrences: broken.map(({ entry, exit }) => ({
          spans: [entry],
          needs: [exit],
          identifiable: true,
          stands: () => exit.traceId.endsWith(entry.traceId.slice(16)),
        })),
      },
    ]
  },
}
