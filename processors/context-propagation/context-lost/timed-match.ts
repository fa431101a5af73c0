import { rpcNameOf } from '../../../component/rpc-name.ts'
import { isAddress, type KnownEntry, type KnownExit } from '../callee-match.ts'
import type { CallSample } from './call-samples.ts'

/** Roots from which a pair is judged, and up to which they are kept to be matched once it is proven. */
const DECIDE_FROM = 20
const MAX_KEPT = 200
/** Share of the roots that must lie inside a call of the pair; a pair with less than half is given up. */
const INSIDE = 0.95
const HOPELESS = 0.5
/** Two pairs that explain an entry nearly alike are none. */
const RIVAL = 0.8
/** Calls and roots may differ in number by this share: some come at the edges of the time that is looked at. */
const COUNTS_DIFFER = 0.1
/** Log-likelihood of "inside as a rule" over "inside by chance" that counts as proof: e to the 14th is a million to one. */
const PROOF = 14
/** The time around a root over which its chance to be inside a call is measured, to each side. */
const AROUND_MS = 5000
/** How far a root may lie outside: less than elsewhere, since time is all there is. */
const TOLERANCE_MS = 5
/** Entries that are looked at, exits that name nobody, and of these as many for one entry. */
const MAX_ENTRIES = 1000
const MAX_NAMELESS = 256
const MAX_EXITS = 16
/** Roots that are weighed in one judgement, and calls that each is compared with: it takes its time, not the gateway's. */
const MAX_WEIGHED = 50
const MAX_CALLS = 256

/** The last calls of one exit without an answer, `limit` of those that began before a time. */
export type CallsBefore = (exit: KnownExit, untilMs: number, limit: number) => readonly CallSample[]

interface Pair {
  readonly exit: KnownExit
  roots: number
  inside: number
  expected: number
}

interface Candidates {
  roots: number
  readonly pairs: Map<string, Pair>
  readonly hopeless: Set<string>
  kept: CallSample[]
}

/**
 * Finds who calls an entry where neither side names the other, they have no name in common and no call was ever answered:
 * by time and counts. Each root lies inside a call of the same exit, more often than chance allows, there are as many of
 * both, no other exit would do as well, and nor would another entry. Weak evidence, so all of it is asked for.
 */
export class TimedMatch {
  readonly #nameless = new Set<KnownExit>()
  readonly #entries = new Map<string, Candidates>()
  #weighed = 0
  /** By entry, the exit that was proven to call it. */
  readonly #proven = new Map<string, KnownExit>()

  /** Once for each exit. */
  add(exit: KnownExit): void {
    const namesNobody = exit.peer === '' || isAddress(exit.peer)
    const isCall = exit.boundary === 'http' || exit.boundary === 'grpc'
    if (namesNobody && isCall && this.#nameless.size < MAX_NAMELESS) this.#nameless.add(exit)
  }

  /** At the begin of a judgement. */
  begin(): void {
    this.#weighed = 0
  }

  callerOf(entry: KnownEntry): KnownExit | null {
    return this.#proven.get(entry.key) ?? null
  }

  /** Weighs a root that nobody is known to call. Returns the roots of its entry once their caller is proven. */
  weigh(root: CallSample, entry: KnownEntry, callsBefore: CallsBefore): readonly CallSample[] {
    if (this.#nameless.size === 0 || this.#weighed >= MAX_WEIGHED) return []
    this.#weighed++
    let candidates = this.#entries.get(entry.key)
    if (!candidates) {
      if (this.#entries.size >= MAX_ENTRIES) return []
      candidates = { roots: 0, pairs: new Map(), hopeless: new Set(), kept: [] }
      this.#entries.set(entry.key, candidates)
    }
    const { pairs, hopeless } = candidates
    // Enough of them had nobody to call them.
    if (++candidates.roots > DECIDE_FROM && pairs.size === 0) return []
    for (const exit of this.#nameless) {
      if (hopeless.has(exit.key) || !mayCall(exit, entry)) continue
      let pair = pairs.get(exit.key)
      if (!pair) {
        if (pairs.size >= MAX_EXITS) continue
        pair = { exit, roots: 0, inside: 0, expected: 0 }
        pairs.set(exit.key, pair)
      }
      count(pair, root, callsBefore(exit, root.startMs + AROUND_MS, MAX_CALLS))
      if (pair.roots < DECIDE_FROM || pair.inside >= pair.roots * HOPELESS) continue
      pairs.delete(exit.key)
      if (hopeless.size < MAX_EXITS * 4) hopeless.add(exit.key)
    }
    if (pairs.size > 0 && candidates.kept.length < MAX_KEPT) candidates.kept.push(root)
    const caller = proven([...pairs.values()], entry)
    if (!caller || this.#isElsewhere(caller, entry)) return []
    this.#proven.set(entry.key, caller)
    this.#entries.delete(entry.key)
    return candidates.kept
  }

  /** Whether the calls explain another entry as well: then either may be theirs. */
  #isElsewhere(exit: KnownExit, entry: KnownEntry): boolean {
    for (const other of this.#proven.values()) if (other === exit) return true
    for (const [key, { pairs }] of this.#entries) {
      const pair = pairs.get(exit.key)
      if (key !== entry.key && pair && pair.inside >= pair.roots * RIVAL) return true
    }
    return false
  }
}

function count(pair: Pair, root: CallSample, calls: readonly CallSample[]): void {
  let coveredMs = 0
  let isInside = false
  for (const { startMs, endMs } of calls) {
    if (startMs < root.startMs - AROUND_MS) continue
    coveredMs += endMs - startMs + 2 * TOLERANCE_MS
    isInside ||= startMs - TOLERANCE_MS <= root.startMs && endMs + TOLERANCE_MS >= root.endMs
  }
  pair.roots++
  pair.expected += Math.min(1, coveredMs / (2 * AROUND_MS))
  if (isInside) pair.inside++
}

/** The caller of which all is true; null where there is none, or another that may be. */
function proven(pairs: readonly Pair[], entry: KnownEntry): KnownExit | null {
  const able = pairs.filter(({ roots, inside }) => roots >= DECIDE_FROM && inside >= roots * RIVAL)
  if (able.length !== 1) return null
  const { exit, roots, inside, expected } = able[0]!
  if (inside < roots * INSIDE || Math.abs(exit.total - entry.total) > entry.total * COUNTS_DIFFER) return null
  const chance = Math.max(expected / roots, 1e-6)
  return inside * Math.log(inside / roots / chance) >= PROOF ? exit : null
}

/** A call that is never answered, and work that always comes without context, of the same boundary and without names that contradict. */
function mayCall(exit: KnownExit, entry: KnownEntry): boolean {
  if (exit.service === entry.service || exit.boundary !== entry.boundary) return false
  if (exit.unanswered < exit.total || entry.roots < entry.total * INSIDE) return false
  return rpcNameOf(exit.name) === null || rpcNameOf(entry.name) === null
}
