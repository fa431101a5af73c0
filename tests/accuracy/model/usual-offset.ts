import type { Span } from './span.ts'

/** A pair of clocks counts from so many calls. */
const CALLS_OF_PAIR = 30

/**
 * How far a clock is ahead of another as it is, along calls between domains: the sum of the medians over the middles of
 * their calls. Null where no calls connect them.
 */
export function usualOffsetNano(
  between: readonly Span[],
  domains: ReadonlyMap<Span, string>,
  domain: string,
  other: string,
): number | null {
  const aheadNano = new Map<string, Map<string, number[]>>()
  const add = (from: Span, to: Span) => {
    const byOther = aheadNano.get(domains.get(from)!) ?? new Map<string, number[]>()
    const list = byOther.get(domains.get(to)!) ?? []
    list.push(Number(from.startNano + from.endNano - to.startNano - to.endNano) / 2)
    aheadNano.set(domains.get(from)!, byOther.set(domains.get(to)!, list))
  }
  for (const callee of between) {
    add(callee, callee.parent!)
    add(callee.parent!, callee)
  }
  const reached = new Map([[domain, 0]])
  for (const [from, nano] of reached)
    for (const [to, list] of aheadNano.get(from) ?? [])
      if (!reached.has(to) && list.length >= CALLS_OF_PAIR) reached.set(to, nano + medianOf(list))
  return reached.get(other) ?? null
}

function medianOf(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!
}
