import type { Random } from '../model/random.ts'
import { type Call, operationOf, type Recording } from '../model/recording.ts'
import type { Span } from '../model/span.ts'
import type { Break } from '../model/truth.ts'

/** What a recipe gets to work on. */
export interface Ground {
  readonly recording: Recording
  /** The share of the calls or spans of its place that it breaks. */
  readonly share: number
  readonly random: Random
  /** Services that other recipes of the same run have broken; a recipe adds its own. */
  readonly taken: Set<string>
}

/** A way to break a recording and to know what was broken. */
export interface Recipe {
  readonly name: string
  /** The rule that its findings are scored under. */
  readonly rule: string
  /** In words, for the page. */
  readonly what: string
  readonly causes: string
  readonly key: string
  /** Which of its breaks can be identified, judged on the unbroken trace. */
  readonly identifiable: string
  /** Breaks one place; empty where the recording has none to offer. */
  inject(ground: Ground): Break[]
}

/** Places with fewer calls or spans say nothing about a share of 0.05. */
const PLACE_FROM = 60

/** The calls of an edge that no other recipe has touched. */
export function pickEdge(
  { recording, random, taken }: Ground,
  fits: (calls: readonly Call[]) => boolean = () => true,
): readonly Call[] | null {
  const edges = [...recording.edges().values()].filter(
    (calls) => calls.length >= PLACE_FROM && !taken.has(calls[0]!.entry.service) && fits(calls),
  )
  if (edges.length === 0) return null
  const calls = random.pick(edges)
  taken.add(calls[0]!.entry.service)
  return calls
}

/** The spans of an operation that fit, in a service that no other recipe has touched. */
export function pickOperation(
  { recording, random, taken }: Ground,
  fits: (span: Span) => boolean,
): readonly Span[] | null {
  const groups = new Map<string, Span[]>()
  for (const span of recording.spans) {
    if (taken.has(span.service) || !fits(span)) continue
    const key = operationOf(span)
    const group = groups.get(key)
    if (group) group.push(span)
    else groups.set(key, [span])
  }
  const places = [...groups.values()].filter((spans) => spans.length >= PLACE_FROM)
  if (places.length === 0) return null
  const spans = random.pick(places)
  taken.add(spans[0]!.service)
  return spans
}

/** A service that fits and that no other recipe has touched. */
export function pickService(ground: Ground, fits: (spans: readonly Span[]) => boolean): readonly Span[] | null {
  const { recording, random, taken } = ground
  const places = recording.services
    .filter((service) => !taken.has(service))
    .map((service) => recording.spans.filter((span) => span.service === service))
    .filter((spans) => spans.length >= PLACE_FROM && fits(spans))
  if (places.length === 0) return null
  const spans = random.pick(places)
  taken.add(spans[0]!.service)
  return spans
}

/** That share of a list, at random and at least one. */
export function someOf<T>({ share, random }: Ground, list: readonly T[]): T[] {
  if (share >= 1) return [...list]
  return random.shuffled(list).slice(0, Math.max(1, Math.round(list.length * share)))
}
