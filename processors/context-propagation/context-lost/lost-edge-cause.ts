import { type Edge, MIN_CAUSE_CONFIDENCE } from '../../../component/finding.ts'
import { sureDespite } from '../how-sure.ts'

interface Traffic extends Edge {
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

/** Messages lose as much as requests from this share of what those lose. */
const ALIKE = 0.5

const UNDETERMINED: LostCause = { cause: 'undetermined', confidence: 1 }
/** Of all edges, those that lose context for a reason of their own: how likely a coincidence of two faults is. */
const COINCIDENCE = 0.05

/**
 * Why the calls of an edge lose their context, by the other edges of the same two services: broken on all edges out of
 * the caller while the callee takes context from others, it is the caller; broken on all edges into the callee while the
 * caller's other calls arrive, it is the callee; this edge alone, it is the formats if the two sides speak different
 * ones, and otherwise somebody between them; anything else does not decide it. Messages and requests have libraries of
 * their own on both sides, so that the ones are whole tells nothing of the others; that both lose as much does. How sure that
 * is says what else may have made the same counts: that each of the edges broke for itself, or that the others were spared
 * by chance.
 */
export function causeOf(edge: LostTraffic, edges: readonly Traffic[], enoughCalls: number): LostCause {
  const decided = likeliest(edge, edges, enoughCalls)
  return decided.confidence < MIN_CAUSE_CONFIDENCE ? UNDETERMINED : decided
}

function likeliest(edge: LostTraffic, edges: readonly Traffic[], enoughCalls: number): LostCause {
  const tells = (other: Traffic) =>
    (other.boundary === 'messaging') === (edge.boundary === 'messaging') || share(other) >= ALIKE * share(edge)
  const isCounted = (other: Traffic) => other.connected + other.lost >= enoughCalls
  const allOut = edges.filter((other) => other.from === edge.from && other.to !== edge.to && tells(other))
  const allInto = edges.filter((other) => other.to === edge.to && other.from !== edge.from && tells(other))
  const out = allOut.filter(isCounted)
  const into = allInto.filter(isCounted)
  const throughout = share(edge) >= BROKEN
  const outBroken = out.filter((other) => share(other) >= BROKEN).length
  const outWhole = out.filter((other) => share(other) <= WHOLE).length
  const intoBroken = into.filter((other) => share(other) >= BROKEN).length
  const intoWhole = into.filter((other) => share(other) <= WHOLE).length
  if (throughout && out.length > 0 && outBroken === out.length && intoBroken === 0)
    return { cause: 'caller_does_not_inject', confidence: sureOfSide(outBroken, intoWhole > 0) }
  if (throughout && into.length > 0 && intoBroken === into.length && outBroken === 0)
    return { cause: 'callee_does_not_extract', confidence: sureOfSide(intoBroken, outWhole > 0) }
  // A side with other edges, of which none is known to be whole yet, may be what is broken itself.
  const outIsFine = outWhole > 0 || allOut.length === 0
  const intoIsFine = intoWhole > 0 || allInto.length === 0
  if (throughout && edge.formatsDiffer && outIsFine && intoIsFine && outWhole + intoWhole > 0)
    return { cause: 'format_mismatch', confidence: sureDespite(COINCIDENCE) }
  if (edge.oneRouteOnly) return { cause: 'stripped_on_the_way', confidence: sureDespite(COINCIDENCE), ofRoute: true }
  if (outWhole > 0 && outWhole === out.length && intoWhole > 0 && intoWhole === into.length)
    return {
      cause: 'stripped_on_the_way',
      confidence: sureDespite(sparedByChance(edge, out) + sparedByChance(edge, into)),
    }
  return UNDETERMINED
}

/** All edges of one side are broken: else each broke for itself, or, if it may be, those of the other side did. */
function sureOfSide(brokenBeside: number, otherSideIsWhole: boolean): number {
  return sureDespite(COINCIDENCE ** brokenBeside * (otherSideIsWhole ? 1 : 2))
}

/**
 * How much likelier it is that edges lose the same share of their calls as this one and were lucky, than that they are
 * whole. Where one call in twenty is lost, thirty calls without a loss tell little.
 */
function sparedByChance(edge: Traffic, others: readonly Traffic[]): number {
  const losing = (edge.lost + 0.5) / (edge.connected + edge.lost + 1)
  const whole = losing * WHOLE
  let log = 0
  for (const { lost, connected } of others)
    log += lost * Math.log(losing / whole) + connected * Math.log((1 - losing) / (1 - whole))
  return Math.exp(log)
}

function share(edge: Traffic): number {
  const calls = edge.connected + edge.lost
  return calls === 0 ? 0 : edge.lost / calls
}
