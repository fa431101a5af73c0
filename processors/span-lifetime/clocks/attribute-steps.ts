import { compareIds } from './clock-source.ts'

/** What the calls between two domains say of a step: how far the second's offset to the first jumped; 0 where it stayed. */
export interface StepWitness {
  readonly first: string
  readonly second: string
  readonly direction: 1 | 0 | -1
}

/** Domains whose clocks were set together, up or down; of those that are not in it nothing was set. */
export type SetClocks = ReadonlyMap<string, 1 | -1>

/**
 * Whose clock was set. A clock that is set jumps against all others at once, so domains that stayed together are one
 * side, each jump is between two sides, and the side of fewest domains was set; of two alike the one without the domain
 * of most spans, by which offsets are given. A jump within one side was no step but a load on the way.
 */
export function attributeStep(witnesses: readonly StepWitness[], spansOf: (domain: string) => number): SetClocks {
  const sideOf = sides(witnesses)
  const neighbours = new Map<string, { readonly to: string; readonly direction: number }[]>()
  const add = (from: string, to: string, direction: number) => {
    const list = neighbours.get(from)
    if (list) list.push({ to, direction })
    else neighbours.set(from, [{ to, direction }])
  }
  for (const { first, second, direction } of witnesses) {
    const from = sideOf(first)
    const to = sideOf(second)
    if (direction === 0 || from === to) continue
    add(from, to, direction)
    add(to, from, -direction)
  }
  const members = new Map<string, string[]>()
  for (const domain of new Set(witnesses.flatMap(({ first, second }) => [first, second])))
    members.set(sideOf(domain), [...(members.get(sideOf(domain)) ?? []), domain])
  const set = new Map<string, 1 | -1>()
  const reached = new Set<string>()
  for (const start of [...neighbours.keys()].sort(compareIds)) {
    if (reached.has(start)) continue
    const levels = new Map([[start, 0]])
    for (const [side, level] of levels)
      for (const { to, direction } of neighbours.get(side)!) if (!levels.has(to)) levels.set(to, level + direction)
    for (const side of levels.keys()) reached.add(side)
    const domains = [...levels].flatMap(([side, level]) => members.get(side)!.map((domain) => ({ domain, level })))
    const base = levelThatStayed(domains, spansOf)
    for (const { domain, level } of domains) if (level !== base) set.set(domain, level > base ? 1 : -1)
  }
  return set
}

/** Names each domain's side: the domains that it stayed together with. */
function sides(witnesses: readonly StepWitness[]): (domain: string) => string {
  const parents = new Map<string, string>()
  const sideOf = (domain: string) => {
    let side = domain
    for (let up = parents.get(side); up !== undefined; up = parents.get(side)) side = up
    return side
  }
  for (const { first, second, direction } of witnesses) {
    const from = sideOf(first)
    const to = sideOf(second)
    if (direction === 0 && from !== to) parents.set(from, to)
  }
  return sideOf
}

interface Levelled {
  readonly domain: string
  readonly level: number
}

function levelThatStayed(domains: readonly Levelled[], spansOf: (domain: string) => number): number {
  const counts = new Map<number, number>()
  for (const { level } of domains) counts.set(level, (counts.get(level) ?? 0) + 1)
  const most = Math.max(...counts.values())
  const reference = domains
    .filter(({ level }) => counts.get(level) === most)
    .sort((a, b) => spansOf(b.domain) - spansOf(a.domain) || compareIds(a.domain, b.domain))[0]!
  return reference.level
}
