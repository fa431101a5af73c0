/** Work that entered a service lately. */
export interface EntryTraffic {
  readonly service: string
  /** Entry spans with a parent id, and those of them whose parent is not here. */
  readonly withParent: number
  readonly orphans: number
  /** Services known to call this one. */
  readonly callers: ReadonlySet<string>
}

/** Calls that should have been answered, lately; `to` is a service, or what the caller calls one that was never seen. */
export interface ExitTraffic {
  readonly from: string
  readonly to: string
  readonly seen: boolean
  readonly calls: number
  readonly unanswered: number
}

export interface View {
  readonly entries: readonly EntryTraffic[]
  readonly exits: readonly ExitTraffic[]
  /** Orphans whose parent should be in the same process: a process is seen whole or not at all. */
  readonly innerOrphans: number
}

export type Verdict =
  | { readonly kind: 'too_little' }
  | { readonly kind: 'whole' }
  /** Too little is missing to say so, but it may be that a share only arrives. */
  | { readonly kind: 'doubtful' }
  /** `share` of all spans arrives here. */
  | { readonly kind: 'partial'; readonly share: number }

/** Missing on either side from which anything is decided. */
const DECIDE_FROM = 20
/** A share of missing parents, and of missing children, below which the view is whole. */
const MISSING_FROM = 0.1
/** A place counts as damaged from this share on, and as gone altogether from that one. */
const DAMAGED = 0.05
const GONE = 0.98
/** Of all places (the entries of a service, the calls from one to another) so many must be damaged; and so many are nearly all. */
const DAMAGED_PLACES = 0.4
const NEARLY_ALL_PLACES = 0.8
/** Orphans within a process are spans that were lost, not sent elsewhere. */
const INNER_ORPHANS = 0.1
/** Share of the damage that the hidden services must explain; and to rule out that there are several. */
const EXPLAINED = 0.9
const ALL_EXPLAINED = 0.97
/** Missing on either side, and damaged places of all, from which it is doubtful. */
const DOUBT_FROM = 5
const DOUBTFUL_PLACES = 0.6
/** Hidden services that are beyond chance; then so many missing on either side are enough, whatever their share. */
const MANY = 3
const SURE_FROM = 10
/** Share of all that is missing that each of them must explain: a few calls are always unanswered. */
const TELLING = 0.05
/** An unseen caller that nobody names. */
const SOMEBODY = '?'

/**
 * Whether only a share of the traffic arrives here. One broken edge, one service that does not export or samples on its
 * own, leaves all its damage with one service; a split hides many at once. So: parents and children are missing in
 * many places, whole processes only, and it takes at least three hidden services (or parts of services) to explain it, or
 * two where much is missing and nearly all places are damaged, or all that are damaged are gone altogether (as with one
 * instance a service). Where two explain it, or too little is missing, it is doubtful.
 */
export function judgeView({ entries, exits, innerOrphans }: View): Verdict {
  const withParent = sum(entries, (entry) => entry.withParent)
  const orphans = sum(entries, (entry) => entry.orphans)
  const calls = sum(exits, (exit) => exit.calls)
  const unanswered = sum(exits, (exit) => exit.unanswered)
  if (withParent + calls < DECIDE_FROM) return { kind: 'too_little' }
  if (orphans < DOUBT_FROM || unanswered < DOUBT_FROM) return { kind: 'whole' }
  const areOrphans = orphans >= withParent * MISSING_FROM
  const areUnanswered = unanswered >= calls * MISSING_FROM
  if (!areOrphans && !areUnanswered) return { kind: 'whole' }
  if (innerOrphans > (orphans + innerOrphans) * INNER_ORPHANS) return { kind: 'whole' }
  const shares = [
    ...entries.filter((entry) => entry.withParent > 0).map((entry) => entry.orphans / entry.withParent),
    ...exits.filter((exit) => exit.calls > 0).map((exit) => exit.unanswered / exit.calls),
  ]
  const damaged = shares.filter((share) => share >= DAMAGED)
  if (damaged.length < shares.length * DAMAGED_PLACES) return { kind: 'whole' }
  const areMost = damaged.length >= shares.length * DOUBTFUL_PLACES
  const hidden = hiddenServices(
    entries.filter((entry) => entry.orphans >= entry.withParent * DAMAGED),
    exits.filter((exit) => exit.unanswered >= exit.calls * DAMAGED),
    ALL_EXPLAINED,
    DOUBT_FROM,
  )
  const isDoubtful = hidden >= (areMost ? 2 : MANY)
  const isPlain = damaged.every((share) => share >= GONE) || damaged.length >= shares.length * NEARLY_ALL_PLACES
  const isMuch = areOrphans && areUnanswered && orphans >= DECIDE_FROM && unanswered >= DECIDE_FROM
  const telling = Math.max(DOUBT_FROM, (orphans + unanswered) * TELLING)
  const areMany =
    Math.min(orphans, unanswered) >= SURE_FROM && hiddenServices(entries, exits, ALL_EXPLAINED, telling) >= MANY
  if (!areMany && !(isMuch && hiddenServices(entries, exits, EXPLAINED) >= (isPlain ? 2 : MANY)))
    return { kind: isDoubtful ? 'doubtful' : 'whole' }
  const missing = (orphans / withParent + unanswered / calls) / 2
  return { kind: 'partial', share: 1 - missing }
}

/** Whether `judgeView` calls it whole, whoever calls whom: so many spans with a parent, and no more calls unanswered. */
export function isPlainlyWhole(withParent: number, unanswered: number): boolean {
  return withParent >= DECIDE_FROM && unanswered < DOUBT_FROM
}

interface Damage {
  readonly suspects: ReadonlySet<string>
  readonly count: number
}

/**
 * How few services must be hidden, whole or in part, to explain what is missing: the greedy cover of the damage. One that
 * explains fewer than `fewest` is chance.
 */
function hiddenServices(
  entries: readonly EntryTraffic[],
  exits: readonly ExitTraffic[],
  explained: number,
  fewest = 1,
): number {
  const neverSeen = new Set(exits.filter((exit) => !exit.seen && exit.unanswered > 0).map((exit) => exit.to))
  const somebody = neverSeen.size > 0 ? neverSeen : new Set([SOMEBODY])
  let left: Damage[] = [
    ...entries.map((entry) => ({ suspects: entry.callers.size > 0 ? entry.callers : somebody, count: entry.orphans })),
    ...exits.map((exit) => ({ suspects: new Set([exit.to]), count: exit.unanswered })),
  ].filter((damage) => damage.count > 0)
  const total = sum(left, (damage) => damage.count)
  let hidden = 0
  while (sum(left, (damage) => damage.count) > total * (1 - explained)) {
    const explains = new Map<string, number>()
    for (const { suspects, count } of left)
      for (const suspect of suspects) explains.set(suspect, (explains.get(suspect) ?? 0) + count)
    let best = ''
    for (const [suspect, count] of explains) if (count > (explains.get(best) ?? 0)) best = suspect
    left = left.filter((damage) => !damage.suspects.has(best))
    if (explains.get(best)! < fewest) break
    hidden++
  }
  return hidden
}

function sum<T>(list: readonly T[], of: (item: T) => number): number {
  return list.reduce((total, item) => total + of(item), 0)
}
