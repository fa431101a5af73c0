interface Traffic {
  readonly from: string
  readonly to: string
  readonly connected: number
  readonly lost: number
}

/** A share of lost calls from which an edge counts as broken throughout, and up to which it counts as whole. */
export const BROKEN = 0.95
export const WHOLE = 0.05

/** The edge in question, and what its two sides tell beside the counts. */
export interface LostTraffic extends Traffic {
  /** The instrumentations of the two sides speak different formats. */
  readonly formatsDiffer: boolean
  /** One operation of the callee loses everything, its others nothing. */
  readonly oneRouteOnly: boolean
}

export interface LostCause {
  readonly cause: string
  readonly confidence: number
  /** It is the route's alone: the other operations of the callee are whole. */
  readonly ofRoute?: true
}

/**
 * Why the calls of an edge lose their context, by the other edges of the same two services: broken on all edges out of
 * the caller while the callee takes context from others, it is the caller; broken on all edges into the callee while the
 * caller's other calls arrive, it is the callee; this edge alone, it is the formats if the two sides speak different
 * ones, and otherwise somebody between them; anything else does not decide it.
 */
export function causeOf(edge: LostTraffic, edges: readonly Traffic[], enoughCalls: number): LostCause {
  const counted = edges.filter((other) => other.connected + other.lost >= enoughCalls)
  const out = counted.filter((other) => other.from === edge.from && other.to !== edge.to)
  const into = counted.filter((other) => other.to === edge.to && other.from !== edge.from)
  const throughout = share(edge) >= BROKEN
  const outBroken = out.filter((other) => share(other) >= BROKEN).length
  const outWhole = out.filter((other) => share(other) <= WHOLE).length
  const intoBroken = into.filter((other) => share(other) >= BROKEN).length
  const intoWhole = into.filter((other) => share(other) <= WHOLE).length
  if (throughout && out.length > 0 && outBroken === out.length && intoBroken === 0)
    return { cause: 'caller_does_not_inject', confidence: intoWhole > 0 || out.length > 1 ? 0.95 : 0.85 }
  if (throughout && into.length > 0 && intoBroken === into.length && outBroken === 0)
    return { cause: 'callee_does_not_extract', confidence: outWhole > 0 || into.length > 1 ? 0.95 : 0.85 }
  if (throughout && edge.formatsDiffer && (outWhole > 0 || intoWhole > 0))
    return { cause: 'format_mismatch', confidence: 0.85 }
  if (edge.oneRouteOnly) return { cause: 'stripped_on_the_way', confidence: 0.9, ofRoute: true }
  if (outWhole > 0 && outWhole === out.length && intoWhole > 0 && intoWhole === into.length)
    return { cause: 'stripped_on_the_way', confidence: 0.85 }
  return { cause: 'undetermined', confidence: 1 }
}

function share(edge: Traffic): number {
  const calls = edge.connected + edge.lost
  return calls === 0 ? 0 : edge.lost / calls
}
