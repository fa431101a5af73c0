import { compareIds } from './clock-source.ts'
import type { OffsetFit } from './offset-fit.ts'

/** An offset between two domains, second minus first. */
export interface ClockEdge {
  readonly first: string
  readonly second: string
  readonly fit: OffsetFit
}

/** The offset of a domain to the root of its component. */
export interface ClockOffset {
  readonly root: string
  readonly offsetNano: number
  readonly slopeNanoPerS: number
  readonly halfWidthNano: number
  /** By how much calls on the way to it contradict their offset: a step of one of the clocks was not found. */
  readonly contradictedNano: number
  readonly delayNano: number
  readonly lowerNano: number
  readonly upperNano: number
}

/** Share of the way there and back by which ways that are taken as equal may differ; weighs edges, widens no estimate. */
export const ASYMMETRY_SHARE = 0.1

/**
 * Offsets of all domains that calls connect, each along the most certain way from the root of its component: the domain
 * with most spans, ties by id.
 */
export function spreadOffsets(
  edges: readonly ClockEdge[],
  spansOf: (domain: string) => number,
): ReadonlyMap<string, ClockOffset> {
  const neighbours = new Map<string, { readonly to: string; readonly fit: OffsetFit; readonly sign: 1 | -1 }[]>()
  const add = (from: string, to: string, fit: OffsetFit, sign: 1 | -1) => {
    const list = neighbours.get(from)
    if (list) list.push({ to, fit, sign })
    else neighbours.set(from, [{ to, fit, sign }])
  }
  for (const { first, second, fit } of edges) {
    add(first, second, fit, 1)
    add(second, first, fit, -1)
  }
  const roots = [...neighbours.keys()].sort((a, b) => spansOf(b) - spansOf(a) || compareIds(a, b))
  const reached = new Map<string, ClockOffset>()
  for (const root of roots) {
    if (reached.has(root)) continue
    reached.set(root, rootOffset(root))
    const open: { readonly domain: string; readonly cost: number; readonly offset: ClockOffset }[] = []
    const extend = (from: string, cost: number) => {
      const offset = reached.get(from)!
      for (const { to, fit, sign } of neighbours.get(from)!)
        if (!reached.has(to)) open.push({ domain: to, cost: cost + uncertainty(fit), offset: added(offset, fit, sign) })
    }
    extend(root, 0)
    while (open.length > 0) {
      let best = 0
      for (let i = 1; i < open.length; i++) if (open[i]!.cost < open[best]!.cost) best = i
      const next = open[best]!
      open[best] = open[open.length - 1]!
      open.pop()
      if (reached.has(next.domain)) continue
      reached.set(next.domain, next.offset)
      extend(next.domain, next.cost)
    }
  }
  return reached
}

function rootOffset(root: string): ClockOffset {
  const nothing = { offsetNano: 0, slopeNanoPerS: 0, halfWidthNano: 0, contradictedNano: 0, delayNano: 0 }
  return { root, ...nothing, lowerNano: 0, upperNano: 0 }
}

function uncertainty({ halfWidthNano, delayNano }: OffsetFit): number {
  return halfWidthNano ** 2 + (ASYMMETRY_SHARE * delayNano) ** 2
}

function added(from: ClockOffset, fit: OffsetFit, sign: 1 | -1): ClockOffset {
  return {
    root: from.root,
    offsetNano: from.offsetNano + sign * fit.offsetNano,
    slopeNanoPerS: from.slopeNanoPerS + sign * fit.slopeNanoPerS,
    halfWidthNano: Math.hypot(from.halfWidthNano, fit.halfWidthNano),
    contradictedNano: Math.max(from.contradictedNano, fit.contradictedNano),
    delayNano: Math.max(from.delayNano, fit.delayNano),
    lowerNano: from.lowerNano + (sign === 1 ? fit.lowerNano : -fit.upperNano),
    upperNano: from.upperNano + (sign === 1 ? fit.upperNano : -fit.lowerNano),
  }
}
